"""Sessions of browsers in which an access key was pasted, where no provider logs people in.

A session is a random text in a cookie, of which only the SHA-256 is kept. It is worth what its key
is worth: it ends when the key is revoked, when it is logged out, and after a working day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from hedgerow.errors import ProtocolError
from hedgerow.federation import proofs
from hedgerow.server.security.access import Principal, Role, authenticate
from hedgerow.server.security.people import RANKS, SESSION_COOKIE
from hedgerow.server.storage.tables import access_keys, console_sessions

LIFETIME = 8 * 3600
"""Seconds for which a session lasts."""


def begin(connection: Connection, key: str, *, clock: Callable[[], float]) -> tuple[Principal, str]:
    """Exchange an access key for a session; return whose it is, and its text, kept nowhere.

    Parameters
    ----------
    connection
        In a write transaction.
    key
        The access key's text.
    clock
        Gives the time.

    Raises
    ------
    ProtocolError
        ``unauthenticated``: the key counts for nothing; ``no-role``: it is another server's.
    """
    principal = authenticate(connection, key)
    if principal.role not in RANKS:
        raise ProtocolError("no-role", "This key is not for people; use an operator's, say.")
    session, now = secrets.token_urlsafe(32), clock()
    connection.execute(delete(console_sessions).where(console_sessions.c.expires <= now))
    row = {"digest": proofs.digest(session), "key": proofs.digest(key), "expires": now + LIFETIME}
    connection.execute(insert(console_sessions).values(row))
    return principal, session


def read(connection: Connection, session: str, *, clock: Callable[[], float]) -> Principal:
    """Return whose session this is.

    Raises
    ------
    ProtocolError
        ``expired-token``: it has ended, or never was.
    """
    query = (
        select(access_keys.c.name, access_keys.c.role)
        .join(console_sessions, console_sessions.c.key == access_keys.c.digest)
        .where(
            console_sessions.c.digest == proofs.digest(session),
            console_sessions.c.expires > clock(),
            access_keys.c.revoked.is_(None),
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ProtocolError("expired-token", "This session has ended; log in again.")
    return Principal(Role(row.role), row.name)


def end(connection: Connection, session: str) -> None:
    """End a session; one that has ended already stays so."""
    digest = proofs.digest(session)
    connection.execute(delete(console_sessions).where(console_sessions.c.digest == digest))


def cookie(session: str) -> str:
    """Return the header with which a browser keeps a session; an empty one is forgotten."""
    seconds = LIFETIME if session else 0
    return (
        f"{SESSION_COOKIE}={session}; Max-Age={seconds}; Path=/; HttpOnly; Secure; SameSite=Strict"
    )
