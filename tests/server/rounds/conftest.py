"""Worlds for tests of rounds."""

import pytest
from by_hand import World


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
