"""Train a model federated, pooled and on each client alone, beside popularity, and judge all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hedgerow.comparison.costs import measure_costs
from hedgerow.comparison.curve import plan_curve, trace_curve
from hedgerow.comparison.examples import pick_examples
from hedgerow.comparison.local import choose_clients, train_alone
from hedgerow.comparison.result import Comparison, Contender, Plan
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, LastOut, Split
from hedgerow.errors import ConfigError, DataError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.checkpoint import Checkpoint, fingerprint, unfinished
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Executor, Serial
from hedgerow.federation.pipeline import SHARED, Pipeline, run_name
from hedgerow.federation.simulator import Round, Watch, evaluate, train
from hedgerow.models.base import Recipe, Scorer
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.recommender import Recommender

WATCHED_USERS = 1_000
"""Users by whom the curve over rounds is drawn; the final figures take everyone."""


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


def compare(
    log: Interactions,
    recipe: Recipe,
    *,
    clients: Clients | None = None,
    split: Split | None = None,
    protocol: EvaluationProtocol | None = None,
    participation: Participation | None = None,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    shared: bool = False,
    plan: Plan | None = None,
    executor: ExecutorFactory = Serial,
    seed: int = 0,
    checkpoint: Path | None = None,
    resume: bool = False,
    noise_seed: int | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Say what federating a log would give.

    Parameters
    ----------
    log
        The interactions.
    recipe
        The model to train.
    clients
        Who holds which users; each user a device of its own by default.
    split
        How the test and validation interactions are held out; the last ones by default.
    protocol
        How models are judged.
    participation
        Who takes part in a round; everyone by default.
    policy
        What privacy the federated training promises; none by default. Whatever else is trained,
        and all judging, is the simulator's own and outside the promise.
    ledger
        Where the releases are charged; in memory by default.
    shared
        Whether all runs on the same data share one budget in the ledger; by default each run has
        its own.
    plan
        What to compare with.
    executor
        Where sums are computed.
    seed
        For initial vectors, draws and participation.
    checkpoint, resume
        The file in which the federated training keeps its state, and whether to go on from it.
    noise_seed
        Repeats the noise that privacy asks for; by default it comes from a secret that is kept only
        while the run is unfinished. A model whose noise can be repeated must not be published.
    listener
        Hears of progress.

    Raises
    ------
    DataError
        There are too few users or items to compare anything.
    PolicyError
        The run would spend more privacy than its policy allows.
    """
    clients = clients or Clients.devices(log.users)
    split, plan, policy = split or LastOut(), plan or Plan(), policy or Policy()
    protocol = protocol or EvaluationProtocol(seed=seed)
    listener = listener or Silent()
    test = split.test(log.block)
    _check(log, test, seed)
    yardstick = make_yardstick(log.catalog, test.history)
    training = split.validation(log.block) if plan.patience else test
    share = min(1.0, WATCHED_USERS / len(log.users)) if not plan.patience else 1.0
    watch = Watch(protocol, yardstick, plan.patience, share) if plan.watch else None
    participation = participation or Participation(seed=seed)
    settings = (recipe, participation, protocol, split, policy, plan.patience, seed)
    resumed = unfinished(checkpoint) if resume and checkpoint else None
    secret = resumed.secret if resumed else _fresh(noise_seed)
    belongs = _fingerprint(log, training, clients, settings)
    kept = None if checkpoint is None else Checkpoint(checkpoint, belongs, secret)
    name = run_name(secret, belongs)
    pipeline = Pipeline.of(
        policy,
        recipe.charges,
        clients,
        ledger=ledger or Ledger(),
        account=SHARED if shared else name,
        run=name,
        seed=secret,
    ).resumed_at(resumed.round if resumed else 0)
    # Planned before the work, so that a budget without sense is not found out at its end.
    curves = plan_curve(recipe, clients, policy, plan.curve)
    found: dict[str, Contender] = {}
    with executor(training) as workers:
        listener.stage("federated", len(recipe.charges))
        run = train(
            recipe,
            workers,
            log.catalog,
            clients,
            participation=participation,
            pipeline=pipeline,
            seed=seed,
            watch=watch,
            checkpoint=kept,
            resume=resume,
            on_round=listener.round,
        )
        runs = {"federated": run}
        costs = measure_costs(
            recipe,
            workers,
            log.catalog,
            clients,
            participation=participation,
            pipeline=pipeline,
            rounds=run.rounds,
            seed=seed,
        )
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
    with executor(test) as workers:

        def judged(scorer: Scorer) -> Evaluation:
            return evaluate(scorer, workers, len(test), protocol, yardstick)

        for name, done in runs.items():
            figures = (done.seconds, done.rounds, done.bytes_up, done.bytes_down)
            found[name] = Contender(name, judged(done.scorer), *figures)
        if "pooled" in plan.contenders:
            listener.stage("pooled", 1)
            started = time.perf_counter()
            state = recipe.pooled(training.history, log.catalog, seed)
            seconds = time.perf_counter() - started
            note = "the same model with all data in one place"
            note += ", and without noise" if policy.private else ""
            found["pooled"] = Contender("pooled", judged(recipe.scorer(state)), seconds, note=note)
        if curves:
            listener.stage("quality by epsilon", (len(curves) + 1) * plan.curve_seeds)
        curve = trace_curve(
            recipe,
            workers,
            log.catalog,
            clients,
            pipelines=curves,
            participation=participation,
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
        policy=policy,
        noise=pipeline.plan,
        noise_seed=noise_seed,
        releases=_charged(pipeline),
        costs=costs,
        seed=seed,
        plan=plan,
        contenders=found,
        recommender=recommender,
        examples=pick_examples(recommender, log, test, repeats=protocol.repeats),
        client_updates_per_second=run.client_updates / max(run.seconds, 1e-9),
        curve=curve,
    )


def _charged(pipeline: Pipeline) -> tuple[Entry, ...]:
    """Return what a run charged, without what others charged to the same account."""
    of_account = pipeline.ledger.of(pipeline.account)
    return tuple(entry for entry in of_account if entry.name.startswith(f"{pipeline.run}/"))


def _fresh(noise_seed: int | None) -> str:
    """Return what keys a new run's noise."""
    return secrets.token_hex(16) if noise_seed is None else f"seed {noise_seed}"


def _fingerprint(
    log: Interactions, training: Fold, clients: Clients, settings: tuple[object, ...]
) -> str:
    features = log.catalog.features.write_json()
    ids = (log.users, log.catalog.ids)
    return fingerprint(training, clients.owner, ids, *settings, features)


def _check(log: Interactions, test: Fold, seed: int) -> None:
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
