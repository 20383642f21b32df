"""The table of threats names tests that are there, and numbers that are in its list."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
TABLE, LIST = PAGE.split("## The tests")
NAMED = re.findall(r"^(\d+)\. \[([^\]]+)::([^\]]+)\]\(\.\./([^)]+)\)$", LIST, re.MULTILINE)


def test_the_list_is_read_whole_and_counts_up():
    lines = [line for line in LIST.splitlines() if line.strip()]
    assert [int(number) for number, *_ in NAMED] == list(range(1, len(lines) + 1))


def test_each_number_is_used_and_listed():
    used = {int(number) for number in re.findall(r"\[(\d+)\]\(#the-tests\)", TABLE)}
    assert used == set(range(1, len(NAMED) + 1))


def test_no_attacker_is_left_without_an_answer():
    rows = [line for line in TABLE.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert {len(row) for row in cells} == {7}
    assert all(cell for row in cells for cell in row)


@pytest.mark.parametrize(("shown", "name", "path"), [named[1:] for named in NAMED])
def test_each_test_is_there(shown, name, path):
    assert path in (shown, f"tests/{shown}")
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".py"):
        assert re.search(rf"^(async )?def {re.escape(name)}\(", text, re.MULTILINE), name
    else:
        assert re.search(rf'\b(test|it)\(\s*"{re.escape(name)}"', text), name
