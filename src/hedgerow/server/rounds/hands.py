"""The hands of a replica: rounds that it leads are fed, closed and published."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import update

from hedgerow.errors import ConfigError, HedgerowError, PolicyError, ProtocolError, StorageError
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.context import Service
from hedgerow.server.helper.link import HelperAwayError
from hedgerow.server.rounds import gather, report
from hedgerow.server.rounds.closing import Closing
from hedgerow.server.rounds.failed import SPENT, fail
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.publish import publish
from hedgerow.server.rounds.record import (
    GATHER,
    OVER,
    PUBLISH,
    REPORT,
    LeaseLostError,
    Round,
    encoded,
    load_round,
    move,
    newest_of,
    note_closing,
)
from hedgerow.server.rounds.work import Work
from hedgerow.server.rounds.works import Works
from hedgerow.server.storage import tables
from hedgerow.server.storage.messages import Stored
from hedgerow.server.tasks.runs import load_run


class Hands:
    """Moves on the rounds that a replica leads.

    Parameters
    ----------
    service
        The replica.
    works
        The rounds as it has rebuilt them.
    """

    def __init__(self, service: Service, works: Works) -> None:
        self._service, self._works = service, works

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
        work = self._works.of(current)
        moved = False
        with work.lock:
            try:
                self._resume(work, current)
                while work.round.phase not in OVER and self._stepped(work):
                    moved = True
                    self._service.moved.ring()
            except LeaseLostError:
                self._works.drop(current.id)
                return moved
            except StorageError:
                # It may have moved before the storage went away.
                self._service.moved.ring()
                raise
            if work.round.phase in OVER:
                self._service.moved.ring()
                self._service.messages.discard(current.id)
                self._works.drop(current.id)
        return moved

    def _resume(self, work: Work, current: Round) -> None:
        """Catch up, and end a round whose last phase ended with too few."""
        try:
            self._works.catch_up(work, current)
        except ProtocolError as problem:
            self._fail(work, problem)

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
        self._judge(work, refused)
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
            if client in work.taken and len(work.taken) % report.AT_ONCE == 0:
                self._judge(work, refused)
        self._judge(work, refused)

    def _judge(self, work: Work, refused: dict[str, str]) -> None:
        """Write down what was refused, and have the helper judge what waits for that."""
        if refused:
            self._note_refused(work, PHASES[work.round.phase].KIND, refused)
            refused.clear()
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
            self._works.take_in(work, before, closing)
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
