"""What clients sent: stored whole batches at a time, read by whoever adds it up.

Small bodies stand in the database. The large ones of a batch are written one after the other into
one blob, a segment, so that a batch costs few waits for the disk, however many bodies it has.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

from sqlalchemy import select, update

from hedgerow.errors import StorageError
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database, retried
from hedgerow.server.storage.receipts import (
    Draft,
    Incoming,
    Receipt,
    Refused,
    insert_new,
    judge,
)
from hedgerow.server.storage.tables import messages

INLINE = 1 << 16
"""The longest body, in bytes, that stands in the database."""

SEGMENTS = "segment"
"""The folder of segments; a name goes on with the second since 1970, in hexadecimal."""

PAGE = 1000
"""How many rows are read at a time."""


@dataclass(frozen=True)
class Stored:
    """A message without its body; the fields are the columns of the same names."""

    seq: int
    round: str
    client: str
    kind: str
    digest: str
    length: int
    blob: str | None
    start: int | None
    refused: str | None
    received: float


@dataclass(frozen=True)
class Messages:
    """The messages in a database and its blobs."""

    database: Database
    blobs: Blobs

    def accept(self, batch: Sequence[Incoming], now: float) -> list[Receipt | Refused]:
        """Store a batch of messages; one that is refused does not hinder the others.

        The same message again gets the same receipt, also when its phase is over.

        Parameters
        ----------
        batch
            In the order in which they came.
        now
            Seconds since 1970.

        Returns
        -------
        list
            What became of each message.

        Raises
        ------
        StorageError
            Nothing was stored, or it is not known whether; the batch may be sent again.
        """
        digests = [hashlib.sha256(message.body).hexdigest() for message in batch]
        drafts = [Draft(*pair) for pair in zip(batch, digests, strict=True)]
        # What is refused anyway is found out first, so that it is not written to the disk.
        found = retried(partial(self._judge, drafts))
        fresh = [n for n, answer in enumerate(found) if answer is None]
        placed = self._place([drafts[n] for n in fresh], now)
        stored = retried(partial(self._store, placed, now)) if placed else []
        for n, answer in zip(fresh, stored, strict=True):
            found[n] = answer
        self._drop({draft.blob for draft in placed if draft.blob})
        return [answer for answer in found if answer is not None]

    def of(self, round_id: str, kind: str, after: int = 0) -> Iterator[Stored]:
        """Go through a round's messages of one kind, in the order of their numbers.

        Whoever reads again after the last number that he saw misses none.
        """
        columns = [messages.c[field.name] for field in fields(Stored)]
        query = select(*columns).where(messages.c.round == round_id, messages.c.kind == kind)
        while True:
            page = query.where(messages.c.seq > after).order_by(messages.c.seq).limit(PAGE)
            with self.database.read() as connection:
                rows = [Stored(*row) for row in connection.execute(page)]
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1].seq

    def body(self, stored: Stored) -> bytes:
        """Return a message's body.

        Raises
        ------
        StorageError
            It was deleted after its round, or is damaged.
        """
        if stored.blob is not None and stored.start is not None:
            body = self.blobs.get(stored.blob, stored.start, stored.length)
        else:
            with self.database.read() as connection:
                found = connection.scalar(
                    select(messages.c.body).where(messages.c.seq == stored.seq)
                )
            if found is None:
                raise StorageError(f"The body of message {stored.seq} was deleted.")
            body = bytes(found)
        if hashlib.sha256(body).hexdigest() != stored.digest:
            raise StorageError(f"The body of message {stored.seq} is damaged; restore a backup.")
        return body

    def discard(self, round_id: str) -> None:
        """Delete the bodies of a round that is over; that they were sent stays on record."""
        own = messages.c.round == round_id

        def forget() -> set[str]:
            with self.database.write() as connection:
                placed = select(messages.c.blob).where(own, messages.c.blob.is_not(None))
                blobs = set(connection.scalars(placed.distinct()))
                nothing = {"body": None, "blob": None, "start": None}
                connection.execute(update(messages).where(own).values(nothing))
            return blobs

        self._drop(retried(forget))

    def sweep(self, before: float) -> None:
        """Delete segments that a crash left behind between writing them and their rows.

        Parameters
        ----------
        before
            Only segments written before then, in seconds since 1970: the rows of younger ones may
            be on their way.
        """
        limit = _segment(before)
        self._drop({name for name in self.blobs.names(SEGMENTS) if name < limit})

    def _judge(self, drafts: Sequence[Draft]) -> list[Receipt | Refused | None]:
        with self.database.read() as connection:
            return judge(connection, drafts, hold=False)

    def _place(self, drafts: Sequence[Draft], now: float) -> list[Draft]:
        """Write the large bodies into one segment, the same one once."""
        blob, starts, bodies, end = f"{_segment(now)}-{uuid.uuid4().hex}", {}, [], 0
        placed = []
        for draft in drafts:
            message = draft.message
            if len(message.body) <= INLINE:
                placed.append(draft)
                continue
            if message.key not in starts:
                starts[message.key] = end
                bodies.append(message.body)
                end += len(message.body)
            placed.append(replace(draft, blob=blob, start=starts[message.key]))
        if bodies:
            self.blobs.put(blob, *bodies)
        return placed

    def _store(self, drafts: Sequence[Draft], now: float) -> list[Receipt | Refused]:
        """Write the rows of those that are still to be accepted, in one transaction."""
        with self.database.write() as connection:
            found = judge(connection, drafts, hold=True)
            fresh = {
                draft.message.key: draft
                for draft, answer in zip(drafts, found, strict=True)
                if answer is None
            }
            receipts = insert_new(connection, list(fresh.values()), now)
        return [
            receipts[draft.message.key] if answer is None else answer
            for draft, answer in zip(drafts, found, strict=True)
        ]

    def _drop(self, segments: set[str]) -> None:
        """Delete those segments of which no message is left."""
        names = sorted(segments)
        for n in range(0, len(names), PAGE):
            some = names[n : n + PAGE]
            with self.database.read() as connection:
                used = set(
                    connection.scalars(
                        select(messages.c.blob).where(messages.c.blob.in_(some)).distinct()
                    )
                )
            for name in set(some) - used:
                self.blobs.delete(name)


def _segment(now: float) -> str:
    """Return the beginning of a segment's name; such names sort by time."""
    return f"{SEGMENTS}/{int(now):010x}"
