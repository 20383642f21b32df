"""Small blocks, and the plain ways to look at them that the tests compare with."""

import numpy as np
import polars as pl

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import State
from hedgerow.models.local_sgd import train_locally

ODD = ([], [3], [5, 5, 5, 5], [1, 2, 1, 2, 3, 1])
"""Histories that break careless code: empty, of one interaction, of repeats."""


def catalog_of(n_items):
    return Catalog(pl.Series("item_id", [f"i{i}" for i in range(n_items)]))


def random_block(users=24, n_items=13, *, longest=9, seed=0, weighted=False):
    """Return random histories with repeats, the odd ones first."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, n_items, rng.integers(0, longest + 1)) for _ in range(users)]
    block = Block.of([*ODD, *drawn], n_items)
    return with_weights(block, seed) if weighted else block


def structured_block(users=60, n_items=20, *, length=8, groups=4, seed=0):
    """Return histories without repeats of users who keep to a group of items, mostly."""
    rng = np.random.default_rng(seed)
    histories = []
    for _ in range(users):
        taste = np.where(np.arange(n_items) % groups == rng.integers(groups), 12.0, 1.0)
        size = rng.integers(2, length + 1)
        histories.append(rng.choice(n_items, size, replace=False, p=taste / taste.sum()))
    return Block.of(histories, n_items)


def with_weights(block, seed=0):
    """Return the block with random interaction weights."""
    weights = np.random.default_rng(seed).uniform(0.2, 3, len(block.items)).astype(np.float32)
    return Block(block.indptr, block.items, block.n_items, block.keys, block.timestamps, weights)


def histories_of(block):
    """Return the item numbers of each user as plain lists."""
    return [
        block.items[a:b].tolist() for a, b in zip(block.indptr[:-1], block.indptr[1:], strict=True)
    ]


def pairs_of(block):
    """Return each user's (item, timestamp) pairs as plain lists."""
    return [
        list(zip(block.items[a:b].tolist(), block.timestamps[a:b].tolist(), strict=True))
        for a, b in zip(block.indptr[:-1], block.indptr[1:], strict=True)
    ]


def states_of(recipe, block, seed=0):
    """Return the states that training on the block goes through, the initial one first."""
    states: list[State] = [recipe.start(catalog_of(block.n_items), seed)]
    while (step := recipe.step(states[-1])) is not None:
        states.append(step.update(step.contributions(block).sum(np.ones(len(block)))))
    return states


def assert_same_arrays(one, other):
    """Require the same names, shapes, types and bits."""
    assert set(one) == set(other)
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        np.testing.assert_array_equal(array, other[name], err_msg=name)
        assert array.shape == other[name].shape, name


def trained_in_order(vectors, examples, epochs, *, move_items=True):
    """Run local epochs; return user vectors by row, and changes by example (None if held still)."""
    dimension = vectors.shape[1]
    users = np.zeros((len(examples.indptr) - 1, dimension), np.float32)
    changes = np.zeros((len(examples.items), dimension), np.float32) if move_items else None
    for trained in train_locally(vectors, examples, epochs, move_items=move_items):
        users[trained.users] = trained.vectors
        if move_items:
            weighed = trained.weights > 0
            assert not trained.changes[~weighed].any()
            changes[trained.numbers[weighed]] = trained.changes[weighed]
    return users, changes
