"""The audit log in a database: in order under concurrency, without secrets, and never mended."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.identity import public
from hedgerow.server.security import audit_chain, audit_log
from hedgerow.server.security.audit_log import Event
from hedgerow.server.storage.database import Database, retried
from hedgerow.server.storage.tables import audit_lines, settings

KEY = Ed25519PrivateKey.from_private_bytes(bytes([4]) * 32)


def log(database, number=0, **change):
    event = Event(**{"who": "anna", "what": "enrol-client", "on": f"client {number}", **change})
    with database.write() as connection:
        return audit_log.append(connection, event, key=KEY, clock=lambda: 1000.5 + number)


def exported(database):
    with database.read() as connection:
        return audit_log.export(connection)


def checked(database):
    return audit_chain.verify(*audit_log.parse(exported(database)), public(KEY))


def refused(work):
    with pytest.raises(ProtocolError) as error:
        work()
    assert error.value.code == "bad-audit-log"


def test_what_happened_is_in_the_log(database):
    for number in range(3):
        head = log(database, number, outcome="done" if number else "forbidden")
    first, second, third = checked(database)
    assert (first.who, first.what, first.on) == ("anna", "enrol-client", "client 0")
    assert (first.at, first.outcome, second.outcome) == (1_000_500, "forbidden", "done")
    assert third.number == head.number == 3
    with database.read() as connection:
        assert audit_log.head(connection) == head


def test_what_was_undone_is_not_in_the_log(database):
    log(database)
    with database.write() as connection:
        audit_log.append(connection, Event("a", "b", "c"), key=KEY, clock=lambda: 0)
        connection.rollback()
    log(database)
    assert [line.who for line in checked(database)] == ["anna", "anna"]


def test_replicas_write_one_chain(database):
    url = database.engine.url.render_as_string(hide_password=False)
    replicas = [Database.open(url, upgrade=False) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        heads = list(
            pool.map(lambda n: retried(partial(log, replicas[n % 4], n), attempts=20), range(40))
        )
    for replica in replicas:
        replica.close()
    lines = checked(database)
    assert sorted(head.number for head in heads) == list(range(1, 41))
    assert {line.on for line in lines} == {f"client {n}" for n in range(40)}


@pytest.mark.parametrize(
    "damage",
    [
        delete(audit_lines).where(audit_lines.c.number == 3),
        delete(audit_lines),
        delete(settings),
        update(audit_lines).where(audit_lines.c.number == 3).values(line=b"{}"),
        update(settings).values(value="{}"),
    ],
)
def test_damage_at_the_end_is_not_signed_over(database, damage):
    for number in range(3):
        log(database, number)
    with database.write() as connection:
        connection.execute(damage)
    refused(lambda: log(database, 4))
    refused(lambda: checked(database))


def test_damage_anywhere_is_found(database):
    for number in range(3):
        log(database, number)
    with database.write() as connection:
        line = connection.scalar(select(audit_lines.c.line).where(audit_lines.c.number == 2))
        edited = line.replace(b"anna", b"anne")
        connection.execute(update(audit_lines).where(audit_lines.c.number == 2).values(line=edited))
    refused(lambda: checked(database))


def test_an_empty_log_has_no_head(sqlite):
    with sqlite.read() as connection:
        assert audit_log.head(connection) is None
    refused(lambda: exported(sqlite))


def test_secrets_and_long_texts_are_left_out(sqlite):
    token, key = "het_" + "A-b_" * 10, "hak_" + "c" * 43
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
    log(sqlite, who=f"key {key}", on=f"{token}, {jwt}", outcome="x" * 9999)
    (line,) = checked(sqlite)
    assert (line.who, line.on) == ("key [secret]", "[secret], [secret]")
    assert len(line.outcome) == audit_log.LONGEST
    for secret in (token, key, jwt):
        assert secret.encode() not in exported(sqlite)


@pytest.mark.parametrize("what", ["", "Enrol client", "a b", "3a", "a" * 65])
def test_what_was_done_is_said_in_kebab_case(sqlite, what):
    with pytest.raises(ValueError, match="kebab"):
        log(sqlite, what=what)


def test_any_text_can_be_logged(sqlite):
    texts = ["\x00\n\r\t", "\ud800", "é\u2028", '"}', "", "{" * 50]
    for text in texts:
        log(sqlite, who=text, on=text)
    assert [line.who for line in checked(sqlite)] == texts
