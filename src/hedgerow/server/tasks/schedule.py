"""The schedule: which tasks begin a run now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError
from sqlalchemy import Connection, Row, func, select

from hedgerow.errors import ConfigError, HedgerowError, StorageError
from hedgerow.models.file import ModelFile
from hedgerow.privacy.ledger import Ledger
from hedgerow.server.context import Service
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.registry import ACTIVE, PAUSED, StoredCatalog
from hedgerow.server.tasks.runs import RUNNING, Population, start_run
from hedgerow.server.tasks.task import Task

ONCE, CONTINUOUS = "once", "continuous"


def check_schedule(schedule: str) -> None:
    """Refuse what is no schedule.

    Raises
    ------
    ConfigError
        It is neither ``once``, ``continuous`` nor a cron expression.
    """
    if schedule in {ONCE, CONTINUOUS}:
        return
    try:
        CronSim(schedule, datetime.now(UTC))
    except CronSimError as error:
        raise ConfigError(
            "A schedule is once, continuous, or a cron expression such as '0 3 * * *'."
        ) from error


def next_run(task: Task, created: float, last: float | None, runs: int, now: float) -> float | None:
    """Return when a task's next run begins; None when it never does.

    Parameters
    ----------
    task
        With its schedule.
    created, last
        When the task was made, and when its last run began; None before the first.
    runs
        How many there have been.
    now
        The time.
    """
    if runs >= task.runs or (task.schedule == ONCE and runs):
        return None
    if task.schedule in {ONCE, CONTINUOUS}:
        return now
    since = datetime.fromtimestamp(created if last is None else last, UTC)
    return next(CronSim(task.schedule, since)).timestamp()


def next_runs(
    task: Task, created: float, last: float | None, runs: int, now: float, *, most: int = 5
) -> list[float]:
    """Return when a task's next runs begin at the earliest, as far as its schedule says.

    Parameters
    ----------
    task, created, last, runs, now
        As of `next_run`.
    most
        How many at most.
    """
    first = next_run(task, created, last, runs, now)
    if first is None:
        return []
    if task.schedule in {ONCE, CONTINUOUS}:
        return [first]
    # What is overdue begins now, and only once.
    later = CronSim(task.schedule, datetime.fromtimestamp(max(first, now), UTC))
    left = min(most, task.runs - runs) - 1
    return [first, *[next(later).timestamp() for _ in range(left)]]


def start_due(service: Service) -> None:
    """Begin the runs that are due, where enough clients are enrolled to open a sum."""
    tasks = tables.tasks
    with service.database.read() as connection:
        rows = connection.execute(select(tasks).where(tasks.c.status == ACTIVE)).all()
        enrolled = len(Population.of(connection).users)
        due = [row for row in rows if _due(connection, row, service)]
    for row in due:
        task = Task.from_json(row.body)
        if enrolled >= max(2, task.policy.minimum, task.clients):
            _try(service, row, task)


def _try(service: Service, row: Row[Any], task: Task) -> None:
    """Begin a run; a task that cannot is paused, and hinders no other."""
    try:
        _start(service, row, task)
    except Exception as problem:
        if isinstance(problem, StorageError) and problem.transient:
            raise
        told = isinstance(problem, HedgerowError)
        service.log.warning("run-refused", task=task.name, problem=str(problem), exc_info=not told)
        with service.database.write() as connection:
            own = tables.tasks.c.id == row.id
            connection.execute(tables.tasks.update().where(own).values(status=PAUSED))


def _due(connection: Connection, task: Row[Any], service: Service) -> bool:
    runs = tables.runs
    of_task = select(func.count(), func.max(runs.c.created)).where(runs.c.task == task.id)
    count, last = connection.execute(of_task).one()
    going = select(runs.c.id).where(runs.c.task == task.id, runs.c.status == RUNNING)
    if connection.execute(going).first() is not None:
        return False
    when = next_run(Task.from_json(task.body), task.created, last, count, service.clock())
    return when is not None and when <= service.clock()


def _start(service: Service, row: Row[Any], task: Task) -> None:
    tasks = tables.tasks
    catalog = StoredCatalog(service.blobs, task.catalog)
    start = task.recipe.start(catalog, task.seed)
    state = Artefacts(service.blobs).put(ModelFile(task.recipe, start, catalog.names))
    ledger = Ledger(DatabaseLines(service.database))
    with service.database.write() as connection:
        # Held until the end, and looked at once more, so that two replicas do not both begin it.
        connection.execute(select(tasks.c.id).where(tasks.c.id == row.id).with_for_update()).one()
        if not _due(connection, row, service):
            return
        now = service.clock()
        start_run(connection, row.id, task, ledger=ledger, state=state, now=now)
    service.arrived.ring()
