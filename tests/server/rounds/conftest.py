"""Worlds for tests of rounds."""

import pytest
from by_hand import World

from hedgerow.server.rounds import report


@pytest.fixture
def world(_empty_sqlite, tmp_path):
    """Make federations over SQLite, each in a folder of its own."""
    made = []

    def make(*tasks, **changed):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(World(folder, _empty_sqlite, tasks, **changed))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def empty(_empty_sqlite):
    """The file of an SQLite database with tables, to copy."""
    return _empty_sqlite


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch):
    """Settle reports two at a time, as rounds of hundreds do by more."""
    monkeypatch.setattr(report, "AT_ONCE", 2)
