"""Telling clients what they have to know of a round, as soon as it is so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hedgerow.errors import ProtocolError
from hedgerow.federation.invitation import Counted
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.context import Service
from hedgerow.server.rounds.closing import Published
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.record import FINISHED, PUBLISH, Round, closings_of, load_round
from hedgerow.server.rounds.works import KEPT, Works, trim

LOOK = 1.0
"""For how many seconds it is believed that a round still stands where it was seen."""

ENDED = 3
"""Of how many ended rounds the receipts are in memory: 3 kB for each contributor."""


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


class Telling:
    """What a replica tells clients of the rounds.

    Parameters
    ----------
    service
        The replica.
    works
        The rounds as it has rebuilt them.
    """

    def __init__(self, service: Service, works: Works) -> None:
        self._service, self._works = service, works
        self._seen: dict[str, _Seen] = {}
        self._counts: dict[str, _Counts] = {}
        self._lock, self._counting = threading.Lock(), threading.Lock()

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
            trim(self._seen, KEPT)
            self._seen[name] = _Seen(current, rung, now)
        if current.failure is not None:
            raise ProtocolError(current.failure, "This round has failed; wait for the next.")
        if not current.reached(phase):
            return None
        if phase == FINISHED:
            return self._counted(current, client)
        if current.phase != phase:
            raise ProtocolError("too-late", "The round has moved on without this client.")
        work = self._works.of(current)
        with work.lock:
            self._works.catch_up(work, current)
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
        counts = self._counts_of(current)
        published, place = counts.published, counts.places.get(client)
        if place is None:
            raise ProtocolError("not-in-this-round", "This client's term is not in the sum.")
        inclusion = published.inclusions[place]
        return to_wire(Counted(published.receipt, inclusion, published.model))

    def _counts_of(self, current: Round) -> _Counts:
        # All contributors ask at once: one reads, and the others wait for it.
        with self._counting:
            counts = self._counts.get(current.id)
            if counts is None:
                with self._service.database.read() as connection:
                    published = from_wire(Published, closings_of(connection, current.id)[PUBLISH])
                places = {member: place for place, member in enumerate(published.members)}
                trim(self._counts, ENDED)
                counts = self._counts[current.id] = _Counts(published, places)
            return counts
