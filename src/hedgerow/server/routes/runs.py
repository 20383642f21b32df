"""For operators: runs and their rounds, as numbers; nobody's name is among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from sqlalchemy import Connection, Row, case, func, select
from starlette.exceptions import HTTPException

from hedgerow.server.rounds import gather, report
from hedgerow.server.rounds.record import Round, rounds_of
from hedgerow.server.rounds.stopping import stop_runs
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Id, Limit, Name, Offset, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import task_named
from hedgerow.server.tasks.task import Task

router = APIRouter(prefix="/v1")

SECONDS = "_seconds"
"""After the name of a phase in what is written down of a round."""

Looker = Annotated[Principal, needs(Permission.READ_STATUS)]


class RunOut(Strict):
    """A training: its next step of how many, and why it ended."""

    id: str
    status: str
    release: str
    step: int
    steps: int
    measured: int
    evaluations: int
    epsilon: float | None
    state: str
    note: str
    created: float
    changed: float


class RunsOut(Strict):
    """A task's runs, newest first."""

    runs: list[RunOut]
    total: int


class RoundOut(Strict):
    """One attempt at one secured sum.

    ``minimum`` is the quorum; ``came`` counts the clients that began to take part, ``counted``
    those in the sum, ``lost`` the others once it is over; ``bytes`` is what clients sent.
    """

    id: str
    step: int
    purpose: str
    attempt: int
    phase: str
    mode: str
    minimum: int | None
    came: int
    counted: int | None
    lost: int | None
    refused: int
    bytes: int
    seconds: dict[str, float]
    failure: str | None
    created: float
    changed: float
    deadline: float


class RoundsOut(Strict):
    """A run's rounds, newest first."""

    rounds: list[RoundOut]
    total: int


class StoppedOut(Strict):
    """Which runs and rounds were ended."""

    runs: list[str]
    rounds: list[str]


@router.get("/tasks/{name}/runs")
def of_task(name: Name, site: At, _: Looker, limit: Limit = 100, offset: Offset = 0) -> RunsOut:
    """List a task's runs."""
    runs = tables.runs
    with site.service.database.read() as connection:
        task_id, task, _status = task_named(connection, name)
        total = connection.scalar(
            select(func.count()).select_from(runs).where(runs.c.task == task_id)
        )
        return RunsOut(runs=runs_of(connection, task_id, task, limit, offset), total=total or 0)


@router.post("/tasks/{name}/runs/stop")
def stop(
    name: Name, site: At, who: Annotated[Principal, needs(Permission.RUN_TASKS)]
) -> StoppedOut:
    """Stop the run that goes on, and its round. Pause the task, too, if no other is to begin."""
    service = site.service
    with service.database.write() as connection:
        task_id, _, _ = task_named(connection, name)
        runs, rounds = stop_runs(connection, task_id, service.clock())
        site.note(connection, who, "stop-run", name)
    service.moved.ring()
    for ended in rounds:
        service.messages.discard(ended)
    return StoppedOut(runs=runs, rounds=rounds)


@router.get("/runs/{name}/rounds")
def rounds(name: Id, site: At, _: Looker, limit: Limit = 100, offset: Offset = 0) -> RoundsOut:
    """List a run's rounds: how far each came, how many took part, and how long it took."""
    with site.service.database.read() as connection:
        run = select(tables.runs.c.id).where(tables.runs.c.id == name)
        if connection.scalar(run) is None:
            raise HTTPException(404, "There is no such run")
        found = rounds_of(connection, name)[::-1]
        page = found[offset : offset + limit]
        sent = _sent(connection, [one.id for one in page])
    return RoundsOut(rounds=[_round(one, sent.get(one.id)) for one in page], total=len(found))


def runs_of(
    connection: Connection, task_id: str, task: Task, limit: int, offset: int
) -> list[RunOut]:
    """Return a task's runs, newest first."""
    runs = tables.runs
    query = select(runs).where(runs.c.task == task_id).order_by(runs.c.created.desc(), runs.c.id)
    return [_run(row, task) for row in connection.execute(query.limit(limit).offset(offset))]


def _run(row: Row[Any], task: Task) -> RunOut:
    body, progress = json.loads(row.body), json.loads(row.progress)
    return RunOut(
        id=row.id,
        status=row.status,
        release=body["release"],
        step=row.step,
        steps=len(task.recipe.charges),
        measured=progress["measured"],
        evaluations=task.evaluations,
        epsilon=body["policy"]["epsilon"],
        state=row.state,
        note=row.note,
        created=row.created,
        changed=row.changed,
    )


def _sent(connection: Connection, names: Sequence[str]) -> dict[str, Row[Any]]:
    """Count what clients sent in each round."""
    messages = tables.messages
    first = messages.c.kind.in_([gather.KIND, report.KIND])
    query = select(
        messages.c.round,
        func.count(messages.c.refused).label("refused"),
        func.sum(messages.c.length).label("bytes"),
        func.sum(case((first, 1), else_=0)).label("came"),
    )
    rows = connection.execute(query.where(messages.c.round.in_(names)).group_by(messages.c.round))
    return {row.round: row for row in rows}


def _round(one: Round, sent: Row[Any] | None) -> RoundOut:
    came = int(sent.came) if sent is not None else 0
    counted = one.stats.get("contributors")
    seconds = {
        name.removesuffix(SECONDS): value
        for name, value in one.stats.items()
        if name.endswith(SECONDS)
    }
    return RoundOut(
        id=one.id,
        step=one.step,
        purpose=one.purpose,
        attempt=one.attempt,
        phase=one.phase,
        mode=one.mode,
        minimum=None if one.terms is None else one.terms.minimum,
        came=came,
        counted=counted,
        lost=None if counted is None else came - counted,
        refused=int(sent.refused) if sent is not None else 0,
        bytes=int(sent.bytes) if sent is not None else 0,
        seconds=seconds,
        failure=one.failure,
        created=one.created,
        changed=one.changed,
        deadline=one.deadline,
    )
