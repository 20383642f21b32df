"""``hedgerow join``: what is wrong is said in one sentence, and nothing is left half done."""

import json
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from here import refusal, runner
from processes import Deployed, Program, free_port, hedgerow, wait_until

from hedgerow.client.profile import Profile
from hedgerow.federation.deployment import Deployment
from hedgerow.server.security import keys, parties
from hedgerow.server.storage import tables

CSV = "who,what,moment\nperson,thing,1700000000\n"

SOME, TOKEN = "ab" * 32, "het_" + "A" * 43

NAMES = ["--columns", "user_id=who", "--columns", "item_id=what", "--columns", "timestamp=moment"]


def pinning(deployed):
    """Options of a first contact: who is trusted, for whatever is to be learned."""
    return ["--deployment", deployed.deployment, "--any-task"]


@pytest.fixture
def command(monkeypatch, capsys):
    return runner(monkeypatch, capsys)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    with Deployed(tmp_path_factory.mktemp("join") / "shop") as made:
        made.serve()
        yield made


@pytest.fixture(scope="module")
def enrolled(deployed, tmp_path_factory):
    """The folder of an agent that has enrolled, and found its data to be missing."""
    folder = tmp_path_factory.mktemp("agent") / "agent"
    found = hedgerow(
        "join", folder, *pinning(deployed), "--token", deployed.token("silo", 5), "--once"
    )
    assert refusal(found).startswith("error: A silo needs --data")
    return folder


def test_options_that_do_not_fit(command, tmp_path):
    first = ["--token", "x", "--fingerprint", SOME, "--any-task"]
    cases = {
        "name with --recommend": ["--listen", "127.0.0.1:1"],
        "or take part in whatever": ["--task", "shop", "--any-task"],
        "Name with --task": ["--url", "http://127.0.0.1:1", *first[:-1]],
        "not to dance": ["--consent", "train,dance"],
        "has no agent yet": [],
        "should look like NAME=VALUE": ["--columns", "user"],
        "has to know the servers' keys": [
            *("--url", "http://127.0.0.1:1", "--token", "x", "--any-task"),
        ],
        "is reached by https": ["--url", "http://shop.example", *first],
        "is not a URL": ["--url", "shop", *first],
        "say with --url": first,
        "cannot be read as JSON": ["--url", "http://127.0.0.1:1", *first, "--guard", "no"],
        "64 hexadecimal digits": ["--token", "x", "--fingerprint", "0123", "--any-task"],
    }
    for said, options in cases.items():
        assert said in refusal(command("join", tmp_path / "agent", *options))
        assert not (tmp_path / "agent" / "profile.json").exists()


def test_tasks_are_remembered_and_added_to(command, deployed, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    own = ["--data", tmp_path / "data.csv", *NAMES, "--once"]
    first = ["--deployment", deployed.deployment, "--token", deployed.token("careful", 5)]
    for options, tasks in (
        ([*first, "--task", "shop"], ["shop"]),
        ([], ["shop"]),
        (["--task", "books", "--task", "shop"], ["shop", "books"]),
        (["--any-task"], []),
        (["--task", "music"], ["music"]),
    ):
        found = command("join", tmp_path / "agent", *options, *own)
        assert f"Taking part in {', '.join(tasks) or 'any task'}" in found.stderr
        values = json.loads((tmp_path / "agent" / "profile.json").read_text())
        assert values["guard"]["tasks"] == tasks


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_says_what_it_waits_for_and_stops_when_it_is_told_to(deployed, tmp_path, number):
    (tmp_path / "data.csv").write_text(CSV)
    own = ["--token", deployed.token(f"brief-{number.value}", 5), "--data", tmp_path / "data.csv"]
    program = deployed.join(tmp_path / "agent", *pinning(deployed), *own, *NAMES, "--once")
    program.wait_for("Asking http://127.0.0.1")
    begun = time.monotonic()
    program.process.send_signal(number)
    assert program.process.wait(20) == 0
    # The coordinator would hold the question for 20 s.
    assert time.monotonic() - begun < 5
    assert "Stopped" in program.text
    assert "Traceback" not in program.text


def test_files_for_tls_that_are_missing_are_named(command, deployed, tmp_path):
    none, first = tmp_path / "none.pem", [*pinning(deployed), "--token", TOKEN]
    assert f"{none} cannot" in refusal(command("join", tmp_path / "agent", *first, "--ca", none))
    own = ["--certificate", none, "--certificate-key", none]
    assert f"{none} and its key" in refusal(command("join", tmp_path / "agent", *first, *own))
    assert not (tmp_path / "agent").exists()


def test_tokens_that_are_wrong(command, deployed, tmp_path):
    used = deployed.token("once", 5)
    first = command("join", tmp_path / "first", *pinning(deployed), "--token", used, "--once")
    assert "Enrolled as the silo once" in first.stderr
    for name, token in {"second": used, "third": "not-a-token"}.items():
        found = command("join", tmp_path / name, *pinning(deployed), "--token", token)
        assert "token" in refusal(found)
        assert not (tmp_path / name / "profile.json").exists()


def test_servers_that_are_not_there_or_not_known(command, tmp_path):
    """Several at once, as each tries for a while."""
    with ExitStack() as stack:
        shop = stack.enter_context(Deployed(tmp_path / "shop", plain=False))
        shop.serve()
        token, nowhere = ["--token", TOKEN], f"http://127.0.0.1:{free_port()}"
        started = [
            Program.start(tmp_path / f"{name}.log", "join", tmp_path / name, *token, *more)
            for name, more in {
                "nobody": ["--url", nowhere, "--fingerprint", SOME, "--any-task"],
                "stranger": pinning(shop),
            }.items()
        ]
        said = ("The coordinator cannot be reached", "The connection is refused for a certificate")
        for program, sentence in zip(started, said, strict=True):
            stack.callback(program.stop)
            wait_until(lambda program=program: program.process.poll() is not None, "it goes on")
            assert program.process.returncode == 1
            assert program.text.startswith(f"error: {sentence}")
            assert program.text.count("\n") == 1
    found = command(
        *("join", tmp_path / "ca", "--url", "https://127.0.0.1:1", "--token", "x"),
        *("--fingerprint", SOME, "--ca", "none.pem", "--any-task"),
    )
    assert "none.pem" in refusal(found) or "No such file" in refusal(found)


def test_nobody_is_believed_at_the_first_contact(command, deployed, tmp_path):
    """Neither the file nor the fingerprint: one sentence says how to get them."""
    token = deployed.token("silo", 5)
    options = ["--url", deployed.url, "--token", token, "--any-task"]
    said = refusal(command("join", tmp_path / "agent", *options))
    assert "--deployment" in said
    assert "--fingerprint" in said
    assert not (tmp_path / "agent").exists()
    # The token was not spent on it.
    found = command("join", tmp_path / "agent", *options, *pinning(deployed)[:2], "--once")
    assert "Enrolled" in found.stderr


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory):
    """A coordinator that puts a helper and an authority of its own in place of the others'."""
    folder = tmp_path_factory.mktemp("rewritten") / "shop"
    with Deployed(folder) as shop:
        real = Deployment.from_json(shop.deployment.read_bytes())
        (folder / "own").mkdir()
        parties.make_rehearsal(folder / "own", shop.url)
        own = parties.load_deployment(folder / "own")
        false = replace(real, authority=own.authority, helper=own.helper, sealing=own.sealing)
        honest = folder / "honest.json"
        honest.write_text(real.to_json())
        shop.deployment.write_text(false.to_json())
        shutil.copy(folder / "own" / keys.AUTHORITY_KEY, folder / keys.AUTHORITY_KEY)
        shop.serve()
        yield shop, real, honest


def test_a_coordinator_that_offers_other_keys_is_refused(command, rewritten, tmp_path):
    shop, real, _ = rewritten
    token = shop.token("silo", 5)
    options = ["--url", shop.url, "--token", token, "--any-task"]
    options += ["--fingerprint", real.fingerprint]
    said = refusal(command("join", tmp_path / "agent", *options, "--once"))
    assert "offers other keys" in said
    assert not (tmp_path / "agent").exists()
    assert shop.rows(tables.clients) == []


def test_a_certificate_of_another_authority_is_refused(command, rewritten, tmp_path):
    """Who pinned the true deployment takes no certificate from the coordinator's own authority."""
    shop, _, honest = rewritten
    options = ["--token", shop.token("silo", 5), "--deployment", honest, "--any-task"]
    said = refusal(command("join", tmp_path / "agent", *options, "--once"))
    assert "not from the authority" in said
    assert not (tmp_path / "agent").exists()


def test_keys_that_match_the_fingerprint_are_pinned(command, deployed, tmp_path):
    known = Deployment.from_json(deployed.deployment.read_bytes())
    options = ["--url", deployed.url, "--any-task"]
    options += ["--fingerprint", known.fingerprint.upper()]
    token = ["--token", deployed.token("silo", 5)]
    found = command("join", tmp_path / "agent", *options, *token, "--once")
    assert "Enrolled as the silo" in found.stderr
    assert Profile.open(tmp_path / "agent").deployment == known


def test_where_there_is_no_helper_an_agent_takes_no_part_in_split_mode(command, tmp_path):
    folder = tmp_path / "shop"
    port = free_port()
    made = hedgerow("init", folder, "--role", "coordinator", "--url", f"http://127.0.0.1:{port}")
    assert made.returncode == 0
    with Deployed(folder, port=port) as shop:
        shop.serve()
        token = ["--token", shop.token("silo", 5)]
        found = command("join", tmp_path / "agent", *pinning(shop), *token, "--once")
        assert "Enrolled as the silo" in found.stderr
    assert Profile.open(tmp_path / "agent").guard.modes == ("pairwise",)


def test_data_that_cannot_be_read(command, enrolled, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    (tmp_path / "later.csv").write_text(CSV.replace("who", "whom"))
    (tmp_path / "many.csv").write_text(CSV + "".join(f"p{n},thing,{n}\n" for n in range(9)))
    cases = {
        "none.csv": [tmp_path / "none.csv"],
        "who": [tmp_path / "later.csv"],
        "--query": ["postgresql://nobody@127.0.0.1:1/nothing"],
    }
    for said, where in cases.items():
        found = refusal(command("join", enrolled, "--data", *where, *NAMES, "--once"))
        assert said in found


def test_what_is_wrong_is_said_before_the_token_is_spent(command, deployed, tmp_path):
    """A data file that cannot be read, one of several users, an address that is none."""
    (tmp_path / "data.csv").write_text(CSV)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "many.csv").write_text("item,when\n1,nonsense\n")
    token = deployed.token("phone")
    first = [*pinning(deployed), "--token", token, "--once"]
    for said, options in {
        "There is no file": ["--data", tmp_path / "none.csv"],
        "There is no column": ["--data", tmp_path / "other.csv"],
        "readable timestamp": ["--data", tmp_path / "many.csv", "--columns", "timestamp=when"],
        "--listen takes HOST:PORT": ["--recommend", "shop", "--listen", "nowhere"],
    }.items():
        assert said in refusal(command("join", tmp_path / "device", *first, *options))
        assert not (tmp_path / "device" / "profile.json").exists()
    found = command("join", tmp_path / "device", *first, "--data", tmp_path / "data.csv", *NAMES)
    assert "Took 1 interactions in" in found.stderr


@pytest.mark.parametrize("name", ["profile.json", "client.key", "certificate.cbor"])
def test_a_damaged_profile_is_refused(command, enrolled, name):
    whole = (enrolled / name).read_bytes()
    try:
        for damaged in (b"", whole[: len(whole) // 2]):
            (enrolled / name).write_bytes(damaged)
            refusal(command("join", enrolled, "--once"))
    finally:
        (enrolled / name).write_bytes(whole)
    values = json.loads((enrolled / "profile.json").read_text())
    assert values["kind"] == "silo"


def test_a_listener_that_cannot_be(command, enrolled, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    own = ["--data", tmp_path / "data.csv", *NAMES]
    found = command("join", enrolled, *own, "--recommend", "shop", "--listen", "nowhere")
    assert refusal(found)
