"""Revocations: seen within a second, and looked for once a second whatever is asked."""

import time

import pytest
from sqlalchemy import insert

from hedgerow.errors import ProtocolError
from hedgerow.server.security.enrolment import revoke
from hedgerow.server.security.revocations import EVERY, Revocations
from hedgerow.server.security.tokens import LIFETIME, WINDOW
from hedgerow.server.storage.tables import clients

NOW = 1_700_000_000.0
ANNA, BEN = "a" * 64, "b" * 64


class Time:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def enrolled(database):
    row = {"kind": "silo", "name": "a", "users": 2, "certificate": b"", "enrolled": 0.0}
    with database.write() as connection:
        for client in (ANNA, BEN):
            connection.execute(insert(clients).values(id=client, **row))
    return database


def end(database, client, at=NOW):
    with database.write() as connection:
        revoke(connection, client, clock=lambda: at)


def is_revoked(revocations, client):
    try:
        revocations.check(client)
    except ProtocolError as error:
        return error.code == "revoked-client"
    return False


def test_a_revocation_is_seen_after_a_second_or_at_once(enrolled):
    timer = Time()
    revocations = Revocations(enrolled, lambda: NOW, timer)
    assert not is_revoked(revocations, ANNA)
    end(enrolled, ANNA)
    timer.now = 0.9 * EVERY
    assert not is_revoked(revocations, ANNA)
    timer.now = EVERY
    assert is_revoked(revocations, ANNA)
    assert not is_revoked(revocations, BEN)
    end(enrolled, BEN)
    revocations.changed()
    assert is_revoked(revocations, BEN)


@pytest.mark.parametrize("off", [-WINDOW, 0, WINDOW])
def test_as_long_as_a_token_may_live(enrolled, off):
    end(enrolled, ANNA, NOW + off)
    timer = Time()
    revocations = Revocations(enrolled, lambda: NOW + timer.now, timer)
    assert is_revoked(revocations, ANNA)
    timer.now = LIFETIME + WINDOW + off
    assert is_revoked(revocations, ANNA)
    timer.now = 2 * LIFETIME
    assert not is_revoked(revocations, ANNA)


def test_a_check_costs_a_microsecond(sqlite):
    revocations = Revocations(sqlite, lambda: NOW, Time())
    revocations.check(ANNA)
    started = time.process_time()
    for _ in range(10_000):
        revocations.check(ANNA)
    assert (time.process_time() - started) / 10_000 < 10e-6
