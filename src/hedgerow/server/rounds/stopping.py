"""Stopping: a run ends before its time, and its open round with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from hedgerow.server.rounds.record import FAILED, OVER
from hedgerow.server.rounds.sent import note
from hedgerow.server.storage import tables
from hedgerow.server.tasks.runs import RUNNING, STOPPED

CODE = "stopped"
"""Why a stopped round fails."""


def stop_runs(connection: Connection, task_id: str, now: float) -> tuple[list[str], list[str]]:
    """End a task's runs that go on, without asking who holds the leases of their rounds.

    Whoever holds one finds that it is lost with his next move. A sum that was opened by then has
    been charged, and is thrown away.

    Parameters
    ----------
    connection
        In a write transaction.
    task_id
        The task's id.
    now
        The time.

    Returns
    -------
    tuple of list of str
        The runs and the rounds that were ended.
    """
    runs = tables.runs
    going = (runs.c.task == task_id) & (runs.c.status == RUNNING)
    names = list(connection.scalars(select(runs.c.id).where(going)))
    # Rounds before runs, as when a sum is published; and once more, since a round may have been
    # opened before the runs were held.
    rounds = _fail_open(connection, names, now)
    connection.execute(
        update(runs)
        .where(going)
        .values(status=STOPPED, note="An operator stopped it.", changed=now)
    )
    return names, [*rounds, *_fail_open(connection, names, now)]


def _fail_open(connection: Connection, runs: Sequence[str], now: float) -> list[str]:
    rounds = tables.rounds
    going = rounds.c.run.in_(runs) & rounds.c.phase.not_in(OVER)
    held = select(rounds.c.id, rounds.c.phase, rounds.c.changed, rounds.c.stats)
    rows = connection.execute(held.where(going).order_by(rounds.c.id).with_for_update()).all()
    for row in rows:
        spent = {f"{row.phase}_seconds": round(now - row.changed, 3), "failed_in": row.phase}
        spent |= note(connection, row.id)
        connection.execute(
            update(rounds)
            .where(rounds.c.id == row.id)
            .values(
                phase=FAILED,
                failure=CODE,
                epoch=rounds.c.epoch + 1,
                changed=now,
                stats=json.dumps({**json.loads(row.stats), **spent}),
            )
        )
    return [row.id for row in rows]
