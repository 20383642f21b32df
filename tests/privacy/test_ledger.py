"""The ledger adds up, never forgets, notices changes, and stops what would overspend."""

import json

import pytest
from accountants import epsilon_of

from hedgerow.errors import PolicyError
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.releases import Release

DELTA = 1e-5


def entry(name="run/0", multiplier=4.0, account="shop", **changes):
    values = {
        "account": account,
        "name": name,
        "step": "count",
        "unit": "user",
        "clients_per_person": 1,
        "noise_by": "server",
        "secure": "none",
        "release": Release("gaussian", multiplier),
        "clip": 1.0,
        "sigma": multiplier,
        "delta": DELTA,
    }
    return Entry(**{**values, **changes})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "ledger.jsonl"


def test_entries_of_an_account_add_up(path):
    ledger = Ledger(path)
    for number, multiplier in enumerate((4.0, 5.0, 6.0)):
        ledger.charge(entry(f"run/{number}", multiplier), 10.0)
    ledger.charge(entry("run/0", 9.0, account="other"), 10.0)
    spent = [e.epsilon for e in ledger.of("shop")]
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(epsilon_of((4.0, 5.0, 6.0), DELTA), rel=1e-5)
    assert ledger.of("other")[0].epsilon == pytest.approx(epsilon_of((9.0,), DELTA), rel=1e-5)


def test_it_is_the_same_when_it_is_opened_again(path):
    first = Ledger(path)
    skellam = Release("skellam", 3.0, 5000.0, 100, 50)
    first.charge(entry(), 10.0)
    first.charge(entry("run/1", release=skellam), 10.0)
    again = Ledger(path)
    assert again.entries == first.entries
    again.charge(entry("run/2", 8.0), 10.0)
    assert [e.name for e in Ledger(path).entries] == ["run/0", "run/1", "run/2"]


def test_lines_are_only_ever_added(path):
    ledger = Ledger(path)
    ledger.charge(entry(), 10.0)
    before = path.read_bytes()
    ledger.charge(entry("run/1"), 10.0)
    assert path.read_bytes().startswith(before)
    assert len(path.read_bytes()) > len(before)


def test_what_would_overspend_is_refused_and_nothing_is_written(path):
    ledger = Ledger(path)
    ledger.charge(entry(), 2.0)
    before = path.read_bytes()
    with pytest.raises(PolicyError, match="it was not made"):
        ledger.charge(entry("run/1", 1.0), 2.0)
    assert path.read_bytes() == before
    assert len(ledger.entries) == 1


def test_the_same_release_again_is_charged_once(path):
    ledger = Ledger(path)
    ledger.charge(entry(), 2.0)
    Ledger(path).charge(entry(), 2.0)
    assert len(Ledger(path).entries) == 1


def test_another_release_under_the_same_name_is_refused(path):
    ledger = Ledger(path)
    ledger.charge(entry(), 2.0)
    with pytest.raises(PolicyError, match="start a new run"):
        ledger.charge(entry(multiplier=5.0), 2.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [lines[0].replace(b'"multiplier":4.0', b'"multiplier":9.0'), *lines[1:]],
    ],
    ids=["first gone", "middle gone", "exchanged", "changed"],
)
def test_a_line_changed_or_gone_is_noticed(path, change):
    ledger = Ledger(path)
    for number in range(3):
        ledger.charge(entry(f"run/{number}"), 10.0)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(PolicyError, match="was changed before line"):
        Ledger(path)


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", '{"account": 1}', "7"])
def test_a_file_that_is_no_ledger_is_refused(path, text):
    path.parent.mkdir()
    path.write_text(text + "\n")
    with pytest.raises(PolicyError, match="Line 1 of the ledger"):
        Ledger(path)


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_cut_by_a_crash_was_no_release(path, kept):
    ledger = Ledger(path)
    ledger.charge(entry(), 10.0)
    whole = path.read_bytes()
    ledger.charge(entry("run/1"), 10.0)
    path.write_bytes(path.read_bytes()[: len(whole) + kept if kept > 0 else kept])
    again = Ledger(path)
    assert [e.name for e in again.entries] == ["run/0"]
    again.charge(entry("run/1"), 10.0)
    assert [e.name for e in Ledger(path).entries] == ["run/0", "run/1"]


def test_every_entry_says_what_a_privacy_officer_asks(path):
    Ledger(path).charge(entry(), 10.0)
    line = json.loads(path.read_text())
    asked = {"release", "unit", "sigma", "clip", "epsilon", "delta", "sampling", "accountant", "at"}
    assert asked <= set(line)
    assert line["sampling"].startswith("none")


@pytest.mark.parametrize("change", [{"unit": "silo"}, {"delta": 1e-6}, {"clients_per_person": 2}])
def test_what_cannot_be_added_up_is_refused(path, change):
    ledger = Ledger(path)
    ledger.charge(entry(), 10.0)
    with pytest.raises(PolicyError, match="cannot be added up"):
        ledger.charge(entry("run/1", **change), 10.0)
    ledger.charge(entry("run/1", account="another", **change), 10.0)


def test_two_runs_on_one_ledger_do_not_overwrite_each_other(path):
    first, second = Ledger(path), Ledger(path)
    first.charge(entry("one/0"), 10.0)
    before = path.read_bytes()
    with pytest.raises(PolicyError, match="Another run has written"):
        second.charge(entry("two/0"), 10.0)
    assert path.read_bytes() == before
    first.charge(entry("one/1"), 10.0)
    assert [e.name for e in Ledger(path).entries] == ["one/0", "one/1"]
