"""Admission: which round a client that checks in takes part in, or when it should come again."""

from __future__ import annotations

import random

from sqlalchemy import Connection, func, select

from hedgerow.server.rounds import gather, report
from hedgerow.server.rounds.record import GATHER, KEYS, REPORT, Round, open_rounds
from hedgerow.server.storage import tables
from hedgerow.server.tasks.runs import running

SOON, LATER = 2.0, 300.0
"""Seconds until a client comes again: while a run goes on, and otherwise."""


def admit(connection: Connection, client: str) -> Round | None:
    """Return the oldest round in which a client can take part; None where there is none.

    Parameters
    ----------
    connection
        To the database.
    client
        Its id.
    """
    for current in open_rounds(connection):
        if current.phase == GATHER and _asks_more(connection, current, client):
            return current
        if (
            current.phase == REPORT
            and not _came(connection, current.id, client, report.KIND)
            and current.terms is not None
            and _came(connection, current.id, None, report.KIND) < current.terms.clients
        ):
            return current
    return None


def next_phase(current: Round) -> str:
    """Return the phase for which a client asks after it was admitted."""
    return KEYS if current.phase == GATHER else REPORT


def come_again(connection: Connection) -> float:
    """Return after how many seconds a client should check in again.

    The time is drawn anew for each, so that clients that were turned away together do not come
    back together.
    """
    seconds = SOON if running(connection) else LATER
    return seconds * (0.5 + random.random())  # noqa: S311 - not a secret


def _asks_more(connection: Connection, current: Round, client: str) -> bool:
    """Return whether a round waits for more clients, or for one that has come already."""
    wanted = current.stats.get(gather.WANTED)
    if wanted is None or _came(connection, current.id, None, gather.KIND) < wanted:
        return True
    return bool(_came(connection, current.id, client, gather.KIND))


def _came(connection: Connection, name: str, client: str | None, kind: str) -> int:
    messages = tables.messages
    query = select(func.count()).where(messages.c.round == name, messages.c.kind == kind)
    if client is None:
        query = query.where(messages.c.refused.is_(None))
    else:
        query = query.where(messages.c.client == client)
    return connection.scalar(query) or 0
