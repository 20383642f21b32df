"""For operators: runs and their rounds, as numbers; nobody's name is among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection, Row, func, select, true
from starlette.exceptions import HTTPException

from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.rounds import gather
from hedgerow.server.rounds.record import OVER, path_of
from hedgerow.server.rounds.sent import Sent, sent_in
from hedgerow.server.rounds.stopping import stop_runs
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Every, Id, Limit, Name, Offset, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.storage import tables
from hedgerow.server.storage.pages import thinned
from hedgerow.server.tasks.registry import task_named
from hedgerow.server.tasks.task import Task

router = APIRouter(prefix="/v1")

SECONDS = "_seconds"
"""After the name of a phase in what is written down of a round."""

_COLUMNS = (
    *("id", "run", "step", "purpose", "attempt", "phase", "mode", "terms"),
    *("deadline", "created", "changed", "failure", "stats"),
)

Going = Annotated[bool, Query(strict=False, description="Only rounds that go on.")]

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


class RunShown(Strict):
    """A run, and the name of its task."""

    task: str
    run: RunOut


class RoundOut(Strict):
    """One attempt at one secured sum.

    ``path`` has the phases on its way; ``minimum`` is the quorum, ``wanted`` how many are asked;
    ``came`` counts the clients that began to take part, ``counted`` those in the sum, ``lost`` the
    others once it is over; ``bytes`` is what clients sent.
    """

    id: str
    task: str
    run: str
    step: int
    purpose: str
    attempt: int
    phase: str
    path: list[str]
    mode: str
    minimum: int | None
    wanted: int | None
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
    """Rounds, newest first."""

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


@router.get("/rounds")
def recent(
    site: At, _: Looker, limit: Limit = 100, offset: Offset = 0, *, going: Going = False
) -> RoundsOut:
    """List the rounds of all tasks: what goes on now, and how the last ones ended."""
    chosen = tables.rounds.c.phase.not_in(OVER) if going else true()
    with site.service.database.read() as connection:
        return _rounds(connection, chosen, limit, offset)


@router.get("/runs/{name}/rounds")
def rounds(
    name: Id, site: At, _: Looker, limit: Limit = 100, offset: Offset = 0, every: Every = 1
) -> RoundsOut:
    """List a run's rounds: how far each came, how many took part, and how long it took."""
    with site.service.database.read() as connection:
        run = select(tables.runs.c.id).where(tables.runs.c.id == name)
        if connection.scalar(run) is None:
            raise HTTPException(404, "There is no such run")
        return _rounds(connection, tables.rounds.c.run == name, limit, offset, every)


@router.get("/runs/{name}")
def run(name: Id, site: At, _: Looker) -> RunShown:
    """Show a run."""
    runs, tasks = tables.runs, tables.tasks
    query = select(runs, tasks.c.body.label("task_body")).join(tasks, runs.c.task == tasks.c.id)
    with site.service.database.read() as connection:
        row = connection.execute(query.where(runs.c.id == name)).one_or_none()
    if row is None:
        raise HTTPException(404, "There is no such run")
    task = Task.from_json(row.task_body)
    return RunShown(task=task.name, run=_run(row, task))


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


def _rounds(
    connection: Connection, chosen: Any, limit: int, offset: int, every: int = 1
) -> RoundsOut:
    """Return some rounds, newest first; what clients computed in them is not read."""
    rounds, runs, tasks = tables.rounds, tables.runs, tables.tasks
    total = connection.scalar(select(func.count()).select_from(rounds).where(chosen)) or 0
    columns = [rounds.c[name] for name in _COLUMNS]
    ordered = (rounds.c.created.desc(), rounds.c.id)
    query = select(*columns, tasks.c.name.label("task")).where(chosen)
    query = query.join(runs, rounds.c.run == runs.c.id).join(tasks, runs.c.task == tasks.c.id)
    query = thinned(query, ordered, every) if every > 1 else query.order_by(*ordered)
    rows = connection.execute(query.limit(limit).offset(offset)).all()
    stats = {row.id: json.loads(row.stats) for row in rows}
    noted = {name: sent for name, of in stats.items() if (sent := Sent.noted(of)) is not None}
    noted |= sent_in(connection, [name for name in stats if name not in noted])
    found = [_round(row, stats[row.id], noted.get(row.id, Sent())) for row in rows]
    return RoundsOut(rounds=found, total=total)


def _round(row: Row[Any], stats: Mapping[str, Any], sent: Sent) -> RoundOut:
    terms = None if row.terms is None else from_wire(Terms, bytes(row.terms))
    counted = stats.get("contributors")
    return RoundOut(
        id=row.id,
        task=row.task,
        run=row.run,
        step=row.step,
        purpose=row.purpose,
        attempt=row.attempt,
        phase=row.phase,
        path=list(path_of(row.mode, terms)),
        mode=row.mode,
        minimum=None if terms is None else terms.minimum,
        wanted=stats.get(gather.WANTED),
        came=sent.came,
        counted=counted,
        lost=None if counted is None else sent.came - counted,
        refused=sent.refused,
        bytes=sent.bytes,
        seconds={
            name.removesuffix(SECONDS): value
            for name, value in stats.items()
            if name.endswith(SECONDS)
        },
        failure=row.failure,
        created=row.created,
        changed=row.changed,
        deadline=row.deadline,
    )
