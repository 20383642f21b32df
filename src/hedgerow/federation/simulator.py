"""The simulator: a federation's rounds on one machine or a cluster of workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluate, Evaluation, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.checkpoint import Checkpoint
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Executor
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Passed, Pipeline
from hedgerow.federation.setting import public_hash
from hedgerow.models.base import Recipe, Scorer, State, Step
from hedgerow.models.expected import settled
from hedgerow.privacy.policy import Policy

Result = TypeVar("Result")


@dataclass(frozen=True)
class Round:
    """What happened in one round.

    Parameters
    ----------
    number
        From 1.
    step
        What was done.
    asked, answered
        Clients.
    users
        Users whose data took part.
    bytes_up, bytes_down
        Of one client in this round.
    seconds
        From broadcast to the new state, measuring quality not counted.
    quality
        Metric name to value on the watched fold; empty where none is watched, and while a sum
        over several cohorts goes on. The simulator measures it outside the policy's promise.
    epsilon
        What the run has spent by the end of the round; None where nothing is promised.
    """

    number: int
    step: str
    asked: int
    answered: int
    users: int
    bytes_up: int
    bytes_down: int
    seconds: float
    quality: dict[str, float] = field(default_factory=dict)
    epsilon: float | None = None


@dataclass(frozen=True)
class Watch:
    """How quality is followed round by round, itself a sum over clients.

    Parameters
    ----------
    protocol, yardstick
        How models are judged.
    patience
        Stop after this many rounds without a better NDCG; None never stops. Stopping is a choice:
        the executor's targets must then be validation data.
    share
        The share of users asked, for speed.
    """

    protocol: EvaluationProtocol
    yardstick: Yardstick
    patience: int | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Parameters
    ----------
    recipe
        What was trained.
    state
        The public state it ended with.
    rounds
        What happened, round by round.
    clients
        How many there are.
    """

    recipe: Recipe
    state: State
    rounds: tuple[Round, ...]
    clients: int

    @property
    def scorer(self) -> Scorer:
        """What recommends."""
        return self.recipe.scorer(self.state)

    @property
    def bytes_up(self) -> float:
        """What a client sends in all rounds, on average over the clients."""
        return sum(r.bytes_up * r.answered for r in self.rounds) / self.clients

    @property
    def bytes_down(self) -> float:
        """What a client fetches in all rounds, on average, and the final model."""
        return sum(r.bytes_down * r.asked for r in self.rounds) / self.clients + self.state.nbytes

    @property
    def seconds(self) -> float:
        """Time of all rounds."""
        return sum(r.seconds for r in self.rounds)

    @property
    def client_updates(self) -> int:
        """How many times a client contributed."""
        return sum(r.answered for r in self.rounds)


class Sums(Protocol):
    """What makes the sums of a run: a :class:`Pipeline`, or what looks at one."""

    @property
    def policy(self) -> Policy:
        """What is promised."""
        ...

    @property
    def spent(self) -> float | None:
        """The epsilon that was spent so far; None where nothing is promised."""
        ...

    def sum(
        self, group: Group, step: Step[Fold, Result], number: int, model: bytes = b""
    ) -> Passed:
        """Return a step's sum over a group of clients."""
        ...


def train(
    recipe: Recipe,
    executor: Executor,
    catalog: Catalog,
    clients: Clients,
    *,
    participation: Participation | None = None,
    pipeline: Sums | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    on_round: Callable[[Round], None] | None = None,
) -> Run:
    """Train a recipe over clients whose data an executor holds.

    Parameters
    ----------
    recipe
        What to train.
    executor
        Where the clients' folds are; training sees their histories.
    catalog
        The public items.
    clients
        Which users belong together.
    participation
        Who takes part; everyone by default.
    pipeline
        What terms pass on their way into sums; nothing by default, as without a policy.
    seed
        For initial vectors and local draws.
    watch
        How to follow quality on the folds' targets.
    checkpoint
        Where to keep the state after each round.
    resume
        Whether to go on from the checkpoint.
    on_round
        Called after each round.

    Raises
    ------
    CheckpointError
        The checkpoint to resume belongs to another run.
    PolicyError
        The run would spend more privacy than its policy allows, or too few clients answer.
    """
    if watch is not None and watch.patience is not None and pipeline and pipeline.policy.private:
        raise ConfigError(
            "Stopping early looks at people's data after every round, which the policy does not "
            "pay for; leave the patience out."
        )
    pipeline = pipeline or Pipeline.unprotected(len(clients))
    participation = participation or Participation(seed=seed)
    state, rounds = recipe.start(catalog, seed), list[Round]()
    best_state: State | None = None
    if resume:
        if checkpoint is None:
            raise ConfigError("To resume a run, name its checkpoint.")
        state, best_state, notes = checkpoint.load()
        rounds = [Round(**note) for note in notes]
    best = _Best(watch)
    for happened in rounds:
        best.see(happened, best_state)
    while not best.waited_enough and (step := recipe.step(state)) is not None:
        started = time.perf_counter()
        number, down = state.round, state.nbytes
        cohorts = participation.cohorts(len(clients), number, additive=step.additive)
        group = Group(executor, clients, cohorts)
        secured = pipeline.policy.secure != "none"
        model = public_hash(state, catalog) if secured else b""
        passed = pipeline.sum(group, OnHistory(step), number, model)
        state = settled(recipe, step.update(passed.total), len(catalog))
        seconds = time.perf_counter() - started
        quality = _quality(recipe, state, executor, clients, watch)
        for cohort in cohorts:
            rounds.append(
                Round(
                    number=len(rounds) + 1,
                    step=step.name,
                    asked=int(cohort.asked.sum()),
                    answered=int(cohort.present.sum()),
                    users=int(clients.users_of(cohort.present).sum()),
                    bytes_up=passed.bytes_up,
                    bytes_down=down,
                    seconds=seconds / len(cohorts),
                    quality=quality if cohort is cohorts[-1] else {},
                    epsilon=pipeline.spent,
                )
            )
            if on_round:
                on_round(rounds[-1])
        best.see(rounds[-1], state)
        if checkpoint:
            checkpoint.save(state, best.state, [asdict(r) for r in rounds])
    return Run(recipe, best.state or state, tuple(rounds), len(clients))


def _quality(
    recipe: Recipe, state: State, executor: Executor, clients: Clients, watch: Watch | None
) -> dict[str, float]:
    if watch is None:
        return {}
    step = Evaluate(recipe.scorer(state), watch.protocol, watch.yardstick)
    users = len(clients.owner)
    weights = np.zeros(users)
    chosen = np.random.default_rng(watch.protocol.seed).permutation(users)
    weights[chosen[: max(1, round(watch.share * users))]] = 1
    summed = executor.sum(step, weights)
    if watch.share < 1 and not summed["users"]:
        # A sample may miss those few who can be judged; that is no reason to stop training.
        return {}
    return dict(step.update(summed).values)


def evaluate(
    scorer: Scorer,
    executor: Executor,
    users: int,
    protocol: EvaluationProtocol,
    yardstick: Yardstick,
) -> Evaluation:
    """Judge a scorer on everyone's targets, as one sum."""
    step = Evaluate(scorer, protocol, yardstick)
    return step.update(executor.sum(step, np.ones(users)))


class _Best:
    """Remembers the best state by watched NDCG, where stopping early was asked for."""

    def __init__(self, watch: Watch | None) -> None:
        self.patience = watch.patience if watch else None
        self.metric = f"full/ndcg@{watch.protocol.k}" if watch else ""
        self.state: State | None = None
        self.value = -1.0
        self.since = 0

    def see(self, happened: Round, state: State | None) -> None:
        if self.patience is None or not happened.quality:
            return
        value = happened.quality[self.metric]
        if value > self.value:
            self.state, self.value, self.since = state, value, 0
        else:
            self.since += 1

    @property
    def waited_enough(self) -> bool:
        return self.patience is not None and self.since >= self.patience
