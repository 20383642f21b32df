"""A coordinator that is alone with its database takes a dead one's rounds over at once."""

import time

import pytest
from sqlalchemy import insert, select

from hedgerow.server.rounds.alone import served
from hedgerow.server.rounds.record import LEASE_SECONDS, open_round, open_rounds, take_lease
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database


@pytest.fixture
def leased(sqlite):
    """A database with a round of which another process holds the lease."""
    with sqlite.write() as connection:
        task = {"id": "t", "name": "t", "body": "{}", "status": "active", "created": 0}
        connection.execute(insert(tables.tasks).values(task))
        run = {"id": "r", "task": "t", "status": "running", "body": "{}", "step": 0}
        run |= {"state": "", "progress": "{}", "note": "", "created": 0, "changed": 0}
        connection.execute(insert(tables.runs).values(run))
        values = {"run": "r", "step": 0, "purpose": "step", "attempt": 0, "phase": "gather"}
        name = open_round(connection, {**values, "mode": "pairwise", "deadline": 9e9}, 0.0)
        assert take_lease(connection, name, "dead", time.time()) == 1
    return sqlite, name


def taken(database, name):
    with database.write() as connection:
        return take_lease(connection, name, "new", time.time())


def test_who_is_alone_waits_for_no_lease(leased):
    database, name = leased
    assert taken(database, name) is None
    with served(database) as alone:
        assert alone
        assert taken(database, name) == 2


def test_a_second_process_on_the_file_waits(leased):
    database, name = leased
    with served(database):
        assert taken(database, name) == 2
        other = Database.open(str(database.engine.url), upgrade=False)
        with served(other) as alone:
            assert not alone
        other.close()
        with database.read() as connection:
            until = connection.scalar(select(tables.rounds.c.lease_until))
        assert until > time.time()


def test_a_lease_is_renewed_when_half_of_it_is_over(leased):
    database, _name = leased
    with database.read() as connection:
        (current,) = open_rounds(connection)
    now, half = current.lease_until - LEASE_SECONDS, LEASE_SECONDS / 2
    held = [current.held_by("dead", now + s) for s in (0.0, half - 0.1, half + 0.1)]
    assert held == [True, True, None]
    assert current.held_by("other", now) is False
    assert current.held_by("other", now + LEASE_SECONDS + 0.1) is None
