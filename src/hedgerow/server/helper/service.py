"""The helper's sessions, kept in its own database so that a crash gives no answer twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import select, update

from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.setting import SERVERS, stream_of
from hedgerow.privacy import gaussian
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms, sid
from hedgerow.privacy.secure.split.helper import Helper, HelperKeys
from hedgerow.privacy.secure.split.messages import (
    Collect,
    Forward,
    Servers,
    Signed,
    SignedMaskSum,
    SignedVerdicts,
)
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.context import Clock
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database, insert_once
from hedgerow.server.storage.used_reports import DatabaseUsedReports

KEPT = 32
"""How many sessions are in memory."""


@dataclass(frozen=True)
class HelperService:
    """The second server of split mode.

    Parameters
    ----------
    database
        Its own, apart from the coordinator's.
    servers, authority
        Public keys: of both servers, and of who enrols clients.
    keys
        Its secrets.
    clock
        Seconds since 1970.
    minimum
        The fewest clients in a sum in which it takes part.
    noise_seed
        Makes its noise repeatable, for rehearsals only.
    """

    database: Database
    servers: Servers
    authority: bytes
    keys: HelperKeys
    clock: Clock
    minimum: int = 2
    noise_seed: str | None = None
    _open: OrderedDict[str, Helper] = field(default_factory=OrderedDict, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def begin(self, ask: Ask, terms: Terms) -> None:
        """Open a session; the same one again changes nothing.

        Raises
        ------
        ProtocolError
            ``bad-terms``: they do not follow from what is asked; or those of `Helper`.
        """
        if ask.terms(terms.attempt) != terms:
            raise ProtocolError("bad-terms", "The terms of the sum are not those of what is asked.")
        self._helper_for(terms, 0.0, "")
        row = {
            "session": sid(terms).hex(),
            "terms": to_wire(terms),
            "release": ask.release,
            "deviation": ask.setting.deviation,
            "answer": None,
            "created": self.clock(),
        }
        with self.database.write() as connection:
            insert_once(connection, tables.helper_sessions, [row])

    def judge(self, forward: Forward) -> SignedVerdicts:
        """Judge reports, and keep those that are accepted. See `Helper.judge`."""
        session = forward.session.hex()
        with self._lock:
            answer = self._session(session).judge(forward)
        accepted = set(answer.verdicts.accepted)
        rows = [
            {"session": session, "report": s.envelope.report.hex(), "signed": to_wire(s)}
            for s in forward.envelopes
            if s.envelope.report in accepted
        ]
        with self.database.write() as connection:
            insert_once(connection, tables.helper_reports, rows)
        return answer

    def collect(self, collect: Collect) -> SignedMaskSum:
        """Return the sum of the masks, once. See `Helper.sum_masks`."""
        session = collect.agreed.session.hex()
        sessions = tables.helper_sessions
        with self._lock:
            with self.database.read() as connection:
                query = select(sessions.c.answer).where(sessions.c.session == session)
                answer = connection.scalar(query)
            if answer is not None:
                given = from_wire(SignedMaskSum, bytes(answer))
                if given.sum.agreed != collect.agreed:
                    raise ProtocolError("already-given", "A session has one sum, over one set.")
                return given
            summed = self._session(session).sum_masks(collect)
            with self.database.write() as connection:
                mine = update(sessions).where(
                    sessions.c.session == session, sessions.c.answer.is_(None)
                )
                first = connection.execute(mine.values(answer=to_wire(summed))).rowcount == 1
        # Another replica of the helper was quicker: its answer, noise included, is the one.
        return summed if first else self.collect(collect)

    def _session(self, session: str) -> Helper:
        """Return a session's helper, rebuilt from what it accepted where it is not in memory."""
        if session in self._open:
            return self._open[session]
        sessions, reports = tables.helper_sessions, tables.helper_reports
        with self.database.read() as connection:
            row = connection.execute(
                select(sessions).where(sessions.c.session == session)
            ).one_or_none()
            if row is None:
                raise ProtocolError("other-session", "The helper knows no such session.")
            query = select(reports.c.signed).where(reports.c.session == session)
            signed = [from_wire(Signed, bytes(body)) for body in connection.scalars(query)]
        helper = self._helper_for(from_wire(Terms, bytes(row.terms)), row.deviation, row.release)
        for first in range(0, len(signed), 1024):
            helper.judge(Forward(bytes.fromhex(session), tuple(signed[first : first + 1024])))
        while len(self._open) >= KEPT:
            self._open.popitem(last=False)
        self._open[session] = helper
        return helper

    def _helper_for(self, terms: Terms, deviation: float, release: str) -> Helper:
        seed = self.noise_seed
        stream = Stream.secret() if seed is None else stream_of(seed, release, SERVERS[1])
        return Helper(
            terms,
            self.servers,
            self.authority,
            self.keys,
            used=DatabaseUsedReports(self.database, SERVERS[1], sid(terms).hex()),
            floor=Floor(self.minimum, modes=(SPLIT,)),
            noise=partial(gaussian.integers, stream, sigma=deviation),
        )
