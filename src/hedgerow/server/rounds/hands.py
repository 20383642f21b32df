"""The hands of a replica: rounds rebuilt from what is stored, fed, closed and told of."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import update

from hedgerow.errors import ConfigError, HedgerowError, PolicyError, ProtocolError, StorageError
from hedgerow.federation.invitation import Counted
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.context import Service
from hedgerow.server.helper.link import HelperAwayError
from hedgerow.server.rounds import gather, report
from hedgerow.server.rounds.closing import Closing, Published
from hedgerow.server.rounds.failed import SPENT, fail
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.publish import publish
from hedgerow.server.rounds.record import (
    FINISHED,
    GATHER,
    OVER,
    PUBLISH,
    REPORT,
    LeaseLostError,
    Round,
    closings_of,
    encoded,
    load_round,
    move,
    newest_of,
    note_closing,
)
from hedgerow.server.rounds.work import Work
from hedgerow.server.storage import tables
from hedgerow.server.storage.messages import Stored
from hedgerow.server.tasks.runs import load_run

KEPT = 64
"""How many rounds a replica keeps in memory."""


LOOK = 1.0
"""For how many seconds it is believed that a round still stands where it was seen."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Seen:
    """A round as it was read, and after which ring of the bell and when."""

    round: Round
    rung: int
    at: float


@dataclass(frozen=True)
class _Counts:
    """The end of a round, and the places of the contributors in it."""

    published: Published
    places: Mapping[bytes, int]


class Hands:
    """What a replica holds of the rounds.

    Parameters
    ----------
    service
        The replica.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._works: dict[str, Work] = {}
        self._seen: dict[str, _Seen] = {}
        self._counts: dict[str, _Counts] = {}
        self._lock = threading.Lock()

    def advance(self, current: Round) -> bool:
        """Do all that can be done for a round whose lease is held.

        Returns
        -------
        bool
            Whether it has moved.

        Raises
        ------
        StorageError
            The database or the blobs are away; nothing was lost.
        """
        work = self._work(current)
        moved = False
        with work.lock:
            try:
                self._resume(work, current)
                while work.round.phase not in OVER and self._stepped(work):
                    moved = True
                    self._service.moved.ring()
            except LeaseLostError:
                self._drop(current.id)
                return moved
            except StorageError:
                # It may have moved before the storage went away.
                self._service.moved.ring()
                raise
            if work.round.phase in OVER:
                self._service.moved.ring()
                self._service.messages.discard(current.id)
                self._drop(current.id)
        return moved

    def told(self, name: str, phase: str, client: bytes) -> bytes | None:
        """Return what a client has to know for a phase of a round; None while it is not reached.

        Raises
        ------
        ProtocolError
            ``unknown-round``, ``not-in-this-round``, ``too-late``, or the code with which the
            round failed.
        """
        if self.waits(name, phase):
            return None
        rung, now = self._service.moved.rung, time.monotonic()
        with self._service.database.read() as connection:
            current = load_round(connection, name)
        if current is None:
            raise ProtocolError("unknown-round", "There is no such round.")
        with self._lock:
            _trimmed(self._seen)[name] = _Seen(current, rung, now)
        if current.failure is not None:
            raise ProtocolError(current.failure, "This round has failed; wait for the next.")
        if not current.reached(phase):
            return None
        if phase == FINISHED:
            return self._counted(current, client)
        if current.phase != phase:
            raise ProtocolError("too-late", "The round has moved on without this client.")
        work = self._work(current)
        with work.lock:
            self._catch_up(work, current)
            return PHASES[phase].told(work, client)

    def waits(self, name: str, phase: str) -> bool:
        """Return whether a round was seen a moment ago, and had not reached a phase then.

        Of many clients that wait for one thing, one looks and the others hear of it: this asks no
        database.
        """
        with self._lock:
            seen = self._seen.get(name)
        return (
            seen is not None
            and seen.rung == self._service.moved.rung
            and time.monotonic() - seen.at < LOOK
            and seen.round.failure is None
            and not seen.round.reached(phase)
        )

    def _counted(self, current: Round, client: bytes) -> bytes:
        with self._lock:
            counts = self._counts.get(current.id)
        if counts is None:
            with self._service.database.read() as connection:
                published = from_wire(Published, closings_of(connection, current.id)[PUBLISH])
            places = {member: place for place, member in enumerate(published.members)}
            counts = _Counts(published, places)
            with self._lock:
                _trimmed(self._counts)[current.id] = counts
        published, place = counts.published, counts.places.get(client)
        if place is None:
            raise ProtocolError("not-in-this-round", "This client's term is not in the sum.")
        inclusion = published.inclusions[place]
        return to_wire(Counted(published.receipt, inclusion, published.model))

    def _work(self, current: Round) -> Work:
        with self._lock:
            if current.id not in self._works:
                _trimmed(self._works)
            return self._works.setdefault(current.id, Work(self._service, current))

    def _drop(self, name: str) -> None:
        with self._lock:
            self._works.pop(name, None)

    def _resume(self, work: Work, current: Round) -> None:
        """Catch up, and end a round whose last phase ended with too few."""
        try:
            self._catch_up(work, current)
        except ProtocolError as problem:
            self._fail(work, problem)

    def _catch_up(self, work: Work, current: Round) -> None:
        """Take in the ends of phases that this replica has not seen."""
        work.round = current
        passed = current.path[: current.path.index(current.phase)] if current.ask else ()
        if passed and work.closed.issuperset(passed):
            return
        with self._service.database.read() as connection:
            closings = closings_of(connection, current.id)
        for phase in current.path:
            if phase in closings and phase in PHASES and phase not in work.closed:
                self._take_in(work, phase, from_wire(Closing, closings[phase]))

    def _take_in(self, work: Work, phase: str, closing: Closing) -> None:
        """End a phase as it was ended, feeding first what this replica has not been fed."""
        if tuple(work.taken) != closing.members:
            if work.taken:
                # Fed with other messages than those that count: begin again.
                fresh = Work(self._service, work.round)
                work.__dict__.update({**vars(fresh), "lock": work.lock})
                with self._service.database.read() as connection:
                    earlier = closings_of(connection, work.round.id)
                for before in work.round.path[: work.round.path.index(phase)]:
                    self._take_in(work, before, from_wire(Closing, earlier[before]))
            stored = {
                bytes.fromhex(row.client): row
                for row in self._service.messages.of(work.round.id, PHASES[phase].KIND)
            }
            for client in closing.members:
                body = self._service.messages.body(stored[client])
                PHASES[phase].take(work, client, body)
                work.taken[client] = None
        work.drawn = closing.drawn
        PHASES[phase].close(work)
        work.closed.add(phase)
        path = work.round.path
        if path[path.index(phase) + 1] != PUBLISH:
            work.begin_phase(frozenset(closing.members))

    def _stepped(self, work: Work) -> bool:
        """Do the next thing; False when there is nothing to do but wait."""
        if work.round.phase == PUBLISH:
            return self._published(work)
        try:
            self._feed(work)
        except HelperAwayError:
            # Until the deadline it may come back.
            if self._service.clock() < work.round.deadline:
                raise
            self._fail(work, ProtocolError("helper-away", "The helper was away too long."))
            return True
        except ProtocolError as problem:
            self._fail(work, problem)
            return True
        over = self._service.clock() >= work.round.deadline
        if not over and not self._enough(work):
            return False
        self._close(work)
        return True

    def _feed(self, work: Work) -> None:
        """Hand the protocol what has come."""
        phase, refused = PHASES[work.round.phase], dict[str, str]()
        for row in self._service.messages.of(work.round.id, phase.KIND, work.seen):
            client, barred = bytes.fromhex(row.client), row.refused is not None
            if not barred and client not in work.taken:
                try:
                    self._take(work, client, row)
                except ProtocolError as problem:
                    refused[row.client], barred = problem.code, True
            if barred and work.expected is not None:
                # It cannot send another, so nobody waits for it.
                work.expected -= {client}
            # Only now: what could not be read is looked at again.
            work.seen = row.seq
        if refused:
            self._note_refused(work, phase.KIND, refused)
        if work.round.phase == REPORT:
            report.judge(work)

    def _take(self, work: Work, client: bytes, row: Stored) -> None:
        if work.expected is not None and client not in work.expected:
            raise ProtocolError("not-in-this-round", "This client is not in this round.")
        PHASES[work.round.phase].take(work, client, self._service.messages.body(row))
        work.taken[client] = None

    def _enough(self, work: Work) -> bool:
        if work.round.phase == GATHER:
            return gather.enough(work)
        return report.enough(work) if work.round.phase == REPORT else work.complete

    def _close(self, work: Work) -> None:
        """End a phase: write down what counts and move on, then let the protocol follow."""
        current, now = work.round, self._service.clock()
        closing = Closing(tuple(work.taken), os.urandom(32))
        values: dict[str, object] = {}
        try:
            if current.phase == GATHER:
                ask = gather.ask_of(work)
                terms = ask.terms(current.attempt)
                values = {"ask": ask.to_json(), "terms": encoded(terms)}
                current = replace(current, ask=ask, terms=terms)
        except (ProtocolError, ConfigError) as problem:
            self._fail(work, problem)
            return
        with self._service.database.read() as connection:
            seconds = load_run(connection, current.run).task.phase_seconds
        kind = PHASES[current.phase].KIND
        with self._service.database.write() as connection:
            move(connection, work.round, current.after, now, deadline=now + seconds, **values)
            # From here on nothing more comes in; what came just before is looked at first.
            if newest_of(connection, current.id, kind) > work.seen:
                connection.rollback()
                return
            note_closing(connection, current.id, current.phase, to_wire(closing))
        before = work.round.phase
        self._refresh(work)
        try:
            self._take_in(work, before, closing)
        except ProtocolError as problem:
            self._fail(work, problem)

    def _published(self, work: Work) -> bool:
        try:
            publish(work)
        except (ProtocolError, PolicyError) as problem:
            self._fail(work, problem)
            return True
        self._refresh(work)
        return True

    def _fail(self, work: Work, problem: HedgerowError) -> None:
        if isinstance(problem, StorageError):
            raise problem
        codes = {ConfigError: "cannot-be-kept", PolicyError: SPENT}
        code = problem.code if isinstance(problem, ProtocolError) else codes[type(problem)]
        fail(work, code)
        self._refresh(work)

    def _refresh(self, work: Work) -> None:
        with self._service.database.read() as connection:
            found = load_round(connection, work.round.id)
        if found is None or found.epoch != work.round.epoch:
            raise LeaseLostError("Another replica has taken a round over.")
        work.round = found

    def _note_refused(self, work: Work, kind: str, refused: Mapping[str, str]) -> None:
        messages = tables.messages
        with self._service.database.write() as connection:
            for client, code in refused.items():
                own = (messages.c.round == work.round.id) & (messages.c.client == client)
                connection.execute(
                    update(messages).where(own, messages.c.kind == kind).values(refused=code[:40])
                )


def _trimmed(kept: dict[str, Value]) -> dict[str, Value]:
    """Make room for one more, and return what is kept."""
    while len(kept) >= KEPT:
        kept.pop(next(iter(kept)))
    return kept
