"""The job that every engine of the peer comparison is given, and its client step.

The job is federated matrix factorisation of the shape of MovieLens 100K: 943 clients, 1682 items,
32 dimensions, five full-batch local epochs. It travels as one ``.npz`` file, so that engines that
live in different environments train on the same examples from the same initial vectors. Nothing
but NumPy is imported here, for the same reason.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]

N_CLIENTS = 943
N_ITEMS = 1682
N_DIMENSIONS = 32
N_INTERACTIONS = 100_000
LEARNING_RATE = 0.05
EPOCHS = 5


@dataclass(frozen=True)
class Workload:
    """Clients' training examples and the initial item vectors.

    Parameters
    ----------
    indptr
        Where each client's examples begin and end, of length ``n_clients + 1``.
    items
        The item of each example.
    labels
        1 for an item the client interacted with, 0 for a drawn one.
    vectors
        Initial item vectors, ``(n_items, n_dimensions)``.
    learning_rate
        Step size of the local epochs.
    epochs
        Number of full-batch local epochs.
    """

    indptr: Integers
    items: NDArray[np.int32]
    labels: Floats
    vectors: Floats
    learning_rate: float
    epochs: int

    @property
    def n_clients(self) -> int:
        """Number of clients."""
        return len(self.indptr) - 1

    def client(self, index: int) -> tuple[NDArray[np.int32], Floats]:
        """Return the items and labels of one client, as views."""
        own = slice(int(self.indptr[index]), int(self.indptr[index + 1]))
        return self.items[own], self.labels[own]

    def save(self, path: Path) -> None:
        """Write the workload to an ``.npz`` file."""
        np.savez(
            path,
            indptr=self.indptr,
            items=self.items,
            labels=self.labels,
            vectors=self.vectors,
            learning_rate=np.float64(self.learning_rate),
            epochs=np.int64(self.epochs),
        )

    @classmethod
    def load(cls, path: Path) -> Workload:
        """Read a workload from an ``.npz`` file."""
        with np.load(path) as arrays:
            return cls(
                indptr=arrays["indptr"],
                items=arrays["items"],
                labels=arrays["labels"],
                vectors=arrays["vectors"],
                learning_rate=float(arrays["learning_rate"]),
                epochs=int(arrays["epochs"]),
            )


def client_update(
    vectors: Floats,
    items: NDArray[np.int32],
    labels: Floats,
    learning_rate: float,
    epochs: int,
) -> Floats:
    """Train one client and return the change it asks of the item vectors.

    Parameters
    ----------
    vectors
        The item vectors of this round; left as they are.
    items, labels
        The client's examples.
    learning_rate
        Step size.
    epochs
        Number of full-batch epochs, from a user vector of zeros.

    Returns
    -------
    Floats
        The change, in the shape of `vectors`. An item that occurs twice in `items` is trained as
        two rows and receives the sum of their changes.
    """
    rate = np.float32(learning_rate)
    before = vectors[items]
    rows = before.copy()
    user = np.zeros(vectors.shape[1], dtype=np.float32)
    for _ in range(epochs):
        scaled_error = rate * (1 / (1 + np.exp(-(rows @ user))) - labels)
        user_step = rows.T @ scaled_error
        rows -= np.multiply.outer(scaled_error, user)
        user -= user_step
    return _scatter_add(items, rows - before, vectors.shape)


def _scatter_add(items: NDArray[np.int32], changes: Floats, shape: tuple[int, ...]) -> Floats:
    total = np.zeros(shape, dtype=np.float32)
    # NumPy has a fast path for `add.at` with flat indices only: half the cost of the whole client
    # step would otherwise be spent here.
    positions = items[:, None] * np.int64(shape[1]) + np.arange(shape[1])
    np.add.at(total.reshape(-1), positions.reshape(-1), changes.reshape(-1))
    return total


def make_workload(data: Path | None, seed: int = 0) -> Workload:
    """Make the comparison's workload.

    Parameters
    ----------
    data
        Folder that holds MovieLens 100K's ``u.data``. Without it, a synthetic log of the same
        shape takes its place.
    seed
        Seed of the drawn items, the initial vectors and the synthetic log.
    """
    rng = np.random.default_rng(seed)
    users, items = _synthetic_log(rng) if data is None else _read_movielens(data)
    order = np.argsort(users, kind="stable")
    positives = np.split(items[order], np.cumsum(np.bincount(users, minlength=N_CLIENTS))[:-1])
    examples = [(own, rng.integers(0, N_ITEMS, size=len(own))) for own in positives]
    sizes = [2 * len(own) for own in positives]
    return Workload(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.concatenate([part for pair in examples for part in pair]).astype(np.int32),
        labels=np.concatenate([np.repeat([1.0, 0.0], len(own)) for own in positives]).astype(
            np.float32
        ),
        vectors=(0.1 * rng.standard_normal((N_ITEMS, N_DIMENSIONS))).astype(np.float32),
        learning_rate=LEARNING_RATE,
        epochs=EPOCHS,
    )


def _read_movielens(folder: Path) -> tuple[Integers, Integers]:
    table = np.loadtxt(folder / "u.data", dtype=np.int64, usecols=(0, 1))
    return table[:, 0] - 1, table[:, 1] - 1


def _synthetic_log(rng: np.random.Generator) -> tuple[Integers, Integers]:
    # The constants put the busiest user, the median user and the most popular item near those of
    # MovieLens 100K, whose users have at least 20 interactions each.
    fewest = 20
    weights = rng.gamma(0.7, size=N_CLIENTS)
    counts = fewest + rng.multinomial(N_INTERACTIONS - fewest * N_CLIENTS, weights / weights.sum())
    popularity = 1 / (np.arange(N_ITEMS) + 60.0)
    popularity /= popularity.sum()
    items = [rng.choice(N_ITEMS, size=count, replace=False, p=popularity) for count in counts]
    return np.repeat(np.arange(N_CLIENTS), counts), np.concatenate(items)


def default_data() -> Path | None:
    """Return ``$HEDGEROW_DATA/ml-100k`` if it holds MovieLens 100K."""
    root = os.environ.get("HEDGEROW_DATA")
    folder = Path(root) / "ml-100k" if root else None
    return folder if folder and (folder / "u.data").is_file() else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the workload to a file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--data", type=Path, default=default_data(), help="folder with u.data")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    make_workload(options.data, options.seed).save(options.out)


if __name__ == "__main__":
    main()
