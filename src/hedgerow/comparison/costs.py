"""What privacy costs: the time and the bytes of a run's sums beside those of plain ones."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hedgerow.data.catalog import Catalog
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Executor
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.setting import Noise
from hedgerow.federation.simulator import Round
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Ledger

PASSES = 3
"""How often a short sum is timed; the median counts."""

SHORT = 0.5
"""In seconds, what is short."""


@dataclass(frozen=True)
class StepCost:
    """What one kind of step costs, once.

    Parameters
    ----------
    step
        Its name, without the number of the round.
    sums
        How many the run made of it.
    plain_seconds, seconds
        Of one sum over all clients without the policy and with it.
    seconds_as_run
        Of one such sum in the run, with accounting and the server's update.
    plain_bytes, bytes_up
        What one client sends for it without the policy and with it.
    """

    step: str
    sums: int
    plain_seconds: float
    seconds: float
    seconds_as_run: float
    plain_bytes: int
    bytes_up: int


def kind_of(step: str) -> str:
    """Return a step's name without the number of its round."""
    return re.sub(r" \(\d+ of \d+\)$", "", step)


def measure_costs(
    recipe: Recipe,
    executor: Executor,
    catalog: Catalog,
    clients: Clients,
    *,
    participation: Participation,
    pipeline: Pipeline,
    rounds: Sequence[Round],
    seed: int,
) -> tuple[StepCost, ...]:
    """Time each kind of step that a run took, without its policy and with it.

    Training is begun again with plain sums and left once every kind was seen, so that it takes no
    longer than training without a policy. Short sums to which the server adds noise are made in
    turns with plain ones, the ledger charged beforehand; of long and of secured ones the run's own
    rounds are taken. A run without a policy costs what it costs, and nothing is measured.

    Parameters
    ----------
    recipe
        What was trained.
    executor
        Where the clients' data are.
    catalog, clients, participation, seed
        As in the run.
    pipeline
        The run's; its ledger is left alone.
    rounds
        What happened in the run.
    """
    if not pipeline.policy.private and pipeline.policy.secure == "none":
        return ()
    kinds = {kind_of(r.step) for r in rounds}
    plain, private = Pipeline.unprotected(len(clients)), _with_known_clips(pipeline)
    state, found = recipe.start(catalog, seed), dict[str, StepCost]()
    while len(found) < len(kinds) and (step := recipe.step(state)) is not None:
        number, name, term = state.round, kind_of(step.name), OnHistory(step)
        cohorts = participation.cohorts(len(clients), number, additive=step.additive)
        group = Group(executor, clients, cohorts)
        started = time.perf_counter()
        summed = plain.sum(group, term, number)
        taken = time.perf_counter() - started
        if name not in found:
            alike = [r for r in rounds if kind_of(r.step) == name]
            as_run = len(cohorts) * statistics.median(r.seconds for r in alike)
            without, under = taken, as_run
            if taken < SHORT:
                jobs = [partial(plain.sum, group, term, number)]
                if pipeline.policy.secure == "none":
                    jobs.append(partial(private.sum, group, term, number))
                without, *rest = _in_turns(jobs)
                under = rest[0] if rest else as_run
            found[name] = StepCost(
                step=name,
                sums=max(1, round(len(alike) / len(cohorts))),
                plain_seconds=without,
                seconds=under,
                seconds_as_run=as_run,
                plain_bytes=summed.bytes_up,
                bytes_up=round(statistics.mean(r.bytes_up for r in alike)),
            )
        # As noisy as in the run, by which some models choose how much they ask for next.
        state = step.update(replace(summed.total, noise=_sigma(private, number)))
    return tuple(found.values())


def _with_known_clips(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with the clips that the run has found, and a ledger that is forgotten."""
    clips = {entry.name: entry.clip for entry in pipeline.ledger.of(pipeline.account)}
    steps = tuple(
        replace(step, norms_multiplier=None, bound=clips.get(f"{pipeline.run}/{k}", step.bound))
        for k, step in enumerate(pipeline.plan.steps)
    )
    return replace(pipeline, ledger=Ledger(), plan=replace(pipeline.plan, steps=steps))


def _sigma(pipeline: Pipeline, number: int) -> float:
    """Return the standard deviation of the noise that a step's sum has in the run."""
    planned = pipeline.plan.steps[number]
    return Noise("", planned.bound or 0.0, planned.multiplier).sigma(pipeline.policy)


def _in_turns(jobs: Sequence[Callable[[], object]]) -> list[float]:
    """Return the median time of each job, run in turns so that a busy machine hits all alike."""
    taken: list[list[float]] = [[] for _ in jobs]
    for turn in range(PASSES + 1):
        for job, times in zip(jobs, taken, strict=True):
            started = time.perf_counter()
            job()
            # The first time, the ledger is charged, which is not to count.
            if turn:
                times.append(time.perf_counter() - started)
    return [statistics.median(times) for times in taken]
