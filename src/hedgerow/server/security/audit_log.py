"""The audit log: who did what, when, in a chain of hashes whose newest line is signed.

Each line is canonical JSON and holds the SHA-256 of the line before. The coordinator signs the
number and the hash of the newest line in the transaction that adds it. So no byte of a line can be
edited, no line taken out, put in or moved, and none cut off the end, without the coordinator's key.

Whoever can write to the database can still put an earlier state of all of it back. That shows
against a head that was kept elsewhere, such as in an earlier export.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select, update

from hedgerow.errors import StorageError
from hedgerow.server.security.audit_chain import Head, Line, canonical, damaged, digest, read, sign
from hedgerow.server.storage.database import insert_once
from hedgerow.server.storage.tables import audit_lines, settings

LONGEST = 256
"""Characters of who, on what and the outcome; what is beyond is left out."""

HEAD = "audit-head"
"""The head's name in the table ``settings``."""

ATTEMPTS = 100
"""How many other replicas may write the same number first."""

_WHAT = re.compile(r"[a-z][a-z0-9-]{0,63}")
_SECRET = re.compile(r"(hak|het)_[A-Za-z0-9_-]*|eyJ[A-Za-z0-9_.-]{16,}")


@dataclass(frozen=True)
class Event:
    """What happened; none of it is a secret.

    Parameters
    ----------
    who
        The name of a `Principal`.
    what
        What was done, in kebab case, such as ``enrol-client``.
    on
        To what: an id or a name.
    outcome
        ``done``, or the code of the error.
    """

    who: str
    what: str
    on: str
    outcome: str = "done"


def append(
    connection: Connection, event: Event, *, key: Ed25519PrivateKey, clock: Callable[[], float]
) -> Head:
    """Add an event to the log, and sign the new head.

    Parameters
    ----------
    connection
        In the write transaction of what happened, as its last statement: other replicas that log
        something wait from here to its end.
    event
        What happened. What looks like a key or a token in it is struck out.
    key
        The coordinator's.
    clock
        Gives the time.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``: the newest line is not the one that was signed. Going on would hide it.
    StorageError
        Others keep adding lines first; it may well succeed a little later.
    """
    if not _WHAT.fullmatch(event.what):
        raise ValueError(f"{event.what!r} is not in kebab case")
    said = {name: _presentable(text) for name, text in asdict(event).items()}
    for _ in range(ATTEMPTS):
        number, previous = _next(connection, key)
        line = canonical(Line(number, int(clock() * 1000), previous=previous, **said))
        if insert_once(connection, audit_lines, [{"number": number, "line": line}]):
            return _keep(connection, sign(key, number, digest(line)))
    raise StorageError("The audit log is busy; try again later.", transient=True)


def head(connection: Connection) -> Head | None:
    """Return the signed head, or None where nothing was ever logged.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``.
    """
    value = connection.scalar(select(settings.c.value).where(settings.c.name == HEAD))
    return None if value is None else read(Head, value.encode(), "The head")


def lines(connection: Connection) -> list[bytes]:
    """Return all lines in the order of their numbers."""
    return list(connection.scalars(select(audit_lines.c.line).order_by(audit_lines.c.number)))


def export(connection: Connection) -> bytes:
    """Return the log as JSON lines, of which the last is the head.

    Parameters
    ----------
    connection
        That sees one moment of the database.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``: there is no head.
    """
    signed = head(connection)
    if signed is None:
        raise damaged("The audit log has no signed head")
    return b"".join(line + b"\n" for line in [*lines(connection), canonical(signed)])


def parse(data: bytes) -> tuple[list[bytes], Head]:
    """Return the lines and the head of what `export` returned.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``.
    """
    *found, end = data.split(b"\n")
    if end or not found:
        raise damaged("The file of the audit log does not end with a whole line")
    return found[:-1], read(Head, found[-1], "The head")


def _next(connection: Connection, key: Ed25519PrivateKey) -> tuple[int, str]:
    """Return the next line's number, and the hash of the line before, which has to be the head."""
    number, line, signed = audit_lines.c.number, audit_lines.c.line, settings.c.value
    # One statement, since what others commit between two would look like damage.
    last, newest, value = connection.execute(
        select(
            select(number).order_by(number.desc()).limit(1).scalar_subquery(),
            select(line).order_by(number.desc()).limit(1).scalar_subquery(),
            select(signed).where(settings.c.name == HEAD).scalar_subquery(),
        )
    ).one()
    if last is None and value is None:
        return 1, ""
    previous = digest(newest or b"")
    if last is None or value != canonical(sign(key, last, previous)).decode():
        raise damaged("The newest line of the audit log is not the one that was signed")
    return last + 1, previous


def _keep(connection: Connection, signed: Head) -> Head:
    value = canonical(signed).decode()
    changed = connection.execute(
        update(settings).where(settings.c.name == HEAD).values(value=value)
    )
    if changed.rowcount == 0:
        connection.execute(insert(settings).values(name=HEAD, value=value))
    return signed


def _presentable(text: str) -> str:
    return _SECRET.sub("[secret]", text)[:LONGEST]
