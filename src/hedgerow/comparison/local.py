"""What each client would achieve with the same model and nothing but its own data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from hedgerow.comparison.sizes import sizes_of
from hedgerow.data.block import Block, Ints
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.evaluation.evaluate import Evaluate, Evaluation, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.federation.contribute import contribute
from hedgerow.models.base import Recipe, run_steps
from hedgerow.statistics import Statistics, total


@dataclass(frozen=True)
class Part:
    """What models of clients of one size achieved.

    Parameters
    ----------
    size
        From `sizes_of`.
    chosen
        The clients that were trained on, by number.
    population
        How many clients of this size there are.
    evaluation
        The sum of their evaluations.
    """

    size: int
    chosen: Ints
    population: int
    evaluation: Evaluation


@dataclass(frozen=True)
class Alone:
    """What models trained on one client each achieved.

    Parameters
    ----------
    evaluation
        The sum of their evaluations; where clients of some sizes were drawn among more, these count
        for those that were not drawn.
    clients, population
        How many there were, and among how many they were drawn.
    seconds
        Of training.
    parts
        The same by the clients' sizes, the smallest first.
    """

    evaluation: Evaluation
    clients: int
    population: int
    seconds: float
    parts: tuple[Part, ...]

    @property
    def note(self) -> str:
        """What a reader of the figures must know."""
        text = "each client's model is trained and judged on its own users"
        if self.clients < self.population:
            text += f", for {self.clients} clients drawn at random"
        return text


def choose_clients(fold: Fold, clients: Clients, *, repeats: bool, limit: int, seed: int) -> Ints:
    """Draw at most ``limit`` clients of each size among those that have something to judge.

    Parameters
    ----------
    fold
        All clients' histories and held-out interactions.
    clients
        Who holds what.
    repeats
        Whether an item of the history may be recommended; if not, it cannot be judged.
    limit
        At most so many of each size.
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
    drawn, sizes = np.random.default_rng(seed).permutation(able), sizes_of(clients)
    return np.concatenate([drawn[sizes[drawn] == size][:limit] for size in np.unique(sizes)])


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
    sizes, seconds = sizes_of(clients), 0.0
    sums: dict[int, Statistics] = {}
    # A device's matrices are small: more threads would only wait for each other.
    with threadpool_limits(1 if clients.kind == "devices" else None):
        for client, (start, stop) in zip(chosen, starts.T, strict=True):
            held = members[start:stop]
            began = time.perf_counter()
            state = run_steps(recipe, recipe.start(catalog, seed), training.take(held))
            seconds += time.perf_counter() - began
            step = Evaluate(recipe.scorer(state), protocol, yardstick)
            term = contribute(step, fold.take(held), np.ones(len(held)))
            size = int(sizes[client])
            sums[size] = sums[size] + term if size in sums else term
            on_client()
    parts = [
        Part(
            size,
            chosen[sizes[chosen] == size],
            int(np.count_nonzero(sizes == size)),
            step.update(sums[size]),
        )
        for size in sorted(sums)
    ]
    # Where clients of a size were drawn, their users stand for all users of clients of that size.
    owners = clients.owner[(fold.history.lengths > 0) & (fold.targets.lengths > 0)]
    users = np.bincount(sizes[owners], minlength=len(sums))
    drawn = np.bincount(sizes[owners[np.isin(owners, chosen)]], minlength=len(users))
    whole = [sums[part.size].scaled(users[part.size] / drawn[part.size]) for part in parts]
    judged = sum(part.evaluation.users for part in parts)
    evaluation = replace(step.update(total(whole)), users=judged)
    return Alone(evaluation, len(chosen), len(clients), seconds, tuple(parts))
