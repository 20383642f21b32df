"""``hedgerow plan`` as a user runs it."""

import json

import pytest
from here import refusal, runner
from test_simulate import rows, write

OPTIONS = ("--seeds", 1, "--k", 5)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "log.csv", rows())
    return runner(monkeypatch, capsys)


def test_it_prints_quality_by_people_and_epsilon_and_charges_nothing(command, tmp_path):
    found = command(
        "plan", "log.csv", "--epsilon", "8,1", "--people", "30,60,6000", "--json", "to/plan.json",
        *OPTIONS,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    lines = [line.split() for line in found.stdout.splitlines()]
    shown = {line[1] for line in lines if len(line) > 7 and line[0] == "│"}
    assert {"30", "60", "6,000"} <= shown
    for words in ("epsilon 8", "Without noise", "Epsilon 1 takes", "no ledger is charged"):
        assert words in found.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "to"}
    figures = json.loads((tmp_path / "to" / "plan.json").read_text())
    assert figures["people_at_hand"] == 60
    assert [each["people"] for each in figures["populations"]] == [30, 60, 6000]
    for each in figures["populations"]:
        assert [point["epsilon"] for point in each["points"]] == [8.0, 1.0]
        assert each["delta"] == 1e-5
    assert [each["epsilon"] for each in figures["needed"]] == [8.0, 1.0]
    assert "publish" in figures["note"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--epsilon", "two"), "--epsilon takes numbers by commas"),
        (("--epsilon", "0"), "Epsilon must lie between"),
        (("--epsilon", "2,2"), "named twice"),
        (("--people", "500,many"), "--people takes whole numbers by commas"),
        (("--people", "3"), "Plan for 20 to"),
        (("--model", "nothing"), "nothing"),
        (("--delta", "2"), "Delta must lie between 0 and 1"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_is_refused_in_one_sentence(command, options, words):
    assert words in refusal(command("plan", "log.csv", *OPTIONS, *options))
