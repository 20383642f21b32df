"""For operators: tasks, from their making to their pauses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter
from sqlalchemy import Connection, func, select

from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.runs import RunOut, runs_of
from hedgerow.server.routes.shapes import DoneOut, Limit, Name, Offset, Strict
from hedgerow.server.routes.task_bodies import TaskBody
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.tasks.registry import ACTIVE, PAUSED, live_model, put_task, task_named
from hedgerow.server.tasks.runs import account_of
from hedgerow.server.tasks.schedule import check_schedule, next_runs
from hedgerow.server.tasks.task import Task

router = APIRouter(prefix="/v1/tasks")

SHOWN = 20
"""How many of its runs are told with a task."""

Looker = Annotated[Principal, needs(Permission.READ_STATUS)]
Runner = Annotated[Principal, needs(Permission.RUN_TASKS)]


class BudgetOut(Strict):
    """What a task has promised of privacy, and what its releases have spent.

    ``unit`` is who is protected, a user at so many clients at most. The mechanism, who makes the
    noise, and what is assumed of who takes part are those of the newest release, null before the
    first.
    """

    promised: float | None
    spent: float
    delta: float | None
    releases: int
    unit: str
    clients_per_person: int
    mechanism: str | None
    noise_by: str | None
    sampling: str | None


class TaskOut(Strict):
    """A task and where it stands; the live model is null before there is one.

    ``begun`` counts its runs, ``begins`` is when the next ones begin at the earliest.
    """

    task: TaskBody
    status: Literal["active", "paused"]
    created: float
    budget: BudgetOut
    live: str | None
    begun: int
    begins: list[float]
    runs: list[RunOut]


class TasksOut(Strict):
    """Tasks, oldest first, each with its newest run."""

    tasks: list[TaskOut]
    total: int


@router.post("", status_code=201)
def create(
    body: TaskBody, site: At, who: Annotated[Principal, needs(Permission.EDIT_TASKS)]
) -> TaskOut:
    """Make a task. Its runs begin by its schedule, once enough clients are enrolled."""
    task, service = body.task(), site.service
    check_schedule(task.schedule)
    with service.database.write() as connection:
        put_task(connection, task, service.clock())
        site.note(connection, who, "create-task", task.name)
    service.arrived.ring()
    return show(task.name, site, who)


@router.get("")
def listed(site: At, _: Looker, limit: Limit = 100, offset: Offset = 0) -> TasksOut:
    """List the tasks."""
    newest = _newest(site)
    tasks = tables.tasks
    page = select(tasks.c.name).order_by(tasks.c.created, tasks.c.id).limit(limit).offset(offset)
    with site.service.database.read() as connection:
        total = connection.scalar(select(func.count()).select_from(tasks)) or 0
        names = connection.scalars(page).all()
        found = [_out(connection, site, name, newest, shown=1) for name in names]
    return TasksOut(tasks=found, total=total)


@router.get("/{name}")
def show(name: Name, site: At, _: Looker) -> TaskOut:
    """Show a task: its runs, how far they are, the live model, and what privacy has been spent."""
    newest = _newest(site)
    with site.service.database.read() as connection:
        return _out(connection, site, name, newest, shown=SHOWN)


@router.post("/{name}/pause")
def pause(name: Name, site: At, who: Runner) -> DoneOut:
    """Begin no runs and no rounds any more; the round that goes on is finished."""
    return _set(site, who, name, PAUSED, "pause-task")


@router.post("/{name}/resume")
def resume(name: Name, site: At, who: Runner) -> DoneOut:
    """Let a paused task go on."""
    return _set(site, who, name, ACTIVE, "resume-task")


def _set(site: Site, who: Principal, name: str, status: str, what: str) -> DoneOut:
    tasks = tables.tasks
    with site.service.database.write() as connection:
        task_id, _, _ = task_named(connection, name)
        connection.execute(tasks.update().where(tasks.c.id == task_id).values(status=status))
        site.note(connection, who, what, name)
    site.service.arrived.ring()
    return DoneOut(changed=name)


def _newest(site: Site) -> Mapping[str, tuple[Entry, int]]:
    """Return each account's newest entry in the ledger, and how many it has."""
    found: dict[str, tuple[Entry, int]] = {}
    for entry in Ledger(DatabaseLines(site.service.database)).entries:
        found[entry.account] = (entry, found[entry.account][1] + 1 if entry.account in found else 1)
    return found


def _out(
    connection: Connection,
    site: Site,
    name: str,
    newest: Mapping[str, tuple[Entry, int]],
    *,
    shown: int,
) -> TaskOut:
    task_id, task, status = task_named(connection, name)
    tasks, runs = tables.tasks, tables.runs
    created = connection.scalar(select(tasks.c.created).where(tasks.c.id == task_id)) or 0.0
    begun = select(func.count(), func.max(runs.c.created)).where(runs.c.task == task_id)
    count, last = connection.execute(begun).one()
    entry, releases = newest.get(account_of(task), (None, 0))
    return TaskOut.model_validate(
        {
            "task": TaskBody.of(task),
            "status": status,
            "created": created,
            "budget": _budget(task, entry, releases),
            "live": live_model(connection, task_id),
            "begun": count,
            "begins": next_runs(task, created, last, count, site.service.clock()),
            "runs": runs_of(connection, task_id, task, shown, 0),
        }
    )


def _budget(task: Task, entry: Entry | None, releases: int) -> BudgetOut:
    return BudgetOut(
        promised=task.policy.epsilon,
        spent=0.0 if entry is None else entry.epsilon,
        delta=task.policy.delta if entry is None else entry.delta,
        releases=releases,
        unit=task.policy.unit,
        clients_per_person=task.policy.clients_per_person,
        mechanism=None if entry is None else entry.release.mechanism,
        noise_by=None if entry is None else entry.noise_by,
        sampling=None if entry is None else entry.sampling,
    )
