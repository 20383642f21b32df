"""``hedgerow join``: what is wrong is said in one sentence, and nothing is left half done."""

import json
from contextlib import ExitStack

import pytest
from here import refusal, runner
from processes import Deployed, Program, free_port, hedgerow, wait_until

CSV = "who,what,moment\nperson,thing,1700000000\n"

NAMES = ["--columns", "user_id=who", "--columns", "item_id=what", "--columns", "timestamp=moment"]


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
        "join",
        folder,
        "--url",
        deployed.url,
        "--token",
        deployed.token("silo", 5),
        "--any-task",
        "--once",
    )
    assert refusal(found).startswith("error: A silo needs --data")
    return folder


def test_options_that_do_not_fit(command, tmp_path):
    cases = {
        "name with --recommend": ["--listen", "127.0.0.1:1"],
        "or take part in whatever": ["--task", "shop", "--any-task"],
        "Name with --task": ["--url", "http://127.0.0.1:1", "--token", "x"],
        "not to dance": ["--consent", "train,dance"],
        "has no agent yet": [],
        "should look like NAME=VALUE": ["--columns", "user"],
        "is reached by https": ["--url", "http://shop.example", "--token", "x", "--any-task"],
        "is not a URL": ["--url", "shop", "--token", "x", "--any-task"],
        "cannot be read as JSON": ["--url", "http://127.0.0.1:1", "--token", "x", "--guard", "no"],
    }
    for said, options in cases.items():
        assert said in refusal(command("join", tmp_path / "agent", *options))
        assert not (tmp_path / "agent" / "profile.json").exists()


def test_tasks_are_remembered_and_added_to(command, deployed, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    own = ["--data", tmp_path / "data.csv", *NAMES, "--once"]
    first = ["--url", deployed.url, "--token", deployed.token("careful", 5)]
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


def test_tokens_that_are_wrong(command, deployed, tmp_path):
    used = deployed.token("once", 5)
    first = command(
        "join", tmp_path / "first", "--url", deployed.url, "--token", used, "--any-task", "--once"
    )
    assert "Enrolled as the silo once" in first.stderr
    for name, token in {"second": used, "third": "not-a-token"}.items():
        found = command(
            "join", tmp_path / name, "--url", deployed.url, "--token", token, "--any-task"
        )
        assert "token" in refusal(found)
        assert not (tmp_path / name / "profile.json").exists()


def test_servers_that_are_not_there_or_not_known(command, tmp_path):
    """Several at once, as each tries for a while."""
    with ExitStack() as stack:
        shop = stack.enter_context(Deployed(tmp_path / "shop", plain=False))
        shop.serve()
        nowhere = f"http://127.0.0.1:{free_port()}"
        started = [
            Program.start(
                tmp_path / f"{name}.log",
                "join",
                tmp_path / name,
                "--token",
                "x",
                "--any-task",
                *more,
            )
            for name, more in {
                "nobody": ["--url", nowhere],
                "stranger": ["--url", shop.url],
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
        "join",
        tmp_path / "ca",
        "--url",
        "https://127.0.0.1:1",
        "--token",
        "x",
        "--ca",
        "none.pem",
        "--any-task",
    )
    assert "none.pem" in refusal(found) or "No such file" in refusal(found)


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


def test_a_device_takes_no_table(command, deployed, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    found = command(
        "join",
        tmp_path / "device",
        "--url",
        deployed.url,
        "--token",
        deployed.token("phone"),
        "--data",
        tmp_path / "data.csv",
        "--any-task",
    )
    assert "leave --data out" in refusal(found)


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
