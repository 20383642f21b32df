"""Access tokens: for whoever signs the time, once; checked against tokens made by hand."""

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from hedgerow.errors import ProtocolError
from hedgerow.federation import proofs
from hedgerow.privacy.secure.identity import public
from hedgerow.server.security import enrolment
from hedgerow.server.security.access import Permission, Role
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.keys import derive
from hedgerow.server.security.signed import Signer
from hedgerow.server.security.tokens import LIFETIME, WINDOW, Issuer, Login
from hedgerow.server.storage.database import retried
from hedgerow.server.storage.tables import clients, logins

NOW = 1_700_000_000
SECRET = bytes(range(32))
AUDIENCE = "https://shop.example"
ANNA, BEN = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (2, 3))
BOTH = frozenset({Permission.CONTRIBUTE, Permission.READ_MODEL})


def issuer(at=NOW, secret=SECRET, audience=AUDIENCE):
    return Issuer(secret, audience, lambda: at)


@pytest.fixture
def enrolled(database):
    with database.write() as connection:
        row = {"kind": "silo", "name": "a", "users": 2, "certificate": b"", "enrolled": 0.0}
        connection.execute(insert(clients).values(id=public(ANNA).hex(), **row))
    return database


def request(at=NOW, key=ANNA, scopes=BOTH, audience=AUDIENCE, client=None, milliseconds=0):
    timestamp = at * 1000 + milliseconds
    message = proofs.login(audience, timestamp, sorted(scopes))
    return Login(client or public(key).hex(), timestamp, frozenset(scopes), key.sign(message))


def log_in(database, login, at=NOW):
    def work():
        with database.write() as connection:
            return issuer(at).login(connection, login)

    return retried(work)


def refused(code, work):
    with pytest.raises(ProtocolError) as error:
        work()
    assert error.value.code == code


def test_a_login_gives_a_token_for_what_was_asked(enrolled):
    for number, scopes in enumerate((BOTH, {Permission.READ_MODEL})):
        found = issuer().verify(log_in(enrolled, request(scopes=scopes, milliseconds=number)))
        assert (found.client, found.kind) == (public(ANNA).hex(), ClientKind.SILO)
        assert found.scopes == frozenset(scopes)
        assert found.expires == NOW + LIFETIME
        assert found.principal.role is Role.CLIENT
        assert found.principal.may(Permission.READ_MODEL)
        assert found.principal.may(Permission.CONTRIBUTE) == (Permission.CONTRIBUTE in scopes)
        assert not found.principal.may(Permission.RUN_TASKS)


def test_a_login_counts_once_everywhere(enrolled):
    login = request()
    log_in(enrolled, login)
    for at in (NOW, NOW + 30, NOW + WINDOW):
        refused("replayed-login", lambda at=at: log_in(enrolled, login, at))
    earlier = request(milliseconds=-1)
    refused("replayed-login", lambda: log_in(enrolled, earlier))
    assert log_in(enrolled, request(milliseconds=1))


def test_of_replays_at_once_one_counts(enrolled):
    login = request()

    def attempt(_):
        try:
            return bool(log_in(enrolled, login))
        except ProtocolError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(8)))
    assert answers.count(True) == 1
    assert answers.count("replayed-login") == 7


def test_clients_do_not_keep_each_other_out(enrolled):
    with enrolled.write() as connection:
        row = {"kind": "device", "name": "b", "users": 1, "certificate": b"", "enrolled": 0.0}
        connection.execute(insert(clients).values(id=public(BEN).hex(), **row))
    log_in(enrolled, request(NOW + 9))
    assert log_in(enrolled, request(NOW + 1, BEN))


@pytest.mark.parametrize("off", [-WINDOW - 1, WINDOW + 1, -NOW - 1, 2**60])
def test_a_time_that_is_off_is_refused(enrolled, off):
    timestamp = (NOW + off) * 1000
    login = Login(public(ANNA).hex(), timestamp, BOTH, bytes(64))
    refused("bad-time", lambda: log_in(enrolled, login))


@pytest.mark.parametrize("off", [-WINDOW, WINDOW])
def test_clocks_may_differ_a_little(enrolled, off):
    assert log_in(enrolled, request(NOW + off))


def test_only_the_client_itself_logs_in(enrolled):
    anna = public(ANNA).hex()
    good = request()
    for login in (
        request(key=BEN, client=anna),
        request(audience="https://other.example"),
        Login(anna, good.timestamp + 1, BOTH, good.signature),
        Login(anna, good.timestamp, frozenset({Permission.READ_MODEL}), good.signature),
        Login(anna, good.timestamp, BOTH, b""),
    ):
        refused("bad-signature", lambda login=login: log_in(enrolled, login))
    assert log_in(enrolled, good)


@pytest.mark.parametrize("scopes", [set(), {Permission.RUN_TASKS}, BOTH | {Permission.BACK_UP}])
def test_a_client_asks_for_what_clients_may(enrolled, scopes):
    refused("bad-scope", lambda: log_in(enrolled, request(scopes=scopes)))


def test_strangers_and_revoked_clients_get_nothing(enrolled):
    refused("unknown-client", lambda: log_in(enrolled, request(key=BEN)))
    refused("unknown-client", lambda: log_in(enrolled, request(client="' OR 1=1")))
    with enrolled.write() as connection:
        enrolment.revoke(connection, public(ANNA).hex(), clock=lambda: NOW)
    refused("revoked-client", lambda: log_in(enrolled, request()))
    with enrolled.read() as connection:
        assert connection.execute(select(logins)).first() is None


def test_a_token_expires(enrolled):
    token = log_in(enrolled, request())
    assert issuer(NOW + LIFETIME - 1).verify(token)
    refused("expired-token", lambda: issuer(NOW + LIFETIME).verify(token))


def test_a_token_counts_for_its_deployment_and_purpose_alone(enrolled):
    token = log_in(enrolled, request())
    refused("bad-token", lambda: issuer(secret=bytes(32)).verify(token))
    refused("bad-token", lambda: issuer(audience="https://other.example").verify(token))
    refused("bad-token", lambda: Signer(SECRET, "session", AUDIENCE, lambda: NOW).read(token))
    session = Signer(SECRET, "session", AUDIENCE, lambda: NOW).sign({"sub": "a"}, 60)
    refused("bad-token", lambda: issuer().verify(session))


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header, claims, key):
    """A token as RFC 7515 has it."""
    text = encoded(json.dumps(header).encode()) + "." + encoded(json.dumps(claims).encode())
    return text + "." + encoded(hmac.new(key, text.encode(), hashlib.sha256).digest())


CLAIMS = {
    "aud": AUDIENCE, "sub": "ab" * 32, "kind": "silo", "scope": "contribute",
    "iat": NOW, "exp": NOW + 60,
}  # fmt: skip
KEY = derive(SECRET, "access-token")


def test_a_token_made_by_hand_with_the_key_counts():
    found = issuer().verify(by_hand({"alg": "HS256"}, CLAIMS, KEY))
    assert (found.client, found.scopes) == ("ab" * 32, frozenset({Permission.CONTRIBUTE}))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "..",
        "é" * 20,
        "a" * 100_000,
        by_hand({"alg": "HS256"}, CLAIMS, b"another key"),
        by_hand({"alg": "none"}, CLAIMS, KEY),
        by_hand({"alg": "none"}, CLAIMS, KEY).rpartition(".")[0] + ".",
        by_hand({"alg": "HS512"}, CLAIMS, KEY),
        by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, CLAIMS, KEY),
        by_hand({"alg": "HS256"}, {**CLAIMS, "aud": "other"}, KEY),
        by_hand({"alg": "HS256"}, {**CLAIMS, "exp": "tomorrow"}, KEY),
        by_hand({"alg": "HS256"}, {k: v for k, v in CLAIMS.items() if k != "exp"}, KEY),
        by_hand({"alg": "HS256"}, {k: v for k, v in CLAIMS.items() if k != "aud"}, KEY),
    ],
    ids=range(15),
)
def test_other_tokens_do_not_count(token):
    refused("bad-token", lambda: issuer().verify(token))


def test_a_token_with_any_character_changed_does_not_count(enrolled):
    token = log_in(enrolled, request())
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        refused(
            "bad-token",
            lambda place=place, other=other: issuer().verify(
                token[:place] + other + token[place + 1 :]
            ),
        )


def test_the_secret_is_not_printed():
    assert repr(SECRET) not in repr(issuer())
    assert "secret" not in repr(issuer())


def test_what_is_signed_is_told_apart():
    messages = {
        proofs.login(audience, timestamp, scopes)
        for audience in ("a", "ab")
        for timestamp in (0, 1)
        for scopes in ((), ("b",), ("b", "c"))
    }
    assert len(messages) == 12


def test_a_token_that_was_good_expires_all_the_same(enrolled):
    token, now = log_in(enrolled, request()), [NOW]
    checking = Issuer(SECRET, AUDIENCE, lambda: now[0])
    assert checking.verify(token) == checking.verify(token)
    now[0] = NOW + LIFETIME
    refused("expired-token", lambda: checking.verify(token))
