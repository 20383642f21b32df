"""For operators: tasks, from their making to their pauses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter
from sqlalchemy import Connection, select

from hedgerow.privacy.ledger import Ledger
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
from hedgerow.server.tasks.schedule import check_schedule
from hedgerow.server.tasks.task import Task

router = APIRouter(prefix="/v1/tasks")

SHOWN = 20
"""How many of its runs are told with a task."""

Looker = Annotated[Principal, needs(Permission.READ_STATUS)]
Runner = Annotated[Principal, needs(Permission.RUN_TASKS)]


class BudgetOut(Strict):
    """What a task has promised of privacy, and what its releases have spent."""

    promised: float | None
    spent: float
    delta: float | None
    releases: int


class TaskOut(Strict):
    """A task and where it stands; the live model is null before there is one."""

    task: TaskBody
    status: Literal["active", "paused"]
    created: float
    budget: BudgetOut
    live: str | None
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
    budgets = _budgets(site)
    tasks = tables.tasks
    with site.service.database.read() as connection:
        rows = connection.execute(select(tasks.c.name).order_by(tasks.c.created, tasks.c.id)).all()
        found = [
            _out(connection, row.name, budgets, newest=1) for row in rows[offset : offset + limit]
        ]
    return TasksOut(tasks=found, total=len(rows))


@router.get("/{name}")
def show(name: Name, site: At, _: Looker) -> TaskOut:
    """Show a task: its runs, how far they are, the live model, and what privacy has been spent."""
    budgets = _budgets(site)
    with site.service.database.read() as connection:
        return _out(connection, name, budgets, newest=SHOWN)


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


def _budgets(site: Site) -> Mapping[str, tuple[float, float, int]]:
    """Return what each account has spent: epsilon, delta, and in how many releases."""
    found: dict[str, tuple[float, float, int]] = {}
    for entry in Ledger(DatabaseLines(site.service.database)).entries:
        count = found.get(entry.account, (0.0, 0.0, 0))[2]
        found[entry.account] = (entry.epsilon, entry.delta, count + 1)
    return found


def _out(
    connection: Connection,
    name: str,
    budgets: Mapping[str, tuple[float, float, int]],
    *,
    newest: int,
) -> TaskOut:
    task_id, task, status = task_named(connection, name)
    tasks = tables.tasks
    created = connection.scalar(select(tasks.c.created).where(tasks.c.id == task_id))
    return TaskOut.model_validate(
        {
            "task": TaskBody.of(task),
            "status": status,
            "created": created,
            "budget": _budget(task, budgets),
            "live": live_model(connection, task_id),
            "runs": runs_of(connection, task_id, task, newest, 0),
        }
    )


def _budget(task: Task, budgets: Mapping[str, tuple[float, float, int]]) -> BudgetOut:
    spent, delta, releases = budgets.get(account_of(task), (0.0, None, 0))
    delta = task.policy.delta if delta is None else delta
    promised = task.policy.epsilon
    return BudgetOut(promised=promised, spent=spent, delta=delta, releases=releases)
