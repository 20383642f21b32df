"""Terms of length 1 against loops over users; no history makes a longer one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from support import histories_of, random_block, structured_block, with_weights

from hedgerow.data.block import Block
from hedgerow.models import decay as decay_module
from hedgerow.models.unit_terms import LEAST, UnitFollowers, UnitSets
from hedgerow.statistics import Field, Schema

BLOCKS = {
    "random": random_block(users=30),
    "weighted": with_weights(random_block(users=30)),
    "distinct": structured_block(users=30),
    "nobody": Block.of([], 4),
    "nobody met anything": Block.of([[], []], 4),
    "single interactions": Block.of([[1], [], [2]], 4),
    "one item": Block.of([[0] * 9, [0], [], [0, 0]], 1),
    "very unequal": Block.of([[0], np.arange(400) % 7, [], [3, 3, 3], np.arange(50) % 5], 7),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
every_decay = pytest.mark.parametrize("decay", [0.0, 0.6, 0.95])


def vectors_of(n_items, dimension=4, seed=0):
    drawn = np.random.default_rng(seed).standard_normal((n_items, dimension))
    return drawn.astype(np.float32)


def sets_of(block):
    return UnitSets(Schema({"counts": Field((block.n_items,))}), csr_array(block.incidence()))


def followers_of(block, vectors, decay):
    return UnitFollowers(Schema({"next": Field(vectors.shape)}), block, vectors, decay)


def alone(contributions):
    """Return each user's flat term."""
    (name,) = contributions.schema.fields
    units = np.eye(len(contributions))
    rows = [contributions.sum(unit)[name].ravel().astype(float) for unit in units]
    return np.array(rows).reshape(len(units), contributions.schema.size)


def naive_set(history, n_items):
    term = np.zeros(n_items)
    for item in set(history):
        term[item] = 1 / len(set(history)) ** 0.5
    return term


def naive_followers(history, vectors, decay):
    """Return the sum of unit states before each item, and the sum of their squared lengths."""
    rows, count = np.zeros(vectors.shape), 0
    for position in range(1, len(history)):
        state = np.zeros(vectors.shape[1])
        for age, item in enumerate(reversed(history[:position])):
            state += decay**age * vectors[item].astype(float)
        rows[history[position]] += state / np.linalg.norm(state)
        count += 1
    return rows, count


def naive_unit(history, vectors, decay):
    rows, _ = naive_followers(history, vectors, decay)
    return (rows / max(np.linalg.norm(rows), 1e-9)).ravel()


@every_block
def test_sets_are_those_of_loops_over_users(block):
    contributions = sets_of(block)
    wanted = np.array([naive_set(h, block.n_items) for h in histories_of(block)])
    wanted = wanted.reshape(len(block), block.n_items)
    assert_allclose(alone(contributions), wanted, atol=1e-12)
    weights = np.random.default_rng(0).uniform(0, 1, len(block))
    assert_allclose(contributions.sum(weights)["counts"], weights @ wanted, atol=1e-12)


@every_block
@every_decay
def test_followers_are_those_of_loops_over_users(block, decay):
    vectors = vectors_of(block.n_items)
    contributions = followers_of(block, vectors, decay)
    wanted = np.array([naive_unit(h, vectors, decay) for h in histories_of(block)])
    wanted = wanted.reshape(len(block), vectors.size)
    assert_allclose(alone(contributions), wanted, atol=1e-5)
    weights = np.random.default_rng(0).uniform(0, 1, len(block))
    summed = contributions.sum(weights)["next"]
    assert summed.shape == vectors.shape
    assert_allclose(summed.ravel(), weights @ wanted, atol=2e-5)


@every_block
@every_decay
def test_every_term_has_length_one_or_none(block, decay):
    followers = followers_of(block, vectors_of(block.n_items), decay)
    for contributions, least in ((sets_of(block), 1), (followers, 2)):
        wanted = (block.lengths >= least).astype(float)
        assert len(contributions) == len(block)
        assert_array_equal(contributions.norms(), wanted)
        assert_allclose(np.linalg.norm(alone(contributions), axis=1), wanted, atol=1e-6)


def test_vectors_of_zeros_make_terms_of_zeros():
    block = BLOCKS["random"]
    contributions = followers_of(block, np.zeros((block.n_items, 3), np.float32), 0.5)
    assert not contributions.norms().any()
    assert not contributions.sum(np.ones(len(block)))["next"].any()


def test_cutting_into_pieces_does_not_change_a_sum(monkeypatch):
    block = random_block(users=40)
    contributions = followers_of(block, vectors_of(block.n_items), 0.7)
    weights = np.random.default_rng(0).uniform(0, 1, len(block))
    whole = contributions.sum(weights)["next"]
    monkeypatch.setattr(decay_module, "PIECE", 11)
    assert_allclose(contributions.sum(weights)["next"], whole, atol=1e-5)


histories = st.lists(st.integers(0, 3), max_size=40)


@given(histories, st.sampled_from([0.0, 0.5, 0.9]), st.integers(1, 3), st.integers(0, 5))
def test_no_history_makes_a_term_longer_than_one(history, decay, dimension, seed):
    vectors = vectors_of(4, dimension, seed)
    term = alone(followers_of(Block.of([history], 4), vectors, decay))
    length = np.linalg.norm(term)
    assert length <= 1 + 1e-5
    rows, count = naive_followers(history, vectors, decay)
    if (rows**2).sum() > 1.001 * LEAST * count:
        assert length == pytest.approx(1, abs=1e-5)


@given(
    st.integers(1, 200),
    st.sampled_from([0.0, 1e-6, 1e-4, 1e-3, 0.03, 0.3]),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_nor_does_one_whose_states_cancel(rounds, offset, dimension, seed):
    """Going round two opposite items so that each follows both as often, all rows cancel."""
    rng = np.random.default_rng(seed)
    one = rng.standard_normal(dimension)
    other = -rng.uniform(0.5, 2) * one + offset * rng.standard_normal(dimension)
    vectors = np.array([one, other], np.float32)
    block = Block.of([[0, 0, 1, 1] * rounds + [0]], 2)
    assert np.linalg.norm(alone(followers_of(block, vectors, 0.0))) <= 1 + 1e-5


def test_nor_does_a_walk_over_all_pairs_of_a_simplex():
    """Centred vectors of items that are alike in nothing: each row's states add up to nothing."""
    size = 5
    vectors = (np.eye(size) - 1 / size).astype(np.float32)
    walk = []
    for first in range(size):
        walk += [first, *(item for second in range(first + 1, size) for item in (first, second))]
    # De Bruijn's circle: every item follows every item once a turn.
    assert len({*zip(walk, [*walk[1:], 0], strict=True)}) == len(walk) == size**2
    block = Block.of([walk * 20 + [0]], size)
    vectors += np.random.default_rng(0).normal(0, 1e-5, vectors.shape).astype(np.float32)
    assert np.linalg.norm(alone(followers_of(block, vectors, 0.0))) <= 1 + 1e-5
