"""``hedgerow audit`` as a user runs it: its table, its file, and the status that gates a run."""

import csv
import json
import os
import random
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from hedgerow.cli.main import main; main()", "audit"]
ENVIRONMENT = {**os.environ, "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
KEYS = {"passed", "looked_at", "measured", "allowed", "sentence"}
QUICK = ("--model", "popularity", "--pairs", "200", "--canaries", "80")


def run(*arguments, folder):
    """Run the audit in a folder and return its status and what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def data(tmp_path):
    draw = random.Random(0)
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "item_id", "timestamp"))
        for user in range(40):
            for moment, item in enumerate(draw.sample(range(200), 40)):
                writer.writerow((f"someone-{user}", f"article-{item:06}", moment))
    return path


def test_a_kept_promise_passes(data, tmp_path):
    code, printed = run(data, *QUICK, "--json", "found/audit.json", folder=tmp_path)
    assert code == 0, printed
    for word in ("canaries", "membership", "wire", "spread of noise", "silence", "pass"):
        assert word in printed
    facts = json.loads((tmp_path / "found" / "audit.json").read_text())
    assert facts == json.loads((tmp_path / "hedgerow-out" / "audit.json").read_text())
    assert facts["epsilon_claimed"] == 2
    assert facts["epsilon_lower_bound"] <= 2
    assert facts["membership_auc"] <= 0.55
    assert facts["wire_findings"] == []
    assert facts["policy"]["secure"] == "none"
    for name in ("wire, split", "wire, pairwise", "ledger, none", "helper, split"):
        assert facts["verdicts"][name]["passed"] is True
        assert set(facts["verdicts"][name]) == KEYS
    # Every way to secure sums is audited, and clients too.
    for word in ("none", "split", "pairwise"):
        assert facts["verdicts"][f"spread of noise, {word}"]["measured"]
    assert facts["verdicts"]["silence, spoilt models"]["looked_at"].startswith("96 models")


def test_a_broken_promise_fails_and_says_what_is_wrong(data, tmp_path):
    flaws = ("--no-noise", "--no-masks", "--secure", "split")
    code, printed = run(data, *QUICK, *flaws, folder=tmp_path)
    assert code == 3, printed
    for words in ("FAIL", "failed", "the noise is not as strong as is promised", "stands in"):
        assert words in printed
    verdicts = json.loads((tmp_path / "hedgerow-out" / "audit.json").read_text())["verdicts"]
    for name in ("canaries", "membership", "wire, split", "spread of noise, none"):
        assert verdicts[name]["passed"] is False, name
    assert verdicts["helper, split"]["passed"] is True


@pytest.mark.parametrize(
    "arguments", [("--no-masks", "--secure", "none"), ("--epsilon", "-1"), ("--set", "nothing=1")]
)
def test_a_mistake_ends_in_a_sentence(data, tmp_path, arguments):
    code, printed = run(data, *QUICK, *arguments, folder=tmp_path)
    assert code == 1
    assert printed.strip().startswith("error:")
    assert printed.strip().count("\n") == 0
