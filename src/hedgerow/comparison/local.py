"""What each client would achieve with the same model and nothing but its own data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from hedgerow.data.block import Block, Ints
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
    clients, population
        How many there were, and among how many they were drawn.
    seconds
        Of training.
    """

    evaluation: Evaluation
    clients: int
    population: int
    seconds: float

    @property
    def note(self) -> str:
        """What a reader of the figures must know."""
        text = "each client's model is trained and judged on its own users"
        if self.clients < self.population:
            text += f", for {self.clients} clients drawn at random"
        return text


def choose_clients(fold: Fold, clients: Clients, *, repeats: bool, limit: int, seed: int) -> Ints:
    """Draw at most ``limit`` clients among those that have something to judge.

    Parameters
    ----------
    fold
        All clients' histories and held-out interactions.
    clients
        Who holds what.
    repeats
        Whether an item of the history may be recommended; if not, it cannot be judged.
    limit
        At most so many.
    seed
        For the draw.
    """
    targets, m = fold.targets, np.int64(fold.targets.n_items)
    reachable = np.ones(len(targets.items), np.bool_)
    if not repeats:
        met = fold.history.rows * m + fold.history.items
        reachable = ~np.isin(targets.rows * m + targets.items, met)
    found = np.bincount(targets.rows, reachable, len(fold)) > 0
    able = np.unique(clients.owner[(fold.history.lengths > 0) & found])
    return np.random.default_rng(seed).permutation(able)[:limit]


def train_alone(
    recipe: Recipe,
    catalog: Catalog,
    training: Block,
    fold: Fold,
    clients: Clients,
    *,
    chosen: Ints,
    protocol: EvaluationProtocol,
    yardstick: Yardstick,
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
    training
        What all clients may train on.
    fold
        What they are judged by.
    clients
        Who holds what.
    chosen
        The clients to train on, from :func:`choose_clients`; at least one.
    protocol, yardstick
        How models are judged.
    seed
        For initial vectors.
    on_client
        Called after each client.
    """
    members = np.argsort(clients.owner, kind="stable")
    starts = np.searchsorted(clients.owner[members], np.stack([chosen, chosen + 1]))
    terms, seconds = [], 0.0
    # A device's matrices are small: more threads would only wait for each other.
    with threadpool_limits(1 if clients.kind == "devices" else None):
        for start, stop in starts.T:
            users = members[start:stop]
            began = time.perf_counter()
            state = run_steps(recipe, recipe.start(catalog, seed), training.take(users))
            seconds += time.perf_counter() - began
            step = Evaluate(recipe.scorer(state), protocol, yardstick)
            terms.append(contribute(step, fold.take(users), np.ones(len(users))))
            on_client()
    return Alone(step.update(total(terms)), len(chosen), len(clients), seconds)
