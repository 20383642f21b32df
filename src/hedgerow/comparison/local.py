"""What each client would achieve with the same model and nothing but its own data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.evaluation.evaluate import Evaluate, Evaluation, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.federation.contribute import contribute
from hedgerow.models.base import Recipe, run_steps
from hedgerow.statistics import total


@dataclass(frozen=True)
class Alone:
    """What models trained on one client each achieved.

    Parameters
    ----------
    evaluation
        The sum of their evaluations.
    clients
        How many there were.
    seconds
        Of training.
    """

    evaluation: Evaluation
    clients: int
    seconds: float


def train_alone(
    recipe: Recipe,
    catalog: Catalog,
    fold: Fold,
    clients: Clients,
    *,
    protocol: EvaluationProtocol,
    yardstick: Yardstick,
    limit: int,
    seed: int,
    on_client: Callable[[], None] = lambda: None,
) -> Alone:
    """Train on single clients and judge each model on its own client's users.

    Parameters
    ----------
    recipe
        The model, with the hyper-parameters of the federated one.
    catalog
        The public items.
    fold
        All clients' histories and held-out interactions.
    clients
        Who holds what.
    protocol, yardstick
        How models are judged.
    limit
        At most so many clients, drawn at random among those with something to judge.
    seed
        For the draw and for initial vectors.
    on_client
        Called after each client.
    """
    able = np.unique(clients.owner[(fold.history.lengths > 0) & (fold.targets.lengths > 0)])
    chosen = np.random.default_rng(seed).permutation(able)[:limit]
    members = np.argsort(clients.owner, kind="stable")
    starts = np.searchsorted(clients.owner[members], np.stack([chosen, chosen + 1]))
    terms, seconds = [], 0.0
    # A client's matrices are small: more threads would only wait for each other.
    with threadpool_limits(1):
        for start, stop in starts.T:
            part = fold.take(members[start:stop])
            began = time.perf_counter()
            state = run_steps(recipe, recipe.start(catalog, seed), part.history)
            seconds += time.perf_counter() - began
            step = Evaluate(recipe.scorer(state), protocol, yardstick)
            terms.append(contribute(step, part, np.ones(len(part))))
            on_client()
    return Alone(step.update(total(terms)), len(chosen), seconds)
