"""Enrolment: one token, one client; the answer again for whoever did not get it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation import proofs
from hedgerow.privacy.secure.identity import Certificate, public
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.security import enrolment
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.storage.database import Database, retried
from hedgerow.server.storage.tables import clients, enrolment_tokens

NOW = 1_700_000_000.0


def key(number):
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


AUTHORITY, ANNA, BEN = key(1), key(2), key(3)


def clock(seconds=0.0):
    return lambda: NOW + seconds


def token(database, number=0, kind=ClientKind.SILO, name="Ward 3", users=40):
    with database.write() as connection:
        return enrolment.new_token(
            connection, kind, name, users,
            ttl=100, clock=clock(), randomness=lambda n: bytes([number]) * n,
        )  # fmt: skip


def enrol(database, text, client=ANNA, at=1.0, **changed):
    asked = replace(proofs.Redemption.of(text, client), **changed)
    with database.write() as connection:
        return enrolment.enrol(connection, asked, authority=AUTHORITY, clock=clock(at))


def refused(code, work):
    with pytest.raises(ProtocolError) as error:
        work()
    assert error.value.code == code


def test_a_client_is_enrolled_and_certified(database):
    client = enrol(database, token(database))
    assert (client.id, client.kind, client.name, client.users) == (
        public(ANNA).hex(), ClientKind.SILO, "Ward 3", 40,
    )  # fmt: skip
    certificate = from_wire(Certificate, client.certificate)
    certificate.check(public(AUTHORITY))
    assert certificate.key == public(ANNA)
    with database.read() as connection:
        assert enrolment.find(connection, client.id) == client
        assert enrolment.active(connection, client.id) == client
        assert connection.scalar(select(clients.c.enrolled)) == NOW + 1


def test_only_the_hash_of_a_token_is_kept(database):
    text = token(database)
    with database.read() as connection:
        row = connection.execute(select(enrolment_tokens)).one()
    assert row.digest == proofs.digest(public(proofs.token_key(text)).hex())
    assert text not in repr(row)
    assert text.removeprefix("het_") not in repr(row)


def test_tokens_are_drawn_at_random(sqlite):
    with sqlite.write() as connection:
        make = partial(
            enrolment.new_token, connection, ClientKind.DEVICE, "a", 1, ttl=1, clock=clock()
        )
        drawn = {make() for _ in range(20)}
    assert len(drawn) == 20
    assert {len(text) for text in drawn} == {4 + 43}


def test_the_same_again_gets_the_same_answer_even_late(database):
    text = token(database)
    first = enrol(database, text)
    assert enrol(database, text) == first
    assert enrol(database, text, at=1000) == first


def test_a_token_counts_once_after_a_restart_too(database):
    text = token(database)
    enrol(database, text)
    url = database.engine.url.render_as_string(hide_password=False)
    again = Database.open(url, upgrade=False)
    try:
        refused("used-token", lambda: enrol(again, text, BEN))
    finally:
        again.close()


def test_an_expired_token_enrols_nobody(database):
    text = token(database)
    refused("expired-token", lambda: enrol(database, text, at=100))
    assert enrol(database, text, at=99.9)


@pytest.mark.parametrize("text", ["", "het_", "het_" + "A" * 43, "x" * 5000, "het_é" + "A" * 42])
def test_an_unknown_token_enrols_nobody(sqlite, text):
    refused("unknown-token", lambda: enrol(sqlite, text))


def test_the_key_has_to_be_held(sqlite):
    text = token(sqlite, 1)
    one, other = (public(proofs.token_key(t)) for t in (text, token(sqlite, 2)))
    for proof in (
        b"",
        bytes(64),
        BEN.sign(proofs.enrolment(one, public(ANNA))),
        ANNA.sign(proofs.enrolment(other, public(ANNA))),
        ANNA.sign(proofs.enrolment(one, public(BEN))),
        ANNA.sign(text.encode()),
    ):
        refused("bad-signature", partial(enrol, sqlite, text, proof=proof))
    refused("bad-signature", partial(enrol, sqlite, text, key=b"short"))
    assert enrol(sqlite, text)


def test_whoever_passes_a_request_on_can_redeem_the_token_for_nobody_else(sqlite):
    """A coordinator that is not the authority sees every request, and may want clients."""
    text = token(sqlite)
    seen = proofs.Redemption.of(text, ANNA)
    assert text.removeprefix("het_") not in repr(seen)
    signed = proofs.enrolment(seen.token, public(BEN))
    for voucher in (seen.voucher, BEN.sign(signed), bytes(64)):
        stolen = {"key": public(BEN), "proof": BEN.sign(signed), "voucher": voucher}
        refused("bad-signature", partial(enrol, sqlite, text, **stolen))
    assert enrol(sqlite, text).id == public(ANNA).hex()


def test_a_key_enrols_once_and_the_second_token_stays_good(database):
    first, second = token(database, 1), token(database, 2)
    enrol(database, first)
    refused("known-client", lambda: enrol(database, second))
    assert enrol(database, second, BEN)


def test_of_many_at_once_one_is_enrolled(database):
    text = token(database)
    rivals = [key(number) for number in range(10, 18)]

    def attempt(rival):
        try:
            return retried(partial(enrol, database, text, rival))
        except ProtocolError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, rivals))
    assert answers.count("used-token") == 7
    with database.read() as connection:
        assert len(connection.scalars(select(clients.c.id)).all()) == 1


def test_the_same_request_many_times_at_once_is_one_effect(database):
    text = token(database)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: retried(partial(enrol, database, text)), range(8)))
    assert len(set(answers)) == 1


def test_a_revoked_client_takes_part_no_more(database):
    text = token(database)
    client = enrol(database, text)
    for at in (5, 9):
        with database.write() as connection:
            enrolment.revoke(connection, client.id, clock=clock(at))
    with database.read() as connection:
        assert connection.scalar(select(clients.c.revoked)) == NOW + 5
        assert enrolment.find(connection, client.id) == client
        refused("revoked-client", lambda: enrolment.active(connection, client.id))
    refused("revoked-client", lambda: enrol(database, text))


@pytest.mark.parametrize("client", ["", "ab" * 32, "AB" * 32, "../etc", "é" * 64])
def test_clients_that_are_not_there(sqlite, client):
    with sqlite.write() as connection:
        assert enrolment.find(connection, client) is None
        refused("unknown-client", lambda: enrolment.active(connection, client))
        refused("unknown-client", lambda: enrolment.revoke(connection, client, clock=clock()))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "a" * 65},
        {"name": "a\nb"},
        {"users": 0},
        {"users": 2**31},
        {"kind": ClientKind.DEVICE, "users": 2},
    ],
)
def test_tokens_for_nobody_are_refused(sqlite, change):
    with pytest.raises(ConfigError):
        token(sqlite, **change)


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
def test_tokens_for_no_time_are_refused(sqlite, ttl):
    with sqlite.write() as connection, pytest.raises(ConfigError):
        enrolment.new_token(connection, ClientKind.SILO, "a", 1, ttl=ttl, clock=clock())
