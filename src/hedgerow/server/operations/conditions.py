"""What an operator should know now, from the database alone: the conditions behind the alerts.

The rules have the names of those in ``deploy/alerts.yaml`` where there is one. What only shows in
the processes' own metrics, such as slow uploads, is left to Prometheus.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hedgerow.evaluation.quality import margin
from hedgerow.server.context import Service
from hedgerow.server.operations.stored import RECENT, refused_messages
from hedgerow.server.rounds.failed import SPENT
from hedgerow.server.rounds.record import FAILED, OVER
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import ACTIVE, best_model, models_of
from hedgerow.server.tasks.runs import FAILED as RUN_FAILED
from hedgerow.server.tasks.runs import RUNNING, Population, account_of
from hedgerow.server.tasks.schedule import next_run
from hedgerow.server.tasks.task import Task

PAGE, TICKET = "page", "ticket"
"""How urgent: at once, or today."""

MANY_FAILED, IN_A_ROW, MANY_REFUSED = 3, 3, 10

PATIENCE = 120.0
"""Seconds by which a round may be late."""

NEARLY = 0.9
"""Of a budget, what counts as nearly spent."""

DISK_LEFT = 0.1
"""Of a disk, what has to be free."""


@dataclass(frozen=True)
class Found:
    """A condition that holds.

    Parameters
    ----------
    summary
        What is so, in one sentence.
    task
        Of which task; empty where it is no single one's.
    """

    summary: str
    task: str = ""


@dataclass(frozen=True)
class Seen:
    """What the rules look at."""

    service: Service
    connection: Connection
    now: float
    tasks: Sequence[Row[Any]]
    spent: dict[str, float]


@dataclass(frozen=True)
class Rule:
    """A condition that is looked for.

    Parameters
    ----------
    name, severity
        As in ``deploy/alerts.yaml``.
    meaning
        What is looked for.
    advice
        What to do.
    look
        Returns where it holds.
    """

    name: str
    severity: str
    meaning: str
    advice: str
    look: Callable[[Seen], Iterator[Found]]


def rounds_fail(seen: Seen) -> Iterator[Found]:
    """Look for several rounds that fail for one reason."""
    rounds = tables.rounds
    query = select(rounds.c.mode, rounds.c.failure, func.count()).where(
        rounds.c.phase == FAILED, rounds.c.changed > seen.now - RECENT
    )
    for mode, failure, count in seen.connection.execute(
        query.group_by(rounds.c.mode, rounds.c.failure)
    ):
        if count >= MANY_FAILED:
            yield Found(f"{count} rounds in {mode} mode failed within an hour: {failure}.")


def failed_in_a_row(seen: Seen) -> Iterator[Found]:
    """Look for sums that are tried again and again."""
    rounds, runs, tasks = tables.rounds, tables.runs, tables.tasks
    query = (
        select(tasks.c.name, func.max(rounds.c.attempt))
        .join(runs, rounds.c.run == runs.c.id)
        .join(tasks, runs.c.task == tasks.c.id)
        .where(runs.c.status == RUNNING, rounds.c.phase.not_in(OVER))
        .group_by(tasks.c.name)
    )
    for name, attempt in seen.connection.execute(query):
        if attempt >= IN_A_ROW:
            yield Found(f"{attempt} rounds for the same sum have failed in a row.", name)


def round_stuck(seen: Seen) -> Iterator[Found]:
    """Look for rounds that nobody moves on."""
    rounds, runs, tasks = tables.rounds, tables.runs, tables.tasks
    late = seen.now - PATIENCE
    query = (
        select(tasks.c.name, rounds.c.phase, rounds.c.lease_until)
        .join(runs, rounds.c.run == runs.c.id)
        .join(tasks, runs.c.task == tasks.c.id)
        .where(rounds.c.phase.not_in(OVER), rounds.c.deadline < late, rounds.c.changed < late)
    )
    for name, phase, lease in seen.connection.execute(query):
        whose = "no replica looks after it" if lease < late else "a replica holds it"
        yield Found(f"A round stays in the phase {phase} past its deadline; {whose}.", name)


def run_failed(seen: Seen) -> Iterator[Found]:
    """Look for tasks whose newest run has failed."""
    runs = tables.runs
    for task in seen.tasks:
        query = select(runs.c.status, runs.c.note).where(runs.c.task == task.id)
        newest = seen.connection.execute(query.order_by(runs.c.created.desc()).limit(1)).first()
        if newest is not None and newest.status == RUN_FAILED:
            yield Found(f"The newest run has failed: {newest.note.rstrip('.')}.", task.name)


def budget_spent(seen: Seen) -> Iterator[Found]:
    """Look for releases that the ledger refused."""
    rounds, runs, tasks = tables.rounds, tables.runs, tables.tasks
    query = (
        select(tasks.c.name)
        .join(runs, runs.c.task == tasks.c.id)
        .join(rounds, rounds.c.run == runs.c.id)
        .where(rounds.c.failure == SPENT, rounds.c.changed > seen.now - RECENT)
        .distinct()
    )
    for name in seen.connection.scalars(query):
        yield Found("A round was refused because the privacy budget is spent.", name)


def budget_nearly_spent(seen: Seen) -> Iterator[Found]:
    """Look for budgets of which little is left, though runs are to come."""
    runs = tables.runs
    for row in seen.tasks:
        task = Task.from_json(row.body)
        spent, promised = seen.spent.get(account_of(task), 0.0), task.policy.epsilon
        if promised is None or spent < NEARLY * promised:
            continue
        begun = select(func.count()).select_from(runs).where(runs.c.task == row.id)
        left = task.runs - (seen.connection.scalar(begun) or 0)
        if left > 0 and row.status == ACTIVE:
            yield Found(
                f"Epsilon {spent:.3g} of {promised:.3g} is spent, with {left} of {task.runs} runs "
                "to come.",
                task.name,
            )


def few_clients(seen: Seen) -> Iterator[Found]:
    """Look for tasks that wait for more clients to enrol."""
    enrolled, runs = len(Population.of(seen.connection).users), tables.runs
    for row in seen.tasks:
        task = Task.from_json(row.body)
        wanted = max(2, task.policy.minimum, task.clients)
        if row.status != ACTIVE or enrolled >= wanted:
            continue
        of_task = select(runs.c.status, runs.c.created).where(runs.c.task == row.id)
        begun = seen.connection.execute(of_task.order_by(runs.c.created)).all()
        last = begun[-1].created if begun else None
        goes_on = any(run.status == RUNNING for run in begun)
        # A task whose last run is over needs nobody any more.
        if goes_on or next_run(task, row.created, last, len(begun), seen.now) is not None:
            yield Found(f"{enrolled} clients are enrolled and {wanted} are needed.", task.name)


def messages_refused(seen: Seen) -> Iterator[Found]:
    """Look for messages that clients send and that are refused."""
    for code, count in refused_messages(seen.connection, seen.now):
        if count > MANY_REFUSED:
            yield Found(f"{count} messages were refused within an hour: {code}.")


def quality_fell(seen: Seen) -> Iterator[Found]:
    """Look for tasks whose newest model is surely worse than their best one."""
    for row in seen.tasks:
        task = Task.from_json(row.body)
        metric = f"ndcg@{task.k}"
        newest = models_of(seen.connection, row.id, limit=1, measured=True)
        best = best_model(seen.connection, row.id, metric)
        if not newest or best is None or best == newest[0].hash:
            continue
        models = tables.models
        quality = select(models.c.quality).where(models.c.hash == best, models.c.task == row.id)
        before = json.loads(seen.connection.scalar(quality.limit(1)) or "{}")
        now = newest[0].quality
        both = [margin(one[metric], one["users"], one["deviation"]) for one in (before, now)]
        if before[metric] - both[0] > now[metric] + both[1]:
            yield Found(
                f"The newest model measures {metric} {now[metric]:.4f}, the best one "
                f"{before[metric]:.4f}; their intervals do not meet.",
                task.name,
            )


def disk_full(seen: Seen) -> Iterator[Found]:
    """Look for disks without room, where rows are kept in a file."""
    url = seen.service.database.engine.url
    if url.get_backend_name() != "sqlite":
        return
    use = shutil.disk_usage(Path(str(url.database)).parent)
    if use.free < DISK_LEFT * use.total:
        yield Found(f"{use.free / use.total:.0%} of the disk that holds the database is free.")


RULES = (
    Rule("RoundsFail", TICKET, "Three rounds an hour fail for one reason.",
         "Look the code up in the runbook; the next attempt has fresh keys.", rounds_fail),
    Rule("FailedInARow", TICKET, "A sum was tried three times in vain.",
         "Give clients more time, enrol more, or stop the run.", failed_in_a_row),
    Rule("RoundStuck", PAGE, "A round stays in a phase two minutes past its deadline.",
         "Look for machine-failed in the replicas' logs and start them again.", round_stuck),
    Rule("RunFailed", TICKET, "The newest run of a task has failed.",
         "Its note says why; mend that, and let the next run begin.", run_failed),
    Rule("BudgetSpent", TICKET, "A release was refused, as it would overspend.",
         "That is the promise. A new task has a new budget, which people have to be asked for.",
         budget_spent),
    Rule("BudgetNearlySpent", TICKET, "Nine tenths of a budget are spent before the last run.",
         "Plan a new task, with a promise of its own.", budget_nearly_spent),
    Rule("FewClients", TICKET, "Fewer clients are enrolled than a task needs.",
         "Enrol more clients; the task's runs wait for them.", few_clients),
    Rule("MessagesRefused", TICKET, "More than ten messages an hour are refused for one reason.",
         "From few clients: their software. From all: versions differ, or clocks.",
         messages_refused),
    Rule("QualityFell", TICKET, "The newest model is surely worse than the best one.",
         "Compare the two, and let the better one recommend.", quality_fell),
    Rule("DiskFull", PAGE, "Less than a tenth of the database's disk is free.",
         "Make room, or move to a larger disk.", disk_full),
)  # fmt: skip
"""All that is looked for."""


def look(service: Service) -> list[tuple[Rule, list[Found]]]:
    """Return each rule with where it holds now."""
    tasks = tables.tasks
    with service.database.read() as connection:
        rows = connection.execute(select(tasks).order_by(tasks.c.name)).all()
        seen = Seen(service, connection, service.clock(), rows, _spent(connection))
        return [(rule, list(rule.look(seen))) for rule in RULES]


def _spent(connection: Connection) -> dict[str, float]:
    """Return what each account has spent by its newest line in the ledger."""
    lines = tables.ledger_lines
    found: dict[str, float] = {}
    for line in connection.scalars(select(lines.c.line).order_by(lines.c.number)):
        entry = json.loads(bytes(line))
        found[entry["account"]] = entry["epsilon"]
    return found
