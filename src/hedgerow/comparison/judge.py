"""Judge a model that was trained federated, and train what it is compared with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hedgerow.comparison.costs import StepCost
from hedgerow.comparison.curve import trace_curve
from hedgerow.comparison.examples import pick_examples
from hedgerow.comparison.gains import Gain, find_gains
from hedgerow.comparison.local import choose_clients, train_alone
from hedgerow.comparison.result import Comparison, Contender, Plan
from hedgerow.comparison.warnings import chance, shortfall
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, Split
from hedgerow.errors import ConfigError, DataError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Executor, Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import Round, Run, evaluate, train
from hedgerow.models.base import Scorer
from hedgerow.models.footing import footing
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Entry
from hedgerow.privacy.planning import NoisePlan
from hedgerow.privacy.policy import Policy
from hedgerow.recommender import Recommender


class Listener(Protocol):
    """Hears how a comparison goes on."""

    def stage(self, name: str, steps: int) -> None:
        """Tell that a stage of so many steps begins."""
        ...

    def round(self, happened: Round) -> None:
        """Tell that a round is done."""
        ...

    def step(self) -> None:
        """Tell that a step without rounds is done, such as one client's own model."""
        ...


@dataclass(frozen=True)
class Silent:
    """A listener that does nothing."""

    def stage(self, name: str, steps: int) -> None:
        """Ignore it."""

    def round(self, happened: Round) -> None:
        """Ignore it."""

    def step(self) -> None:
        """Ignore it."""


ExecutorFactory = Callable[[Fold], Executor]


@dataclass(frozen=True)
class Trained:
    """A finished federated training, in the simulator or over a network.

    Parameters
    ----------
    run
        The model and its rounds.
    policy, noise
        What privacy it promised, and the noise that keeps the promise.
    releases
        What it charged to the ledger, in order.
    costs
        Of its kinds of steps with the policy and without; empty where they were not measured.
    noise_seed
        From which the noise was drawn; None where it came from a secret.
    network
        Whether it went over a network.
    note
        What a reader of its figures must know.
    """

    run: Run
    policy: Policy
    noise: NoisePlan
    releases: tuple[Entry, ...]
    costs: tuple[StepCost, ...] = ()
    noise_seed: int | None = None
    network: bool = False
    note: str = ""


def judge(
    log: Interactions,
    trained: Trained,
    *,
    clients: Clients,
    split: Split,
    protocol: EvaluationProtocol,
    participation: Participation | None = None,
    plan: Plan | None = None,
    curves: Sequence[Pipeline] = (),
    executor: ExecutorFactory = Serial,
    seed: int = 0,
    listener: Listener | None = None,
) -> Comparison:
    """Judge a trained model and what else one could do, all by the same users and measures.

    Parameters
    ----------
    log
        The interactions of all clients.
    trained
        The model; it must not have seen what the split holds out for the test.
    clients
        Who holds which users.
    split, protocol
        How models are judged.
    participation
        Who took part in a round.
    plan
        What to compare with.
    curves
        From `plan_curve`: what to train again under.
    executor
        Where sums are computed.
    seed
        For initial vectors and draws.
    listener
        Hears of progress.

    Raises
    ------
    DataError
        There are too few users or items to compare anything.
    """
    plan, listener = plan or Plan(), listener or Silent()
    run, test = trained.run, split.test(log.block)
    check_data(log, test, seed)
    recipe, yardstick = run.recipe, make_yardstick(log.catalog, test.history)
    training = split.validation(log.block) if plan.patience else test
    found, runs = dict[str, Contender](), {"federated": run}
    gains: tuple[Gain, ...] = ()
    with executor(training) as workers:
        if "popularity" in plan.contenders:
            listener.stage("popularity", 1)
            runs["popularity"] = train(Popularity(), workers, log.catalog, clients, seed=seed)
    if "local" in plan.contenders:
        chosen = choose_clients(
            test, clients, repeats=protocol.repeats, limit=plan.local_clients, seed=seed
        )
        listener.stage("local", len(chosen))
        alone = train_alone(
            recipe,
            log.catalog,
            training.history,
            test,
            clients,
            chosen=chosen,
            protocol=protocol,
            yardstick=yardstick,
            seed=seed,
            on_client=listener.step,
        )
        found["local"] = Contender("local", alone.evaluation, alone.seconds, note=alone.note)
        gains = find_gains(alone, run.scorer, test, clients, protocol=protocol, yardstick=yardstick)
    with executor(test) as workers:

        def judged(scorer: Scorer) -> Evaluation:
            return evaluate(scorer, workers, len(test), protocol, yardstick)

        for name, done in runs.items():
            figures = (done.seconds, done.rounds, done.bytes_up, done.bytes_down)
            note = trained.note if name == "federated" else ""
            found[name] = Contender(name, judged(done.scorer), *figures, note=note)
        if "pooled" in plan.contenders:
            listener.stage("pooled", 1)
            started = time.perf_counter()
            state = recipe.pooled(training.history, log.catalog, seed)
            seconds = time.perf_counter() - started
            note = "the same model with all data in one place"
            note += ", and without noise" if trained.policy.private else ""
            found["pooled"] = Contender("pooled", judged(recipe.scorer(state)), seconds, note=note)
        if trained.policy.private:
            found["federated"] = _warned(found, run, test, protocol)
        if curves:
            listener.stage("quality by epsilon", (len(curves) + 1) * plan.curve_seeds)
        curve = trace_curve(
            recipe,
            workers,
            log.catalog,
            clients,
            pipelines=curves,
            participation=participation or Participation(seed=seed),
            protocol=protocol,
            yardstick=yardstick,
            seeds=range(seed, seed + plan.curve_seeds),
            on_model=listener.step,
        )
    recommender = Recommender(recipe, run.state, log.catalog)
    return Comparison(
        log=log,
        recipe=recipe,
        clients=clients,
        protocol=protocol,
        split=split,
        policy=trained.policy,
        noise=trained.noise,
        noise_seed=trained.noise_seed,
        releases=trained.releases,
        costs=trained.costs,
        seed=seed,
        plan=plan,
        contenders=found,
        gains=gains,
        recommender=recommender,
        examples=pick_examples(
            recommender, log, test, examples=plan.examples, repeats=protocol.repeats
        ),
        client_updates_per_second=run.client_updates / max(run.seconds, 1e-9),
        curve=curve,
        network=trained.network,
    )


def _warned(
    found: dict[str, Contender], run: Run, test: Fold, protocol: EvaluationProtocol
) -> Contender:
    """Return the federated contender, with what noise has made of it in its note."""
    own, popular = found["federated"], found.get("popularity")
    metric = f"full/ndcg@{protocol.k}"
    missed = shortfall(
        own.evaluation.values[metric],
        own.evaluation.interval(metric)[1],
        chance(test, protocol.k, repeats=protocol.repeats),
        None if popular is None else popular.evaluation.values[metric],
    )
    notes = (own.note, footing(run.recipe, run.state), missed)
    return replace(own, note="; ".join(note for note in notes if note))


def check_data(log: Interactions, test: Fold, seed: int) -> None:
    """Refuse data on which nothing can be compared.

    Raises
    ------
    ConfigError
        The seed is negative.
    DataError
        There are too few users or items.
    """
    if seed < 0:
        raise ConfigError("The seed must be 0 or more.")
    if len(log.users) < 2:
        raise DataError("The data has a single user; a federation needs at least two.")
    if len(log.catalog) < 2:
        raise DataError("The data has a single item; there is nothing to choose from.")
    if not len(test.judged()):
        raise DataError(
            "No user has both a history and a held-out interaction; give data in which users "
            "have at least two interactions, with different items unless repeats are allowed."
        )
