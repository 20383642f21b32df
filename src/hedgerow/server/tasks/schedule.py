"""The schedule: which tasks begin a run now."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from sqlalchemy import Connection, func, select

from hedgerow.errors import ConfigError, PolicyError
from hedgerow.privacy.ledger import Ledger
from hedgerow.recommender import Recommender
from hedgerow.server.context import Service
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.registry import ACTIVE, PAUSED, read_catalog
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


def start_due(service: Service) -> None:
    """Begin the runs that are due, where enough clients are enrolled to open a sum."""
    tasks = tables.tasks
    with service.database.read() as connection:
        rows = connection.execute(select(tasks).where(tasks.c.status == ACTIVE)).all()
        enrolled = len(Population.of(connection).users)
        due = [row for row in rows if _due(connection, row.id, row.body, row.created, service)]
    for row in due:
        task = Task.from_json(row.body)
        if enrolled >= max(2, task.policy.minimum, task.clients):
            _start(service, row.id, task)


def _due(connection: Connection, task_id: str, body: str, created: float, service: Service) -> bool:
    runs = tables.runs
    of_task = select(func.count(), func.max(runs.c.created)).where(runs.c.task == task_id)
    count, last = connection.execute(of_task).one()
    going = select(runs.c.id).where(runs.c.task == task_id, runs.c.status == RUNNING)
    if connection.execute(going).first() is not None:
        return False
    when = next_run(Task.from_json(body), created, last, count, service.clock())
    return when is not None and when <= service.clock()


def _start(service: Service, task_id: str, task: Task) -> None:
    tasks, runs = tables.tasks, tables.runs
    catalog = read_catalog(service.blobs.get(f"catalog/{task.catalog}"))
    start = task.recipe.start(catalog, task.seed)
    state = Artefacts(service.blobs).put(Recommender(task.recipe, start, catalog))
    ledger = Ledger(DatabaseLines(service.database))
    with service.database.write() as connection:
        # Held until the end, so that two replicas do not both begin the run.
        connection.execute(select(tasks.c.id).where(tasks.c.id == task_id).with_for_update()).one()
        going = select(runs.c.id).where(runs.c.task == task_id, runs.c.status == RUNNING)
        if connection.execute(going).first() is not None:
            return
        try:
            now = service.clock()
            start_run(connection, task_id, task, ledger=ledger, state=state, now=now)
        except (PolicyError, ConfigError) as problem:
            service.log.warning("run-refused", task=task.name, problem=str(problem))
            paused = tasks.update().where(tasks.c.id == task_id).values(status=PAUSED)
            connection.execute(paused)
    service.arrived.ring()
