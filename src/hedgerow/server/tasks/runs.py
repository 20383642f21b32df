"""Runs: a task trained from start to end, one sum after another."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hedgerow.federation.ask import EVALUATION, NORMS, STEP
from hedgerow.federation.charging import norms_noise
from hedgerow.federation.setting import Noise
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.planning import NoisePlan, PlannedStep, plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.server.storage import tables
from hedgerow.server.tasks.task import Task

RUNNING, DONE, STOPPED, FAILED = "running", "done", "stopped", "failed"


@dataclass(frozen=True)
class Population:
    """Who was enrolled when a run began: the most users that each promised, largest first."""

    users: tuple[int, ...]

    @classmethod
    def of(cls, connection: Connection) -> Population:
        """Count the clients that are enrolled and not revoked."""
        clients = tables.clients
        query = select(clients.c.users).where(clients.c.revoked.is_(None))
        return cls(tuple(sorted(connection.scalars(query), reverse=True)))

    def among(self, clients: int, unit: str) -> int:
        """Return the most units of privacy that so many clients hold."""
        return sum(self.users[:clients]) if unit == "user" else min(clients, len(self.users))


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Parameters
    ----------
    clips
        The clip found for a step, by the step's number.
    measured
        How many evaluations were made.
    """

    clips: Mapping[str, float] = field(default_factory=dict)
    measured: int = 0


@dataclass(frozen=True)
class Wanted:
    """The next sum of a run.

    Parameters
    ----------
    purpose
        ``step``, ``norms`` or ``evaluation``.
    number
        Of the step, or of the evaluation.
    noise
        What the promise takes; its name is the release's.
    """

    purpose: str
    number: int
    noise: Noise


@dataclass(frozen=True)
class Run:
    """One training of a task.

    Parameters
    ----------
    id, task_id, task
        Its name, and what is trained.
    status
        ``running``, ``done``, ``stopped`` or ``failed``.
    release
        With what the names of its releases begin.
    policy
        The task's, with the epsilon that may be spent by the end of this run.
    plan
        The noise of every sum.
    step, state
        Number of the next step, and the hash of the model so far.
    progress
        What else came of it so far.
    """

    id: str
    task_id: str
    task: Task
    status: str
    release: str
    policy: Policy
    plan: NoisePlan
    step: int
    state: str
    progress: Progress

    @property
    def wanted(self) -> Wanted | None:
        """The next sum, or None when the run is done."""
        task, steps = self.task, len(self.task.recipe.charges)
        due = {"none": 0, "end": int(self.step == steps), "every": self.step}[task.measure]
        if self.progress.measured < due:
            number = self.progress.measured
            planned = self.plan.steps[steps + number]
            name = f"{self.release}/e{number}"
            return Wanted(EVALUATION, number, Noise(name, planned.bound or 0, planned.multiplier))
        if self.step == steps:
            return None
        planned, name = self.plan.steps[self.step], f"{self.release}/{self.step}"
        bound = planned.bound or self.progress.clips.get(str(planned.clip_of))
        if bound is None:
            return Wanted(NORMS, self.step, norms_noise(planned, name))
        return Wanted(STEP, self.step, Noise(name, bound, planned.multiplier))

    def measured(self) -> Run:
        """Return the run after an evaluation."""
        done = self.progress.measured + 1
        return replace(self, progress=replace(self.progress, measured=done))

    def clipped_at(self, clip: float) -> Run:
        """Return the run after the clip of its next step was found."""
        key = str(self.plan.steps[self.step].clip_of)
        clips = {**self.progress.clips, key: clip}
        return replace(self, progress=replace(self.progress, clips=clips))

    def moved_to(self, state: str) -> Run:
        """Return the run after a step of training."""
        return replace(self, step=self.step + 1, state=state)

    def values(self, now: float) -> dict[str, Any]:
        """Return what changes in the database when the run goes on."""
        return {
            "step": self.step,
            "state": self.state,
            "progress": json.dumps(asdict(self.progress)),
            "changed": now,
        }


def account_of(task: Task) -> str:
    """Return whose budget in the ledger a task's runs charge."""
    return f"task {task.name}"


def start_run(
    connection: Connection, task_id: str, task: Task, *, ledger: Ledger, state: str, now: float
) -> str:
    """Plan a run with what is left of its task's budget; return its id.

    Parameters
    ----------
    connection
        To the database.
    task_id, task
        What to train.
    ledger
        What has been spent.
    state
        Hash of the model before any data was seen.
    now
        The time.

    Raises
    ------
    PolicyError
        Nothing is left.
    ConfigError
        The policy cannot be kept with those who are enrolled.
    """
    runs = tables.runs
    before = select(func.count()).select_from(runs).where(runs.c.task == task_id)
    number = connection.scalar(before) or 0
    everyone = Population.of(connection)
    policy = task.policy
    if policy.epsilon is not None:
        share = min(number + 1, task.runs) / task.runs
        policy = replace(policy, epsilon=policy.epsilon * share)
    spent = [entry.release for entry in ledger.of(account_of(task))]
    users, clients = sum(everyone.users), len(everyone.users)
    plan = plan_noise(policy, task.charges, max(users, 1), max(clients, 1), spent)
    name = uuid.uuid4().hex
    body = {
        "release": f"{task.name}/{number}",
        "policy": policy.to_json(),
        "plan": asdict(plan),
    }
    values = {
        "id": name,
        "task": task_id,
        "status": RUNNING,
        "body": json.dumps(body),
        "step": 0,
        "state": state,
        "progress": json.dumps(asdict(Progress())),
        "note": "",
        "created": now,
        "changed": now,
    }
    connection.execute(runs.insert().values(values))
    return name


def load_run(connection: Connection, name: str) -> Run:
    """Return a run by its id."""
    return _run(connection.execute(_query().where(tables.runs.c.id == name)).one())


def running(connection: Connection) -> Sequence[Run]:
    """Return the runs of active tasks that go on, oldest first."""
    runs, tasks = tables.runs, tables.tasks
    query = _query().where(runs.c.status == RUNNING, tasks.c.status == "active")
    return [_run(row) for row in connection.execute(query.order_by(runs.c.created))]


def _query() -> Any:
    runs, tasks = tables.runs, tables.tasks
    return select(runs, tasks.c.body.label("task_body")).join(tasks, runs.c.task == tasks.c.id)


def _run(row: Row[Any]) -> Run:
    body, progress = json.loads(row.body), json.loads(row.progress)
    plan = body["plan"]
    steps = tuple(PlannedStep(**step) for step in plan.pop("steps"))
    return Run(
        id=row.id,
        task_id=row.task,
        task=Task.from_json(row.task_body),
        status=row.status,
        release=body["release"],
        policy=Policy.from_json(body["policy"]),
        plan=NoisePlan(steps=steps, **plan),
        step=row.step,
        state=row.state,
        progress=Progress(**progress),
    )
