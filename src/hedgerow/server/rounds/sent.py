"""What clients sent in rounds, as numbers: counted while a round goes on, noted when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from hedgerow.server.storage.tables import messages

FIRST = ("check-in", "report")
"""The kinds of message with which a client begins to take part, one for each mode."""


@dataclass(frozen=True)
class Sent:
    """The messages of a round.

    Parameters
    ----------
    came
        How many clients began to take part.
    refused
        How many messages were stored and then refused.
    bytes
        Of all bodies together.
    """

    came: int = 0
    refused: int = 0
    bytes: int = 0

    @classmethod
    def noted(cls, stats: Mapping[str, Any]) -> Sent | None:
        """Return what was noted at a round's end; None where nothing was."""
        return cls(**stats["sent"]) if "sent" in stats else None


def sent_in(connection: Connection, rounds: Sequence[str]) -> dict[str, Sent]:
    """Count what clients sent in each of some rounds; rounds without messages are left out."""
    first = case((messages.c.kind.in_(FIRST), 1), else_=0)
    query = select(
        messages.c.round,
        func.sum(first).label("came"),
        func.count(messages.c.refused).label("refused"),
        func.sum(messages.c.length).label("bytes"),
    )
    rows = connection.execute(query.where(messages.c.round.in_(rounds)).group_by(messages.c.round))
    return {row.round: Sent(int(row.came), int(row.refused), int(row.bytes)) for row in rows}


def note(connection: Connection, name: str) -> dict[str, dict[str, int]]:
    """Return what is noted of a round that ends, so that nobody counts its messages again."""
    return {"sent": asdict(sent_in(connection, [name]).get(name, Sent()))}
