"""A round as the database has it, its lease, and its moves from phase to phase."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from hedgerow.errors import HedgerowError
from hedgerow.federation.ask import Ask
from hedgerow.privacy.secure.session import PAIRWISE, Terms
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds.sent import note
from hedgerow.server.storage import tables

GATHER, KEYS, SHARES, MASKED, CONSENT, UNMASK, REPORT, PUBLISH, FINISHED, FAILED = (
    "gather",
    "keys",
    "shares",
    "masked",
    "consent",
    "unmask",
    "report",
    "publish",
    "done",
    "failed",
)

OVER = (FINISHED, FAILED)

LEASE_SECONDS = 10.0
"""After so long without a sign of life another replica takes a round over."""


class LeaseLostError(HedgerowError):
    """Another replica has taken a round over; whatever this one was doing to it is void."""


@dataclass(frozen=True)
class Round:
    """One attempt at one secured sum.

    Parameters
    ----------
    id, run
        Its own name, and that of the run it belongs to.
    step, purpose, attempt
        Which sum of the run, and how often it was tried before.
    phase
        Where it stands.
    mode
        ``pairwise`` or ``split``.
    ask, terms
        What clients compute and agree on; None until it is known who takes part.
    deadline
        When the phase ends at the latest.
    owner, lease_until, epoch
        Which replica moves it on, and until when; one whose epoch is over can change nothing.
    created, changed
        When it began, and when it last moved.
    failure
        Why it failed.
    stats
        Seconds by phase, contributors, and at its end what clients sent.
    """

    id: str
    run: str
    step: int
    purpose: str
    attempt: int
    phase: str
    mode: str
    ask: Ask | None
    terms: Terms | None
    deadline: float
    owner: str | None
    lease_until: float
    epoch: int
    created: float
    changed: float
    failure: str | None
    stats: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> tuple[str, ...]:
        """The phases that it passes, in order."""
        return path_of(self.mode, self.terms)

    @property
    def after(self) -> str:
        """The next phase."""
        return self.path[self.path.index(self.phase) + 1]

    def held_by(self, replica: str, now: float) -> bool | None:
        """Return whether a replica's lease need not be renewed yet; None where it might be had."""
        if self.owner == replica:
            return True if self.lease_until - now > LEASE_SECONDS / 2 else None
        return None if self.owner is None or self.lease_until < now else False

    def reached(self, phase: str) -> bool:
        """Return whether it stands at a phase or has passed it."""
        if self.phase == FAILED:
            return phase == FAILED
        return phase in self.path and self.path.index(self.phase) >= self.path.index(phase)


def path_of(mode: str, terms: Terms | None) -> tuple[str, ...]:
    """Return the phases that a round passes, in order."""
    if mode != PAIRWISE:
        return (REPORT, PUBLISH, FINISHED)
    signed = terms is not None and terms.consistency
    middle = (MASKED, CONSENT, UNMASK) if signed else (MASKED, UNMASK)
    return (GATHER, KEYS, SHARES, *middle, PUBLISH, FINISHED)


def open_round(connection: Connection, values: Mapping[str, Any], now: float) -> str:
    """Write down a new round; return its id."""
    name = uuid.uuid4().hex
    row = {
        "id": name,
        "lease_until": 0.0,
        "epoch": 0,
        "created": now,
        "changed": now,
        "stats": "{}",
        "ask": "",
        "terms": None,
        **values,
    }
    connection.execute(tables.rounds.insert().values(row))
    return name


def load_round(connection: Connection, name: str) -> Round | None:
    """Return a round by its id; None where there is none."""
    rounds = tables.rounds
    row = connection.execute(select(rounds).where(rounds.c.id == name)).one_or_none()
    return None if row is None else _round(row)


def open_rounds(connection: Connection) -> Sequence[Round]:
    """Return the rounds that go on, oldest first."""
    rounds = tables.rounds
    query = select(rounds).where(rounds.c.phase.not_in(OVER)).order_by(rounds.c.created)
    return [_round(row) for row in connection.execute(query)]


def tries_at(connection: Connection, run: str, step: int, purpose: str) -> list[Round]:
    """Return the rounds of one sum of a run, oldest first."""
    rounds = tables.rounds
    query = select(rounds).where(
        rounds.c.run == run, rounds.c.step == step, rounds.c.purpose == purpose
    )
    return [_round(row) for row in connection.execute(query.order_by(rounds.c.attempt))]


def rounds_to_clear(connection: Connection) -> Sequence[str]:
    """Return the rounds that are over and still have bodies of messages, as after a crash."""
    rounds, messages = tables.rounds, tables.messages
    left = or_(messages.c.body.is_not(None), messages.c.blob.is_not(None))
    query = select(messages.c.round).join(rounds, rounds.c.id == messages.c.round)
    return connection.scalars(query.where(rounds.c.phase.in_(OVER), left).distinct()).all()


def take_lease(connection: Connection, name: str, replica: str, now: float) -> int | None:
    """Take or keep the lease of a round.

    Returns
    -------
    int or None
        The epoch; it is a new one where the lease changed hands, or was over. None: another
        replica holds it.
    """
    rounds = tables.rounds
    mine = rounds.c.owner == replica
    kept: int | None = connection.execute(
        update(rounds)
        .where(rounds.c.id == name, mine, rounds.c.lease_until >= now)
        .values(lease_until=now + LEASE_SECONDS)
        .returning(rounds.c.epoch)
    ).scalar_one_or_none()
    if kept is not None:
        return kept
    taken: int | None = connection.execute(
        update(rounds)
        .where(rounds.c.id == name, or_(rounds.c.owner.is_(None), rounds.c.lease_until < now))
        .values(owner=replica, lease_until=now + LEASE_SECONDS, epoch=rounds.c.epoch + 1)
        .returning(rounds.c.epoch)
    ).scalar_one_or_none()
    return taken


def keep_leases(connection: Connection, replica: str, now: float) -> None:
    """Renew the leases that a replica holds still."""
    rounds = tables.rounds
    held = update(rounds).where(
        rounds.c.owner == replica, rounds.c.lease_until >= now, rounds.c.phase.not_in(OVER)
    )
    connection.execute(held.values(lease_until=now + LEASE_SECONDS))


def release_leases(connection: Connection, replica: str | None = None) -> None:
    """Let go of all leases of a replica that stops, or of everybody, so that nobody waits."""
    rounds = tables.rounds
    held = update(rounds).where(rounds.c.phase.not_in(OVER))
    if replica is not None:
        held = held.where(rounds.c.owner == replica)
    connection.execute(held.values(lease_until=0.0))


def move(connection: Connection, current: Round, phase: str, now: float, **values: Any) -> None:
    """Move a round to another phase, if its lease still holds.

    Parameters
    ----------
    connection
        To the database, in a transaction.
    current
        The round as the owner knows it.
    phase
        Where to.
    now
        The time.
    values
        Other columns that change.

    Raises
    ------
    LeaseLostError
        Another replica has taken it over, or it has moved already.
    """
    rounds = tables.rounds
    spent = {**current.stats, f"{current.phase}_seconds": round(now - current.changed, 3)}
    if phase in OVER:
        spent |= note(connection, current.id)
    found = connection.execute(
        update(rounds)
        .where(
            rounds.c.id == current.id,
            rounds.c.epoch == current.epoch,
            rounds.c.phase == current.phase,
        )
        .values(
            phase=phase,
            changed=now,
            stats=json.dumps({**spent, **values.pop("stats", {})}),
            **values,
        )
    )
    if found.rowcount != 1:
        raise LeaseLostError("Another replica has taken a round over.")


def newest_of(connection: Connection, name: str, kind: str) -> int:
    """Return the number of the newest message of a kind in a round; 0 where there is none."""
    messages = tables.messages
    query = select(func.max(messages.c.seq)).where(
        messages.c.round == name, messages.c.kind == kind
    )
    return connection.scalar(query) or 0


def note_closing(connection: Connection, name: str, phase: str, body: bytes) -> None:
    """Write down what a phase fixed, in the transaction that moves the round on."""
    connection.execute(tables.closings.insert().values(round=name, phase=phase, body=body))


def closings_of(connection: Connection, name: str) -> Mapping[str, bytes]:
    """Return what the phases of a round fixed, by phase."""
    closings = tables.closings
    query = select(closings.c.phase, closings.c.body).where(closings.c.round == name)
    return {phase: bytes(body) for phase, body in connection.execute(query)}


def encoded(terms: Terms) -> bytes:
    """Return terms as the database has them."""
    return to_wire(terms)


def _round(row: Row[Any]) -> Round:
    return Round(
        id=row.id,
        run=row.run,
        step=row.step,
        purpose=row.purpose,
        attempt=row.attempt,
        phase=row.phase,
        mode=row.mode,
        ask=Ask.from_json(row.ask) if row.ask else None,
        terms=from_wire(Terms, bytes(row.terms)) if row.terms is not None else None,
        deadline=row.deadline,
        owner=row.owner,
        lease_until=row.lease_until,
        epoch=row.epoch,
        created=row.created,
        changed=row.changed,
        failure=row.failure,
        stats=json.loads(row.stats),
    )
