"""``hedgerow ledger``: what it prints of a ledger, and the sentence where it cannot."""

import json
import sys
from dataclasses import asdict

import pytest
from accountants import epsilon_of
from test_simulate import rows, run, write

from hedgerow.cli.main import main
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.releases import Release

DELTA = 1e-5
MULTIPLIERS = (4.0, 7.5, 9.25)


def charge(path, number, multiplier, account="shop"):
    """Write a release down."""
    entry = Entry(
        account=account,
        name=f"run/{number}",
        step=f"count [part {number}]",
        unit="user",
        clients_per_person=1,
        noise_by="server",
        secure="none",
        release=Release("gaussian", multiplier),
        clip=1.5,
        sigma=1.5 * multiplier,
        delta=DELTA,
        accountant="by hand 1.0",
    )
    Ledger(path).charge(entry, 10.0)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "out" / "ledger.jsonl"
    for number, multiplier in enumerate(MULTIPLIERS):
        charge(path, number, multiplier)
    return path


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run ``hedgerow ledger`` in this process; return its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, columns=200):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys, "argv", ["hedgerow", "ledger", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return call


def spent(multipliers):
    return f"{epsilon_of(multipliers, DELTA):.4g}"


def test_each_release_has_a_row_with_the_sum_so_far(path, command):
    code, out, err = command(path)
    assert (code, err) == (0, "")
    assert f"epsilon {spent(MULTIPLIERS)} at delta 1e-05, per user" in out
    for number, multiplier in enumerate(MULTIPLIERS):
        (line,) = (text for text in out.splitlines() if f"part {number}" in text)
        for cell in ("gaussian by server", f"{multiplier:.4g}", "1.5", f"{1.5 * multiplier:.4g}"):
            assert cell in line
        assert spent(MULTIPLIERS[: number + 1]) in line
    assert "by hand 1.0" in out


def test_a_runs_folder_stands_for_its_ledger(path, command):
    assert command(path.parent) == command(path)


def test_the_usual_folder_is_looked_into(path, command):
    wanted = command(path)
    path.parent.rename(path.parent.with_name("hedgerow-out"))
    assert command() == wanted


@pytest.mark.parametrize("columns", [60, 80, 109, 110, 200])
def test_every_sum_is_readable_whatever_the_width(path, command, columns):
    code, out, _ = command(path, columns=columns)
    assert code == 0
    assert all(len(line) <= columns for line in out.splitlines())
    for number in range(len(MULTIPLIERS)):
        assert spent(MULTIPLIERS[: number + 1]) in out
    assert ("sigma" in out) == (columns >= 110)


def test_accounts_are_told_apart(path, command):
    charge(path, 9, 2.5, account="hospital")
    _, out, _ = command(path)
    assert f"account shop: epsilon {spent(MULTIPLIERS)} " in out
    assert f"account hospital: epsilon {spent((2.5,))} " in out


def test_json_holds_all_that_was_written_down(path, command):
    code, out, _ = command(path.parent, "--json")
    assert code == 0
    found = json.loads(out)
    assert found == [json.loads(line) for line in path.read_text().splitlines()]
    assert found == [asdict(entry) for entry in Ledger(path).entries]


def test_looking_changes_nothing(path, command):
    before = path.read_bytes()
    command(path)
    command(path, "--json")
    assert path.read_bytes() == before


def test_an_empty_ledger_says_so(tmp_path, command):
    (tmp_path / "ledger.jsonl").touch()
    code, out, _ = command(tmp_path)
    assert code == 0
    assert "nothing has been released" in out
    assert json.loads(command(tmp_path, "--json")[1]) == []


def assert_a_sentence(answer, *words):
    code, out, err = answer
    assert code == 1
    assert out == ""
    assert err.startswith("error: ")
    assert err.rstrip().endswith(".")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


@pytest.mark.parametrize("name", ["nowhere", "nowhere/ledger.jsonl", "."])
def test_a_missing_ledger_is_one_sentence(command, name):
    assert_a_sentence(command(name), "no ledger", "--epsilon")


def tampered(path, number, edit):
    lines = path.read_text().splitlines(keepends=True)
    lines[number : number + 1] = edit(lines[number])
    path.write_text("".join(lines))


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(
    ("number", "edit", "said"),
    [
        (0, lambda line: [line.replace('"epsilon":', '"epsilon": ')], "changed before line 2"),
        (0, lambda line: [], "changed before line 1"),
        (1, lambda line: [], "changed before line 2"),
        (1, lambda line: [line, line], "changed before line 3"),
        (1, lambda line: [line.replace('"step":"', '"step":"not ')], "changed before line"),
        (2, lambda line: ["nonsense\n"], "Line 3 of the ledger"),
        (2, lambda line: ["[1]\n"], "Line 3 of the ledger"),
        (2, lambda line: ["\x00\xff\n"], "Line 3 of the ledger"),
    ],
)
def test_a_ledger_that_was_changed_is_one_sentence(path, command, number, edit, said, options):
    tampered(path, number, edit)
    assert_a_sentence(command(path, *options), said, "restore the file")


def test_a_run_with_a_promise_leaves_a_ledger_to_read(tmp_path, command):
    data = write(tmp_path / "log.csv", rows())
    run(
        "simulate", data, "--model", "private_sequence", "--epsilon", "2",
        "--out", "spent", folder=tmp_path,
    )  # fmt: skip
    _, printed, _ = command("spent")
    for word in ("count items", "read out (1 of 2)", "read out (2 of 2)", "gaussian by server"):
        assert word in printed
    entries = json.loads(command("spent/ledger.jsonl", "--json")[1])
    assert [entry["clip"] for entry in entries] == [1.0] * 3
    assert 1.98 <= entries[-1]["epsilon"] <= 2 * (1 + 1e-6)
    assert f"epsilon {entries[-1]['epsilon']:.4g}" in printed
