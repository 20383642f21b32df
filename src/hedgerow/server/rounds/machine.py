"""The machine: takes leases, moves rounds on, and starts those that are due."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Self

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from hedgerow.errors import ConfigError, PolicyError, StorageError
from hedgerow.privacy.secure.session import PAIRWISE
from hedgerow.server.context import Service
from hedgerow.server.rounds.asking import RETRIED, make_ask, size_of
from hedgerow.server.rounds.failed import SPENT, may_be_open
from hedgerow.server.rounds.gather import WANTED, wanted_clients
from hedgerow.server.rounds.hands import Hands
from hedgerow.server.rounds.record import (
    FAILED,
    GATHER,
    LEASE_SECONDS,
    REPORT,
    Round,
    encoded,
    keep_leases,
    open_round,
    open_rounds,
    release_leases,
    rounds_to_clear,
    take_lease,
    tries_at,
)
from hedgerow.server.rounds.telling import Telling
from hedgerow.server.rounds.works import Works
from hedgerow.server.storage import tables
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.registry import put_live
from hedgerow.server.tasks.runs import DONE, RUNNING, Population, Run, Wanted, running
from hedgerow.server.tasks.runs import FAILED as RUN_FAILED
from hedgerow.server.tasks.schedule import start_due

STUCK = 600.0
"""Seconds of work after which a replica no longer keeps its leases: others shall try."""

LOOK = 0.25
"""Seconds after which a replica looks by itself for what others have changed."""


class Machine:
    """Moves all rounds of a deployment on, beside other replicas that do the same.

    Parameters
    ----------
    service
        The replica.
    timed
        Gives a context that measures what is done in it.

    Attributes
    ----------
    telling
        What clients are told, from the same rebuilt rounds.
    """

    def __init__(
        self, service: Service, timed: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._service, self._timed = service, timed
        works = Works(service)
        self._hands, self.telling = Hands(service, works), Telling(service, works)
        self._stop = threading.Event()
        self._began: float | None = None
        self._thread = threading.Thread(target=self._run, name="machine", daemon=True)
        self._heart = threading.Thread(target=self._beat, name="leases", daemon=True)

    def __enter__(self) -> Self:
        with self._service.database.read() as connection:
            over = rounds_to_clear(connection)
        for name in over:
            self._service.messages.discard(name)
        self._thread.start()
        self._heart.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Finish what is being done, and let others take over at once."""
        self._stop.set()
        self._service.arrived.ring()
        self._thread.join()
        self._heart.join()
        with self._service.database.write() as connection:
            release_leases(connection, self._service.replica)

    def tick(self) -> bool:
        """Do all that is due; return whether anything moved.

        Raises
        ------
        StorageError
            The database or the blobs are away.
        """
        service, moved = self._service, False
        start_due(service)
        with service.database.read() as connection:
            runs = running(connection)
        for run in runs:
            moved |= self._led(run)
        return self._advance_all() or moved

    def _led(self, run: Run) -> bool:
        """Lead a run on; what is wrong with it stops no other."""
        try:
            return self._next(run)
        except StorageError as problem:
            self._service.log.warning("run-waits", run=run.id, problem=str(problem))
        except Exception:
            self._service.log.exception("run-stuck", run=run.id)
        return False

    def _beat(self) -> None:
        """Keep leases while a round takes long, so that no other replica begins it anew."""
        while not self._stop.wait(LEASE_SECONDS / 3):
            began = self._began
            if began is None or time.monotonic() - began > STUCK:
                continue
            try:
                with self._service.database.write() as connection:
                    keep_leases(connection, self._service.replica, self._service.clock())
            except StorageError as problem:
                self._service.log.warning("leases-not-kept", problem=str(problem))

    def _advance_all(self) -> bool:
        with self._service.database.read() as connection:
            going = open_rounds(connection)
        moved = False
        for current in going:
            moved |= self._advance(current)
        return moved

    def _advance(self, current: Round) -> bool:
        """Move one round on, if its lease can be had; what is wrong with it stops no other."""
        service = self._service
        try:
            held, epoch = current.held_by(service.replica, service.clock()), None
            if held is None:
                with service.database.write() as connection:
                    epoch = take_lease(connection, current.id, service.replica, service.clock())
            elif held:
                epoch = current.epoch
            return epoch is not None and self._hands.advance(replace(current, epoch=epoch))
        except StorageError as problem:
            service.log.warning("round-waits", round=current.id, problem=str(problem))
        except Exception:
            service.log.exception("round-stuck", round=current.id)
        return False

    def _run(self) -> None:
        moved, looked = True, 0.0
        while not self._stop.is_set():
            rung, began = self._service.arrived.rung, time.monotonic()
            self._began = began
            try:
                # What clients send moves rounds on; all else can wait for a moment.
                with self._timed():
                    if moved or began - looked >= LOOK:
                        moved, looked = self.tick(), began
                    else:
                        moved = self._advance_all()
            except StorageError as problem:
                self._service.log.warning("storage-away", problem=str(problem))
                moved = False
            except Exception:
                self._service.log.exception("machine-failed")
                moved = False
            if not moved:
                # A rest as long as the work: in a flood of messages those who send get their turn,
                # and more of them are looked at together.
                self._stop.wait(min(time.monotonic() - began, LOOK))
                self._service.arrived.wait(rung, LOOK)

    def _next(self, run: Run) -> bool:
        """Open the next round of a run, or end the run; False where a round goes on."""
        wanted = run.wanted
        if wanted is None:
            return self._end(run, DONE, "")
        with self._service.database.read() as connection:
            tried = tries_at(connection, run.id, wanted.number, wanted.purpose)
        # One that is done means that the run has gone on since it was read.
        if any(current.phase != FAILED for current in tried):
            return False
        if tried and (tried[-1].failure == SPENT or len(tried) >= run.task.attempts):
            return self._end(run, RUN_FAILED, f"A sum failed: {tried[-1].failure}.")
        return self._try(run, wanted, tried)

    def _try(self, run: Run, wanted: Wanted, tried: list[Round]) -> bool:
        """Open a round for a sum; False where there is nobody to ask, or another replica did."""
        with self._service.database.read() as connection:
            everyone = Population.of(connection)
        if wanted_clients(run, len(everyone.users)) < max(2, run.policy.minimum):
            return False
        try:
            self._open(run, wanted, tried, everyone)
        except IntegrityError:
            return False
        except (ConfigError, PolicyError) as problem:
            return self._end(run, RUN_FAILED, str(problem))
        self._service.moved.ring()
        return True

    def _open(self, run: Run, wanted: Wanted, tried: list[Round], everyone: Population) -> None:
        service, task = self._service, run.task
        opened = sum(may_be_open(failed) for failed in tried)
        name = f"{wanted.noise.name}{RETRIED}{opened}" if opened else wanted.noise.name
        now, pairwise = service.clock(), run.policy.secure == PAIRWISE
        clients = wanted_clients(run, len(everyone.users))
        seconds = task.gather_seconds if pairwise else task.gather_seconds + task.phase_seconds
        values: dict[str, object] = {
            "run": run.id,
            "step": wanted.number,
            "purpose": wanted.purpose,
            "attempt": len(tried),
            "phase": GATHER if pairwise else REPORT,
            "mode": run.policy.secure,
            "deadline": now + seconds,
            "stats": json.dumps({"release": name, WANTED: clients}),
        }
        if not pairwise:
            counts = (everyone.among(clients, run.policy.unit), clients)
            size = size_of(run, wanted, Artefacts(service.blobs))
            ask = make_ask(run, wanted, name, size, counts)
            values |= {"ask": ask.to_json(), "terms": encoded(ask.terms(len(tried)))}
        runs = tables.runs
        with service.database.write() as connection:
            going = select(runs.c.id).where(runs.c.id == run.id, runs.c.status == RUNNING)
            # Held, so that whoever stops the run stops this round with it.
            if connection.execute(going.with_for_update()).first() is not None:
                open_round(connection, values, now)

    def _end(self, run: Run, status: str, note: str) -> bool:
        runs, now = tables.runs, self._service.clock()
        with self._service.database.write() as connection:
            ended = connection.execute(
                update(runs)
                .where(runs.c.id == run.id, runs.c.status == run.status)
                .values(status=status, note=note[:500], changed=now)
            )
            if ended.rowcount and status == DONE:
                put_live(connection, run.task_id, run.state, "schedule", now)
        self._service.moved.ring()
        return bool(ended.rowcount)
