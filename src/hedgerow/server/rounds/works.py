"""Rounds as a replica has rebuilt them: from what is stored, fed to the same protocol objects."""

from __future__ import annotations

import threading
from collections.abc import MutableMapping
from typing import TypeVar

from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.context import Service
from hedgerow.server.rounds import report
from hedgerow.server.rounds.closing import Closing
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.record import PUBLISH, REPORT, Round, closings_of
from hedgerow.server.rounds.work import Work

KEPT = 64
"""How many rounds a replica keeps in memory."""

Value = TypeVar("Value")


class Works:
    """What a replica has made of the rounds so far.

    Parameters
    ----------
    service
        The replica.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._works: dict[str, Work] = {}
        self._lock = threading.Lock()

    def of(self, current: Round) -> Work:
        """Return a round's work, a fresh one where there is none."""
        with self._lock:
            if current.id not in self._works:
                trim(self._works, KEPT)
            return self._works.setdefault(current.id, Work(self._service, current))

    def drop(self, name: str) -> None:
        """Forget a round, which can be rebuilt."""
        with self._lock:
            self._works.pop(name, None)

    def catch_up(self, work: Work, current: Round) -> None:
        """Take in the ends of phases that this replica has not seen; the work's lock is held.

        Raises
        ------
        ProtocolError
            A phase ended with too few.
        """
        work.round = current
        passed = current.path[: current.path.index(current.phase)] if current.ask else ()
        if passed and work.closed.issuperset(passed):
            return
        with self._service.database.read() as connection:
            closings = closings_of(connection, current.id)
        for phase in current.path:
            if phase in closings and phase in PHASES and phase not in work.closed:
                self.take_in(work, phase, from_wire(Closing, closings[phase]))

    def take_in(self, work: Work, phase: str, closing: Closing) -> None:
        """End a phase as it was ended, feeding first what this replica has not been fed.

        Raises
        ------
        ProtocolError
            It ended with too few.
        """
        if tuple(work.taken) != closing.members:
            if work.taken:
                # Fed with other messages than those that count: begin again.
                fresh = Work(self._service, work.round)
                work.__dict__.update({**vars(fresh), "lock": work.lock})
                with self._service.database.read() as connection:
                    earlier = closings_of(connection, work.round.id)
                for before in work.round.path[: work.round.path.index(phase)]:
                    self.take_in(work, before, from_wire(Closing, earlier[before]))
            stored = {
                bytes.fromhex(row.client): row
                for row in self._service.messages.of(work.round.id, PHASES[phase].KIND)
            }
            for client in closing.members:
                body = self._service.messages.body(stored[client])
                PHASES[phase].take(work, client, body)
                work.taken[client] = None
                if phase == REPORT and len(work.taken) % report.AT_ONCE == 0:
                    report.settle_again(work)
        work.drawn = closing.drawn
        PHASES[phase].close(work)
        work.closed.add(phase)
        path = work.round.path
        if path[path.index(phase) + 1] != PUBLISH:
            work.begin_phase(frozenset(closing.members))


def trim(kept: MutableMapping[str, Value], most: int) -> None:
    """Make room for one more."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
