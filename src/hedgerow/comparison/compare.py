"""Train a model federated, pooled and on each client alone, beside popularity, and judge all."""

from __future__ import annotations

import secrets
from pathlib import Path

from hedgerow.comparison.costs import measure_costs
from hedgerow.comparison.curve import plan_curve
from hedgerow.comparison.judge import (
    ExecutorFactory,
    Listener,
    Silent,
    Trained,
    check_data,
    judge,
)
from hedgerow.comparison.result import Comparison, Plan
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, LastOut, Split
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.checkpoint import Checkpoint, fingerprint, unfinished
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import SHARED, Pipeline, run_name
from hedgerow.federation.simulator import Watch, train
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.policy import Policy

WATCHED_USERS = 1_000
"""Users by whom the curve over rounds is drawn; the final figures take everyone."""


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
    check_data(log, test, seed)
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
    trained = Trained(
        run, policy, pipeline.plan, _charged(pipeline), costs=costs, noise_seed=noise_seed
    )
    return judge(
        log,
        trained,
        clients=clients,
        split=split,
        protocol=protocol,
        participation=participation,
        plan=plan,
        curves=curves,
        executor=executor,
        seed=seed,
        listener=listener,
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
