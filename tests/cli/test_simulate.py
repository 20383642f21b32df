"""The command as a user runs it: a process, a file, a table, a report; good input and bad."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hedgerow import Recommender

COMMAND = [sys.executable, "-c", "from hedgerow.cli.main import main; main()"]
ENVIRONMENT = {
    **os.environ,
    "COLUMNS": "200",
    "OPENBLAS_NUM_THREADS": "1",
    "NO_COLOR": "1",
}


def run(*arguments, folder, code=0):
    """Run hedgerow in a folder and return what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def rows(users=60, items=30, seed=0):
    """Return interactions of users who walk along a circle of items."""
    draw = random.Random(seed)
    for user in range(users):
        at = draw.randrange(items)
        for moment in range(draw.randrange(6, 14)):
            at = (at + draw.choice([1, 1, 1, 2, 5])) % items
            yield f"u{user}", f"i{at}", 1_700_000_000 + moment, f"town {user % 4}"


def write(path, table, head=("user_id", "item_id", "timestamp", "town")):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *table])
    return path


@pytest.fixture
def data(tmp_path):
    return write(tmp_path / "log.csv", rows())


def test_one_command_says_what_federating_gives(data, tmp_path):
    printed = run(
        "simulate", data, "--set", "dimensions=16/8", "--set", "decays=0.3/0.8",
        "--json", "figures/out.json", folder=tmp_path,
    )  # fmt: skip
    for word in ("popularity", "local", "federated", "pooled", "Federation tax", "report.html"):
        assert word in printed
    facts = json.loads((tmp_path / "figures" / "out.json").read_text())
    assert facts == json.loads((tmp_path / "hedgerow-out" / "result.json").read_text())
    for kind in (facts, facts["pooled"], facts["local"], facts["popularity"]):
        for ranking in ("full", "sampled"):
            assert (
                0 <= kind["metrics"][ranking]["ndcg@10"] <= kind["metrics"][ranking]["hr@10"] <= 1
            )
    assert isinstance(facts["federation_tax"], float)
    assert facts["rounds"] == 7
    assert facts["bytes_up_per_client"] > 0
    assert facts["bytes_down_per_client"] > 0
    assert facts["client_updates_per_second"] > 0
    assert facts["seconds"] > 0
    assert facts["seed"] == 0
    assert (
        facts["metrics"]["full"]["ndcg@10"]
        > 1.5 * facts["popularity"]["metrics"]["full"]["ndcg@10"]
    )
    assert "<html" in (tmp_path / "hedgerow-out" / "report.html").read_text()


def test_the_saved_model_recommends(data, tmp_path):
    run("simulate", data, "--model", "transitions", "--against", "none", folder=tmp_path)
    path = tmp_path / "hedgerow-out" / "model.safetensors"
    printed = run("recommend", path, "--history", "i3, i4,nowhere", "--k", 3, folder=tmp_path)
    best = Recommender.load(path).recommend(["i3", "i4"], 3)
    assert best[0].item_id == "i5"
    assert "does not know item nowhere" in printed
    assert all(item.item_id in printed for item in best)
    some = run("recommend", path, "--history", "i3", "--among", "i9,i11", folder=tmp_path)
    assert "i9" in some
    assert "i4" not in some
    assert run("recommend", path, folder=tmp_path).count("i") > 10


def test_silos_by_column_and_by_number_equal_devices(data, tmp_path):
    found = []
    for number, silos in enumerate((None, "town", "3")):
        more = [] if silos is None else ["--silos", silos]
        run(
            "simulate", data, "--model", "als", "--set", "dimension=8", "--set", "rounds=2",
            "--against", "local", "--out", f"out{number}", *more, folder=tmp_path,
        )  # fmt: skip
        found.append(json.loads((tmp_path / f"out{number}" / "result.json").read_text()))
    assert [f["data"]["clients"] for f in found] == [60, 4, 3]
    for other in found[1:]:
        assert other["metrics"]["full"] == pytest.approx(found[0]["metrics"]["full"], abs=1e-3)
        assert other["local"]["users"] == 60


def test_catalog_features_and_other_column_names(tmp_path):
    data = write(tmp_path / "log.tsv.csv", rows(), ("who", "what", "moment", "town"))
    titles = write(tmp_path / "items.csv", [(f"i{n}", f"Item {n}", "a|b") for n in range(31)],
                   ("item_id", "title", "genres"))  # fmt: skip
    printed = run(
        "simulate", data, "--model", "popularity", "--columns", "user_id=who",
        "--columns", "item_id=what", "--columns", "timestamp=moment", "--catalog", titles,
        "--examples", "3", folder=tmp_path,
    )  # fmt: skip
    assert "31 items" in printed
    assert re.search(r"Item \d", (tmp_path / "hedgerow-out" / "report.html").read_text())


def test_no_history_is_written_unless_examples_are_asked_for(data, tmp_path):
    for number in (0, 2):
        run(
            "simulate", data, "--model", "popularity", "--against", "none", "--examples", number,
            folder=tmp_path,
        )  # fmt: skip
        facts = json.loads((tmp_path / "hedgerow-out" / "result.json").read_text())
        report = (tmp_path / "hedgerow-out" / "report.html").read_text()
        assert len(facts["examples"]) == number
        assert ("share them only with those who may see the log" in report) == bool(number)
        assert ('class="history"' in report) == bool(number)


def test_participation_dropouts_splits_repeats_and_workers(data, tmp_path):
    for more in (
        ["--participation", "0.3", "--dropout", "0.2"],
        ["--split", "temporal"],
        ["--split", "random", "--repeats"],
        ["--workers", "2"],
        ["--patience", "1"],
    ):
        run("simulate", data, "--model", "als", "--set", "dimension=4", *more, folder=tmp_path)


def test_ctrl_c_in_a_round_and_resuming_ends_where_an_uninterrupted_run_does(data, tmp_path):
    arguments = [
        "simulate", str(data), "--model", "factorization", "--set", "rounds=120",
        "--set", "dimension=4", "--against", "none",
    ]  # fmt: skip
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    checkpoint = tmp_path / "hedgerow-out" / "checkpoint.safetensors"
    while not checkpoint.exists():
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail("it ended before its first checkpoint")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "hedgerow-out" / "result.json").exists()
    other = write(tmp_path / "other.csv", rows(seed=1))
    refused = run(*arguments[:1], other, *arguments[2:], "--resume", folder=tmp_path, code=1)
    assert "other data or other settings" in refused
    run(*arguments, "--resume", folder=tmp_path)
    assert not checkpoint.exists()
    run(*arguments, "--out", "whole", folder=tmp_path)
    resumed, whole = (
        Recommender.load(tmp_path / out / "model.safetensors") for out in ("hedgerow-out", "whole")
    )
    assert resumed.state.round == whole.state.round == 120
    np.testing.assert_array_equal(resumed.state.arrays["vectors"], whole.state.arrays["vectors"])


def test_a_promise_is_charged_once_and_a_curve_not_at_all(data, tmp_path):
    arguments = ["simulate", data, "--model", "popularity", "--against", "none", "--epsilon", 3]
    bare = run(*arguments, "--out", "bare", folder=tmp_path)
    assert "Privacy: epsilon 3 at delta" in bare
    assert "gaussian noise by the server" in bare
    assert "A person who is at more than one client is protected less." in " ".join(bare.split())
    assert "one client that lies can decide what a model recommends" in " ".join(bare.split())
    assert "Quality by epsilon" not in bare
    printed = run(*arguments, "--curve", "8, 1", "--curve-seeds", 2, folder=tmp_path)
    for word in ("Quality by epsilon", "without noise", "mean of 2 seeds", "ledger.jsonl"):
        assert word in printed
    twice = run(*arguments, "--clients-per-person", 2, "--out", "twice", folder=tmp_path)
    assert "per user at 2 clients (add or remove)" in " ".join(twice.split())
    for out, clients in (("bare", 1), ("twice", 2)):
        entry = json.loads((tmp_path / out / "ledger.jsonl").read_text().splitlines()[-1])
        noise = entry["clip"] * entry["release"]["multiplier"]
        assert entry["sigma"] == pytest.approx(clients * noise)
    releases = [
        [
            json.loads(line)["epsilon"]
            for line in (tmp_path / out / "ledger.jsonl").read_text().splitlines()
        ]
        for out in ("bare", "hedgerow-out")
    ]
    assert releases[0] == releases[1]
    privacy = json.loads((tmp_path / "hedgerow-out" / "result.json").read_text())["privacy"]
    assert [entry["epsilon"] for entry in privacy["ledger"]] == releases[1]
    assert [point["epsilon"] for point in privacy["curve"]["points"]] == [8, 1]
    report = (tmp_path / "hedgerow-out" / "report.html").read_text()
    for word in ("differentially private with epsilon 3", "Quality against epsilon"):
        assert word in report


def test_masks_without_noise_are_told_apart_from_a_promise(data, tmp_path):
    arguments = ["simulate", data, "--model", "popularity", "--against", "none"]
    printed = run(*arguments, "--secure", "split", folder=tmp_path)
    assert "sums secured (split); no epsilon is promised" in printed
    assert "Privacy" not in run(*arguments, folder=tmp_path)


BAD_TABLES = {
    "no row": ([], None, "no interaction"),
    "missing column": ([("a", 1)], ("user_id", "timestamp"), "item_id"),
    "null ids": ([("u", "", 1), ("u", "i", 2)], None, "1 of 2 rows have no item_id"),
    "long ids": ([("u", "x" * 300, 1)], None, "over 256 characters"),
    "negative time": ([("u", "i", -5)], None, "negative timestamp"),
    "future time": ([("u", "i", 4_000_000_000)], None, "in the future"),
    "one user": ([("u", f"i{n}", n) for n in range(9)], None, "single user"),
    "one item": ([(f"u{n}", "i", n) for n in range(9)], None, "single item"),
    "one interaction each": ([(f"u{n}", f"i{n}", n) for n in range(9)], None, "at least two"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_get_one_sentence(name, tmp_path):
    table, head, sentence = BAD_TABLES[name]
    data = write(tmp_path / "bad.csv", table, head or ("user_id", "item_id", "timestamp"))
    said = run("simulate", data, folder=tmp_path, code=1)
    assert sentence in said
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1


BAD_OPTIONS = {
    "model": (["--model", "oracle"], "no model 'oracle'"),
    "option": (["--set", "depth=3"], "no option 'depth'"),
    "value": (["--model", "als", "--set", "dimension=many"], "dimension=many"),
    "range": (["--model", "als", "--set", "dimension=0"], "at least 1"),
    "not a pair": (["--set", "dimension"], "NAME=VALUE"),
    "preset": (["--preset", "watch"], "no preset 'watch'"),
    "silos": (["--silos", "planet"], "planet"),
    "many silos": (["--silos", "1000"], "between 1 and 60"),
    "participation": (["--participation", "0"], "above 0"),
    "dropout": (["--dropout", "1"], "below 1"),
    "against": (["--against", "magic"], "magic"),
    "column role": (["--columns", "shoe=x"], "shoe"),
    "column name": (["--columns", "item_id=x"], "no column 'x'"),
    "resume": (["--resume"], "no checkpoint"),
    "catalog": (["--catalog", "nowhere.csv"], "nowhere.csv"),
    "query": (["--query", "SELECT 1"], "database URL"),
    "one column twice": (["--columns", "user_id=item_id"], "cannot hold two"),
    "concentration": (["--silos", "3", "--concentration", "inf"], "finite"),
    "not finite": (["--model", "als", "--set", "regularization=inf"], "does not fit"),
    "idle workers": (["--executor", "serial", "--workers", "2"], "one worker"),
    "curve": (["--curve", "8,four"], "by commas"),
    "empty curve": (["--curve", ""], "by commas"),
    "curve below zero": (["--curve", "8,-1"], "above 0"),
    "curve without end": (["--curve", "inf"], "above 0"),
    "curve twice": (["--curve", "8,8.0"], "twice"),
    "curve and patience": (["--curve", "8", "--patience", "2"], "does not go with"),
    "all or nothing": (["--against", "none,pooled"], "none"),
    "json": (["--json", "."], "cannot be read or written"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options_get_one_sentence(name, data, tmp_path):
    arguments, sentence = BAD_OPTIONS[name]
    said = run("simulate", data, *arguments, folder=tmp_path, code=1)
    assert sentence in said
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1


def test_unknown_files(tmp_path):
    assert "no file" in run("simulate", "nowhere.csv", folder=tmp_path, code=1)
    assert "no file" in run("recommend", "nowhere.safetensors", folder=tmp_path, code=1)
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    assert "damaged" in run("recommend", "junk.safetensors", folder=tmp_path, code=1)


def test_results_that_cannot_be_written(data, tmp_path):
    (tmp_path / "taken").write_text("a file")
    said = run("simulate", data, "--model", "popularity", "--out", "taken", folder=tmp_path, code=1)
    assert said.startswith("error: ")


def test_tune_prints_what_to_take(data, tmp_path):
    printed = run("tune", data, "--model", "transitions", "--trials", 5, folder=tmp_path)
    assert printed.count("\n") >= 8
    assert "--model transitions" in printed
    said = run("tune", data, "--model", "popularity", folder=tmp_path, code=1)
    assert "no hyper-parameter" in said


def test_help_and_version():
    folder = Path.cwd()
    assert "simulate" in run("--help", folder=folder)
    assert "--participation" in run("simulate", "--help", folder=folder)
    assert run("--version", folder=folder).strip()[0].isdigit()
