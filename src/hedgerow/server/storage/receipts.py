"""Which messages are taken, and what their senders are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, insert, select, tuple_

from hedgerow.server.storage.tables import clients, messages, rounds

Key: TypeAlias = tuple[str, str, str]
"""Round, client and kind: whose message it is and which."""


@dataclass(frozen=True)
class Incoming:
    """What a client sends.

    Parameters
    ----------
    round
        The round's id.
    client
        Its id; that it is the client has been checked.
    kind
        Which of the round's messages it is; a client sends each once.
    phase
        The phase in which the round takes it.
    body
        As it came.
    """

    round: str
    client: str
    kind: str
    phase: str
    body: bytes

    @property
    def key(self) -> Key:
        """What a client can send one message for."""
        return self.round, self.client, self.kind


@dataclass(frozen=True)
class Receipt:
    """A message is stored and will outlast a crash.

    Parameters
    ----------
    seq
        Its number; those of a round grow in the order in which they were stored.
    digest
        SHA-256 of the body, in hexadecimal.
    received
        When, in seconds since 1970.
    """

    seq: int
    digest: str
    received: float


@dataclass(frozen=True)
class Refused:
    """A message was not stored, and why: HTTP status, a code for programs, and a sentence."""

    status: int
    code: str
    sentence: str


NOT_ENROLLED = Refused(403, "not-enrolled", "This client is not enrolled; enrol it first.")
REVOKED = Refused(403, "revoked", "This client's enrolment was revoked.")
WRONG_PHASE = Refused(409, "wrong-phase", "The round takes no such message now.")
ANOTHER = Refused(409, "another-message", "The client has already sent another such message.")


@dataclass(frozen=True)
class Draft:
    """A message to be stored, and in which blob its body is and from which byte on, if in any."""

    message: Incoming
    digest: str
    blob: str | None = None
    start: int | None = None


def judge(
    connection: Connection, drafts: Sequence[Draft], *, hold: bool
) -> list[Receipt | Refused | None]:
    """Say which messages are refused, which are known, and which are to be stored (None).

    Parameters
    ----------
    connection
        Of a write, where the rounds are to be held.
    drafts
        In the order in which they came.
    hold
        Keep the rounds as they are until the transaction ends, so that no phase is closed before
        the messages are in, and a round's messages become visible in the order of their numbers.
        Without that it is a first look, which may let through what is stored already.
    """
    # A database fails on names that it cannot hold, and the whole batch with it.
    keys = {draft.message.key for draft in drafts if _plain(draft.message)}
    phases = _phases(connection, {key[0] for key in keys}, hold=hold)
    enrolled = _enrolled(connection, {key[1] for key in keys})
    late = {d.message.key for d in drafts if phases.get(d.message.round) != d.message.phase}
    known = _known(connection, keys if hold else keys & late)
    fresh: dict[Key, str] = {}
    found: list[Receipt | Refused | None] = []
    for draft in drafts:
        message = draft.message
        answer: Receipt | Refused | None = None
        if message.client not in enrolled:
            answer = NOT_ENROLLED
        elif enrolled[message.client] is not None:
            answer = REVOKED
        elif message.key in known:
            answer = known[message.key]
            answer = answer if answer.digest == draft.digest else ANOTHER
        elif phases.get(message.round) != message.phase:
            answer = WRONG_PHASE
        elif fresh.setdefault(message.key, draft.digest) != draft.digest:
            answer = ANOTHER
        found.append(answer)
    return found


def _plain(message: Incoming) -> bool:
    return all(name.isascii() and name.isprintable() for name in message.key)


def _phases(connection: Connection, ids: set[str], *, hold: bool) -> dict[str, str]:
    """Return the phases of those rounds that exist."""
    query = select(rounds.c.id, rounds.c.phase).where(rounds.c.id.in_(ids))
    if hold:
        # In one order, so that no two wait for each other. FOR NO KEY UPDATE lets those pass that
        # only refer to a round.
        query = query.order_by(rounds.c.id).with_for_update(key_share=True)
    return {row.id: row.phase for row in connection.execute(query)}


def _enrolled(connection: Connection, ids: set[str]) -> dict[str, float | None]:
    """Return when those clients that exist were revoked, if they were."""
    query = select(clients.c.id, clients.c.revoked).where(clients.c.id.in_(ids))
    return {row.id: row.revoked for row in connection.execute(query)}


def _known(connection: Connection, keys: set[Key]) -> dict[Key, Receipt]:
    """Return the receipts of those messages that are stored."""
    key = (messages.c.round, messages.c.client, messages.c.kind)
    if not keys:
        return {}
    query = select(*key, messages.c.seq, messages.c.digest, messages.c.received)
    return {
        (row.round, row.client, row.kind): Receipt(row.seq, row.digest, row.received)
        for row in connection.execute(query.where(tuple_(*key).in_(keys)))
    }


def insert_new(connection: Connection, drafts: Sequence[Draft], now: float) -> dict[Key, Receipt]:
    """Insert rows in the order of their arrival."""
    if not drafts:
        return {}
    rows = [
        {
            "round": draft.message.round,
            "client": draft.message.client,
            "kind": draft.message.kind,
            "digest": draft.digest,
            "length": len(draft.message.body),
            "body": draft.message.body if draft.blob is None else None,
            "blob": draft.blob,
            "start": draft.start,
            "received": now,
        }
        for draft in drafts
    ]
    numbers = connection.scalars(
        insert(messages).returning(messages.c.seq, sort_by_parameter_order=True), rows
    )
    return {
        draft.message.key: Receipt(seq, draft.digest, now)
        for draft, seq in zip(drafts, numbers, strict=True)
    }
