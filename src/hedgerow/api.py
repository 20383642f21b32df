"""The Python interface in four verbs: read, hold out, simulate, evaluate."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import NamedTuple

from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, LastOut, Split
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Executor, Processes, Serial
from hedgerow.federation.pipeline import SHARED, Pipeline
from hedgerow.federation.simulator import Run, train
from hedgerow.federation.simulator import evaluate as evaluate_sum
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.recommender import Recommender


class HeldOut(NamedTuple):
    """A log to train on, and the fold to judge by."""

    train: Interactions
    test: Fold


@dataclass(frozen=True)
class Simulation:
    """A simulated federation's outcome.

    Parameters
    ----------
    model
        What recommends.
    run
        Its rounds, bytes and time.
    ledger
        What privacy was spent.
    """

    model: Recommender
    run: Run
    ledger: Ledger


def hold_out(log: Interactions, split: Split | None = None) -> HeldOut:
    """Part a log into what models may see and what they must foretell.

    Parameters
    ----------
    log
        The interactions.
    split
        Each user's last interaction by default.
    """
    fold = (split or LastOut()).test(log.block)
    return HeldOut(replace(log, block=fold.history, values=None), fold)


def simulate(
    recipe: Recipe,
    log: Interactions,
    *,
    clients: Clients | None = None,
    participation: Participation | None = None,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    workers: int = 1,
    seed: int = 0,
) -> Simulation:
    """Train a model over a log's users as a federation would.

    Parameters
    ----------
    recipe
        The model and its hyper-parameters.
    log
        The interactions, all of which are trained on.
    clients
        Who holds which users; every user is a device by default.
    participation
        Who takes part in a round; everyone by default.
    policy
        What privacy is promised; none by default.
    ledger
        Where releases are charged, beside those of other runs on it; one in memory by default.
    workers
        Processes among which the sums are shared out.
    seed
        For everything random but privacy's noise, which comes from a secret.

    Raises
    ------
    ConfigError
        There is less than one worker, or the seed is below 0.
    PolicyError
        The ledger has nothing left to spend, or too few clients take part.
    """
    if workers < 1:
        raise ConfigError("At least one worker is needed.")
    if seed < 0:
        raise ConfigError("The seed must be 0 or more.")
    everything = Fold(log.block, log.block.where(log.block.ages < 0))
    clients = clients or Clients.devices(log.users)
    policy, ledger = policy or Policy(), ledger or Ledger()
    executor: Executor = Serial(everything) if workers == 1 else Processes(everything, workers)
    with executor as sums:
        pipeline = Pipeline.of(
            policy,
            recipe.charges,
            clients,
            ledger=ledger,
            account=SHARED,
            run=secrets.token_hex(16),
            seed=secrets.token_hex(16),
        )
        run = train(
            recipe,
            sums,
            log.catalog,
            clients,
            participation=participation,
            pipeline=pipeline,
            seed=seed,
        )
    return Simulation(Recommender(recipe, run.state, log.catalog), run, ledger)


def evaluate(
    model: Recommender, fold: Fold, k: int = 10, *, repeats: bool = False, seed: int = 0
) -> Evaluation:
    """Judge a model by full and sampled ranking on held-out interactions.

    Parameters
    ----------
    model
        What recommends.
    fold
        From :func:`hold_out`.
    k
        Length of the lists.
    repeats
        Whether items of the history may be recommended.
    seed
        For the sampled ranking and the bootstrap.

    Raises
    ------
    DataError
        Nobody has anything held out.
    """
    protocol = EvaluationProtocol(k=k, repeats=repeats, seed=seed)
    yardstick = make_yardstick(model.catalog, fold.history)
    return evaluate_sum(model.scorer, Serial(fold), len(fold), protocol, yardstick)
