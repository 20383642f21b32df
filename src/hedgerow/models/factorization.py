"""Matrix factorisation by local SGD: the literature's federated recommender, as the baseline.

FedAvg (McMahan 2017), FedProx (Li 2020) and FedAdam (Reddi 2021) over item vectors. A client keeps
no state between rounds: its user vector starts at zero each time and is learned along the way, as
in federated reconstruction (Singhal 2021), and what leaves is the change of the item vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, Scores, State, Step, check, run_steps
from hedgerow.models.expected import Expected, seed_expected, values_of
from hedgerow.models.limits import (
    DIMENSION,
    FOLD_IN_EPOCHS,
    LOCAL_EPOCHS,
    PULL,
    RATE,
    ROUNDS,
    at_most,
)
from hedgerow.models.local_sgd import Epochs, Examples, Trained, draw_examples, train_locally
from hedgerow.models.sparse_sums import recurring
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics

ADAM_DECAYS = (0.9, 0.99)
ADAM_FLOOR = 1e-3
"""First and second moment decay and adaptivity, as Reddi et al. recommend them."""


@dataclass(frozen=True)
class Factorization:
    """Federated matrix factorisation.

    Parameters
    ----------
    dimension
        Length of user and item vectors.
    loss
        ``bce``: each interaction against as many items drawn at random, as a classification;
        ``bpr``: each interaction above an item drawn at random.
    rounds
        How often the item vectors are improved.
    local_epochs
        Full passes over the client's own examples in a round.
    local_rate
        Step size of a pass.
    proximal
        FedProx's pull of a client's item vectors to the broadcast ones; 0 is FedAvg.
    server
        ``average`` adds the mean change; ``adam`` feeds it to Adam as a gradient.
    server_rate
        Step size of the server.
    fold_in_epochs
        Passes that fit the user vector when recommending.
    """

    dimension: int = 32
    loss: Literal["bce", "bpr"] = "bpr"
    rounds: int = 100
    local_epochs: int = 5
    local_rate: float = 0.1
    proximal: float = 0.0
    server: Literal["average", "adam"] = "adam"
    server_rate: float = 0.1
    fold_in_epochs: int = 20

    name: ClassVar[str] = "factorization"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "loss": ("bce", "bpr"),
        "local_rate": (0.03, 0.1, 0.2),
        "server_rate": (0.03, 0.1, 0.3),
        "proximal": (0.0, 0.1),
    }

    def __post_init__(self) -> None:
        check(self.dimension >= 1, "The dimension must be at least 1.")
        check(self.loss in {"bce", "bpr"}, "The loss is bce or bpr.")
        check(self.server in {"average", "adam"}, "The server is average or adam.")
        check(self.rounds >= 1, "At least one round is needed.")
        check(self.local_epochs >= 1, "At least one local epoch is needed.")
        check(self.local_rate > 0, "The local rate must be above 0.")
        check(self.server_rate > 0, "The server rate must be above 0.")
        check(self.proximal >= 0, "The proximal weight must be 0 or more.")
        check(self.fold_in_epochs >= 1, "At least one fold-in epoch is needed.")
        at_most(DIMENSION, self.dimension, "dimension")
        at_most(ROUNDS, self.rounds, "number of rounds")
        at_most(LOCAL_EPOCHS, self.local_epochs, "number of local epochs")
        at_most(FOLD_IN_EPOCHS, self.fold_in_epochs, "number of fold-in epochs")
        at_most(RATE, self.local_rate, "local rate")
        at_most(RATE, self.server_rate, "server rate")
        at_most(PULL, self.local_rate * self.proximal, "local rate times the proximal weight")

    @property
    def epochs(self) -> Epochs:
        """How clients train in a round."""
        return Epochs(self.local_epochs, self.local_rate, self.proximal)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """One sum a round."""
        return evenly(self.rounds)

    def start(self, catalog: Items, seed: int) -> State:
        """Return random item vectors."""
        shape = (len(catalog), self.dimension)
        vectors = np.random.default_rng(seed).standard_normal(shape, np.float32)
        return State({"vectors": vectors * np.float32(0.1), "seed": np.array(seed)})

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect item vectors, and the seed of local draws."""
        return {"vectors": values_of(items, self.dimension), "seed": seed_expected()}

    def step(self, state: State) -> Step[Block, State] | None:
        """Improve the item vectors, ``rounds`` times."""
        return TrainLocally(self, state) if state.round < self.rounds else None

    def scorer(self, state: State) -> Scorer:
        """Score by a user vector fitted to the history with the same local steps."""
        return LocallyFitted(self, state.arrays["vectors"], int(state.arrays["seed"]))

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Run the same rounds over everybody: for this method, that is what pooling means."""
        return run_steps(self, self.start(catalog, seed), block)


@dataclass(frozen=True)
class TrainLocally:
    """One round: local epochs on every client, and a server step along the mean change."""

    recipe: Factorization
    state: State
    additive: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Say which round this is."""
        return f"train locally ({self.state.round + 1} of {self.recipe.rounds})"

    @property
    def schema(self) -> Schema:
        """The change of all item vectors, and the number of users."""
        return Schema({"change": Field(self.state.arrays["vectors"].shape), "users": Field()})

    def contributions(self, data: Block) -> Contributions:
        """Draw examples and run the local epochs."""
        examples = draw_examples(
            data, self.recipe.loss, int(self.state.arrays["seed"]), self.state.round
        )
        return Changes(self.schema, self.state.arrays["vectors"], examples, self.recipe.epochs)

    def update(self, total: Statistics) -> State:
        """Move the item vectors by the mean change, or let Adam do so."""
        recipe, arrays = self.recipe, self.state.arrays
        change = total["change"] / max(float(total["users"]), 1.0)
        if recipe.server == "average":
            moved = recipe.server_rate * change
            server: Mapping[str, Array] = {}
        else:
            b1, b2 = ADAM_DECAYS
            zero = np.zeros_like(change)
            first = b1 * self.state.server.get("first", zero) + (1 - b1) * change
            second = b2 * self.state.server.get("second", zero) + (1 - b2) * change**2
            moved = recipe.server_rate * first / (np.sqrt(second) + ADAM_FLOOR)
            server = {"first": first, "second": second}
        vectors = (arrays["vectors"] + moved).astype(np.float32)
        return self.state.then({**arrays, "vectors": vectors}, server)


@dataclass(frozen=True)
class Changes:
    """The contributions of locally trained users.

    Parameters
    ----------
    schema
        The public shape.
    vectors
        The broadcast item vectors.
    examples
        What each user trains on.
    epochs
        How.
    """

    schema: Schema
    vectors: Array
    examples: Examples
    epochs: Epochs

    def __len__(self) -> int:
        return len(self.examples.indptr) - 1

    @cached_property
    def _trained(self) -> list[Trained]:
        """Train once for norms and sum alike; a block is small enough to keep what came of it."""
        return list(train_locally(self.vectors, self.examples, self.epochs))

    def norms(self) -> NDArray[np.float64]:
        """Return the norms; an item that recurs in one user's examples adds up first."""
        squares = np.zeros(len(self))
        sides = 1 if self.examples.against is None else 2
        for trained in self._trained:
            flat = trained.changes.reshape(len(trained.users), -1)
            each = np.matmul(flat[:, None, :], flat[:, :, None]).ravel().astype(np.float64)
            squares[trained.users] = sides * each + self._recurring(trained)
        return np.sqrt(squares + 1)

    def _recurring(self, trained: Trained) -> NDArray[np.float64]:
        """Return what items met twice add to users' squared norms beyond their single changes."""
        users, length, dimension = trained.changes.shape
        # What has no weight has not moved anything.
        moved = np.flatnonzero(trained.weights > 0)
        numbers, own = trained.numbers.take(moved), moved // length * len(self.vectors)
        keys = own + self.examples.items.take(numbers)
        if self.examples.against is not None:
            keys = np.concatenate([keys, own + self.examples.against.take(numbers)])
        pairs = list(recurring(keys))
        extra = np.zeros(users)
        if not pairs:
            return extra
        first, second = (np.concatenate(places) for places in zip(*pairs, strict=True))
        one, other = moved[first % len(moved)], moved[second % len(moved)]
        changes = trained.changes.reshape(-1, dimension)
        inner = np.einsum("ij,ij->i", changes.take(one, axis=0), changes.take(other, axis=0))
        # The two sides of a comparison change by opposites.
        signed = np.where((first < len(moved)) == (second < len(moved)), inner, -inner)
        extra += 2 * np.bincount(one // length, signed, users)
        return extra

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted change of every item."""
        change = np.zeros(self.vectors.shape, np.float32)
        for trained in self._trained:
            length = trained.numbers.shape[1]
            each = np.repeat(weights[trained.users], length).astype(np.float32)
            moved = trained.changes.reshape(len(each), -1)
            change += self._scattered(self.examples.items[trained.numbers], each) @ moved
            if self.examples.against is not None:
                change -= self._scattered(self.examples.against[trained.numbers], each) @ moved
        return Statistics({"change": change, "users": np.asarray(weights.sum())})

    def _scattered(self, items: NDArray[np.int64], each: Array) -> scipy.sparse.csr_array:
        """Return the matrix that adds every example to its item."""
        shape = (len(self.vectors), len(each))
        return scipy.sparse.csr_array((each, (items.ravel(), np.arange(len(each)))), shape=shape)


@dataclass(frozen=True)
class LocallyFitted:
    """Scores of a user vector that local epochs fit to the history, item vectors held still."""

    recipe: Factorization
    vectors: Array
    seed: int

    def scores(self, histories: Block) -> Scores:
        """Fit each history and multiply."""
        examples = draw_examples(histories, self.recipe.loss, self.seed, -1)
        users = np.zeros((len(histories), self.recipe.dimension), np.float32)
        epochs = Epochs(self.recipe.fold_in_epochs, self.recipe.local_rate)
        for fitted in train_locally(self.vectors, examples, epochs, move_items=False):
            users[fitted.users] = fitted.vectors
        return np.asarray(users @ self.vectors.T)
