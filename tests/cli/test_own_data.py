"""An agent's folder in its owner's hands: track, import, consent, forget."""

import json
import sqlite3

import pytest
from here import refusal, runner
from processes import Deployed

from hedgerow.client.store import FILE, Store


@pytest.fixture
def command(monkeypatch, capsys):
    return runner(monkeypatch, capsys)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Deployed(tmp_path_factory.mktemp("own") / "shop") as made:
        made.serve()
        yield made


@pytest.fixture
def device(command, shop, tmp_path):
    first = ["--deployment", shop.deployment, "--any-task", "--token", shop.token("phone")]
    command("join", tmp_path / "device", *first, "--once", "--consent", "train")
    return tmp_path / "device"


@pytest.fixture
def silo(command, shop, tmp_path):
    (tmp_path / "data.csv").write_text("user,item,time\nann,tea,1\nbob,jam,2\n")
    first = ["--deployment", shop.deployment, "--any-task", "--token", shop.token("shop", 9)]
    command("join", tmp_path / "silo", *first, "--once", "--data", tmp_path / "data.csv")
    return tmp_path / "silo"


def seen(folder, user=""):
    store = Store(folder)
    try:
        return [(one.item, one.timestamp) for one in store.history.of(user)]
    finally:
        store.close()


def test_a_device_begins_without_a_model(command, device):
    for item, options in (
        ("jam", ["--at", "2026-01-31T12:00"]),
        ("tea", ["--at", "2026-01-31T12:00+01:00"]),
        ("bun", ["--at", "7"]),
    ):
        assert command("track", device, item, *options).returncode == 0
    assert seen(device) == [("bun", 7), ("tea", 1769857200), ("jam", 1769860800)]
    command("track", device, "now")
    assert seen(device)[-1][0] == "now"
    assert "ISO date" in refusal(command("track", device, "x", "--at", "yesterday"))
    assert "leave --user out" in refusal(command("track", device, "x", "--user", "ann"))


def test_a_history_is_imported_once_however_often(command, device, tmp_path):
    command("track", device, "tea", "--at", "200")
    (tmp_path / "own.csv").write_text("sku,ts\njam,300\ntea,200\njam,100\njam,100\n")
    for added in (2, 0):
        found = command("import", device, tmp_path / "own.csv")
        assert f"took {added} of 3 interactions in" in found.stdout, found.stderr
        assert seen(device) == [("jam", 100), ("tea", 200), ("jam", 300)]


def test_imports_that_are_refused_change_nothing(command, device, silo, tmp_path):
    files = {
        "is of 2 users": "user,item,time\nann,tea,1\nbob,jam,2\n",
        "There is no column 'timestamp'": "item,much\ntea,1\n",
        "no item_id": "item,time\n,1\ntea,2\n",
    }
    for said, text in files.items():
        (tmp_path / "own.csv").write_text(text)
        assert said in refusal(command("import", device, tmp_path / "own.csv"))
    assert seen(device) == []
    assert "A silo reads its own data" in refusal(command("import", silo, tmp_path / "own.csv"))
    assert "join first" in refusal(command("import", tmp_path / "none", tmp_path / "own.csv"))


def test_consents_are_printed(command, device):
    command("join", device, "--once", "--withdraw", "train", "--consent", "recommend")
    found = json.loads(command("consent", device, "--json").stdout)
    told = [(one["purpose"], one["given"], one["in_force"]) for one in found["consents"]]
    assert told == [("train", True, False), ("recommend", True, True), ("train", False, False)]
    printed = command("consent", device).stdout
    assert "withdrew" in printed
    assert "operator of the agent" in printed
    assert "A device has one user" in refusal(command("consent", device, "--opt-out", "ann"))


def test_who_opts_out_is_forgotten_and_not_noted_again(command, silo):
    command("track", silo, "bun", "--user", "ann")
    command("consent", silo, "--opt-out", "ann", "--opt-out", "not there")
    assert seen(silo, "ann") == []
    assert "opted out" in refusal(command("track", silo, "bun", "--user", "ann"))
    told = json.loads(command("consent", silo, "--json").stdout)["opted_out"]
    assert sorted(one["person"] for one in told) == ["ann", "not there"]
    assert "ann has opted out since" in command("consent", silo).stdout
    command("consent", silo, "--opt-in", "ann")
    assert command("track", silo, "bun", "--user", "ann").returncode == 0


def test_what_is_forgotten_leaves_no_byte(command, device):
    command("track", device, "a-thing-that-nobody-must-know", "--at", "5")
    found = command("forget", device)
    assert found.stdout.startswith("Erased: interactions, consents and messages.")
    assert seen(device) == []
    assert json.loads(command("consent", device, "--json").stdout)["consents"] == []
    for path in device.glob(f"{FILE}*"):
        assert b"a-thing-that-nobody-must-know" not in path.read_bytes()


def test_one_person_of_a_silo_is_forgotten(command, silo):
    for user in ("ann", "bob"):
        command("track", silo, "secret-bun", "--user", user)
    assert "Erased 1 tracked interactions." in command("forget", silo, "--user", "ann").stdout
    assert (seen(silo, "ann"), len(seen(silo, "bob"))) == ([], 1)


def test_a_folder_of_the_version_before_gets_what_it_lacks(command, device):
    with sqlite3.connect(device / FILE) as old:
        old.execute("DROP TABLE opted_out")
        old.execute("PRAGMA user_version = 1")
    old.close()
    command("track", device, "tea", "--at", "5")
    assert seen(device) == [("tea", 5)]
    assert command("consent", device).returncode == 0
