"""How clients come to take part: single-use tokens, certificates, and their end.

Whoever says who takes part hands out a token by a channel of its own; a client redeems it once, for
its own key. A token is a signing key, of which only the hash of the public half is kept, so nobody
redeems what the database holds, or what passed by.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Row, insert, select, update

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation import proofs
from hedgerow.privacy.secure import identity, wire
from hedgerow.server.storage.database import insert_once
from hedgerow.server.storage.tables import clients, enrolment_tokens

MOST_USERS = 2**31 - 1

LONGEST_NAME = 64

_NAME = re.compile(rf"[^\x00-\x1f\x7f]{{1,{LONGEST_NAME}}}")
_ID = re.compile(r"[0-9a-f]{64}")


class ClientKind(StrEnum):
    """A device holds one user's interactions, a silo those of many."""

    DEVICE = "device"
    SILO = "silo"


@dataclass(frozen=True)
class EnrolledClient:
    """A client that takes part.

    Parameters
    ----------
    id
        Its Ed25519 public key in hexadecimal.
    kind, name, users
        What the token said.
    certificate
        The enrolment authority's, as CBOR.
    """

    id: str
    kind: ClientKind
    name: str
    users: int
    certificate: bytes


def new_token(
    connection: Connection,
    kind: ClientKind,
    name: str,
    users: int,
    *,
    ttl: float,
    clock: Callable[[], float],
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Make a token with which one client enrols, and return its text, which is kept nowhere.

    Parameters
    ----------
    connection
        In a write transaction.
    kind, name, users
        Of the client; a device has one user.
    ttl
        Seconds for which the token can be redeemed.
    clock, randomness
        Give the time and secret bytes.

    Raises
    ------
    ConfigError
        The name is not 1 to 64 printable characters, or the users or the time do not fit.
    """
    _check(kind, name, users)
    if not 0 < ttl < float("inf"):
        raise ConfigError("A token has to be valid for some seconds.")
    token = proofs.new_token(randomness)
    named = _digest(identity.public(proofs.token_key(token)))
    row = {"digest": named, "kind": kind.value, "name": name, "users": users}
    connection.execute(insert(enrolment_tokens).values(**row, expires=clock() + ttl))
    return token


def new_tokens(
    connection: Connection,
    kind: ClientKind,
    name: str,
    users: int,
    *,
    count: int,
    ttl: float,
    clock: Callable[[], float],
) -> list[tuple[str, str]]:
    """Make tokens, one each for several clients; return their names and texts.

    Of several, each client is called by the name, a hyphen and a number from 1 on; the other
    parameters are those of `new_token`.

    Raises
    ------
    ConfigError
        As of `new_token`, or a name gets too long by its number.
    """
    names = [f"{name}-{number}" for number in range(1, count + 1)] if count > 1 else [name]
    if len(names[-1]) > LONGEST_NAME:
        raise ConfigError(f"A client's name has {LONGEST_NAME} characters at most, its number too.")
    return [(one, new_token(connection, kind, one, users, ttl=ttl, clock=clock)) for one in names]


def enrol(
    connection: Connection,
    asked: proofs.Redemption,
    *,
    authority: Ed25519PrivateKey,
    clock: Callable[[], float],
) -> EnrolledClient:
    """Redeem a token for a client's key; the same key and token again get the same answer.

    Parameters
    ----------
    connection
        In a write transaction, which has to be undone when this raises.
    asked
        What the client sent.
    authority
        The enrolment authority's key.
    clock
        Gives the time.

    Raises
    ------
    ProtocolError
        ``unknown-token``, ``used-token``, ``expired-token``, ``bad-signature``, or
        ``known-client``: the key is enrolled by another token.
    """
    asked.check()
    now, digest, key = clock(), _digest(asked.token), asked.key
    redeemed = connection.execute(
        update(enrolment_tokens)
        .where(
            enrolment_tokens.c.digest == digest,
            enrolment_tokens.c.used.is_(None),
            enrolment_tokens.c.expires > now,
        )
        .values(used=now, client=key.hex())
        .returning(enrolment_tokens.c.kind, enrolment_tokens.c.name, enrolment_tokens.c.users)
    ).first()
    if redeemed is None:
        return _again(connection, digest, key.hex())
    (certificate,) = identity.certify(authority, [key])
    client = EnrolledClient(
        key.hex(),
        ClientKind(redeemed.kind),
        redeemed.name,
        redeemed.users,
        wire.to_wire(certificate),
    )
    if not insert_once(connection, clients, [{**vars(client), "enrolled": now}]):
        raise ProtocolError("known-client", "This key is enrolled already; use a fresh one.")
    return client


def checked(client: EnrolledClient) -> EnrolledClient:
    """Return a client of whom an authority elsewhere told, if that is one as tokens say it.

    Raises
    ------
    ProtocolError
        ``bad-certificate``.
    """
    try:
        _check(client.kind, client.name, client.users)
    except (ConfigError, TypeError) as error:
        raise ProtocolError("bad-certificate", "The authority tells of an odd client.") from error
    return client


def register(
    connection: Connection, client: EnrolledClient, *, clock: Callable[[], float]
) -> EnrolledClient:
    """Let a client take part that an authority elsewhere has enrolled; again changes nothing.

    Parameters
    ----------
    connection
        In a write transaction.
    client
        As the authority answered, its certificate checked.
    clock
        Gives the time.

    Raises
    ------
    ProtocolError
        ``revoked-client``.
    """
    insert_once(connection, clients, [{**vars(client), "enrolled": clock()}])
    return active(connection, client.id)


def _again(connection: Connection, digest: str, client: str) -> EnrolledClient:
    """Answer whoever presents a token that cannot be redeemed now."""
    row = connection.execute(
        select(enrolment_tokens).where(enrolment_tokens.c.digest == digest)
    ).first()
    if row is None:
        raise _unknown_token()
    if row.used is None:
        raise ProtocolError("expired-token", "This enrolment token has expired; ask for another.")
    if row.client != client:
        raise ProtocolError("used-token", "This enrolment token was used already.")
    return active(connection, client)


def find(connection: Connection, client: str) -> EnrolledClient | None:
    """Return a client by its id, revoked or not; None where there is none."""
    row = _row(connection, client)
    return None if row is None else _client(row)


def active(connection: Connection, client: str) -> EnrolledClient:
    """Return a client that may take part.

    An access token may outlive a revocation by a second, so whoever takes something from a client
    asks here in the transaction that keeps it.

    Raises
    ------
    ProtocolError
        ``unknown-client`` or ``revoked-client``.
    """
    row = _row(connection, client)
    if row is None:
        raise ProtocolError("unknown-client", "There is no such client; enrol it first.")
    if row.revoked is not None:
        raise ProtocolError("revoked-client", "This client was revoked and takes part no more.")
    return _client(row)


def revoke(connection: Connection, client: str, *, clock: Callable[[], float]) -> None:
    """End a client's part for good; revoking it again changes nothing.

    Raises
    ------
    ProtocolError
        ``unknown-client``.
    """
    if _row(connection, client) is None:
        raise ProtocolError("unknown-client", "There is no such client to revoke.")
    connection.execute(
        update(clients)
        .where(clients.c.id == client, clients.c.revoked.is_(None))
        .values(revoked=clock())
    )


def _row(connection: Connection, client: str) -> Row[Any] | None:
    if not _ID.fullmatch(client):
        return None
    return connection.execute(select(clients).where(clients.c.id == client)).first()


def _client(row: Row[Any]) -> EnrolledClient:
    return EnrolledClient(row.id, ClientKind(row.kind), row.name, row.users, row.certificate)


def _check(kind: ClientKind, name: str, users: int) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError("A client's name has 1 to 64 characters and no control characters.")
    if not 1 <= users <= (1 if kind is ClientKind.DEVICE else MOST_USERS):
        raise ConfigError("A device has one user, and a silo at least one.")


def _digest(token: bytes) -> str:
    """Return the hash by which a token is known, of its public half."""
    return proofs.digest(token.hex())


def _unknown_token() -> ProtocolError:
    return ProtocolError("unknown-token", "There is no such enrolment token; ask for another.")
