"""Blocks against plain lists of lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from support import histories_of, pairs_of, with_weights

from hedgerow.data.block import Block

N_ITEMS = 6
histories = st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=7), max_size=6)


@given(histories)
def test_a_block_of_lists_gives_the_lists_back(lists):
    block = Block.of(lists, N_ITEMS)
    assert histories_of(block) == lists
    assert len(block) == len(lists)
    assert block.lengths.tolist() == [len(h) for h in lists]
    assert block.keys.tolist() == list(range(len(lists)))


@given(histories)
def test_rows_positions_and_ages(lists):
    block = Block.of(lists, N_ITEMS)
    naive = [(u, p, len(h) - 1 - p) for u, h in enumerate(lists) for p in range(len(h))]
    assert block.rows.tolist() == [u for u, _, _ in naive]
    assert block.positions.tolist() == [p for _, p, _ in naive]
    assert block.timestamps.tolist() == [p for _, p, _ in naive]
    assert block.ages.tolist() == [a for _, _, a in naive]


@given(histories, st.integers(0, 7), st.integers(0, 7))
def test_a_slice_is_a_slice_of_the_lists(lists, start, stop):
    block = with_weights(Block.of(lists, N_ITEMS))
    part = block[start:stop]
    assert histories_of(part) == lists[start:stop]
    assert part.keys.tolist() == list(range(len(lists)))[start:stop]
    within = slice(*block.indptr[[min(start, len(block)), min(max(start, stop), len(block))]])
    assert_array_equal(part.weights, block.weights[within])


def test_slices_follow_pythons_rules():
    lists = [[1], [2, 3], []]
    block = Block.of(lists, N_ITEMS)
    assert histories_of(block[-2:]) == lists[-2:]
    assert histories_of(block[:]) == lists
    assert histories_of(block[2:1]) == []
    assert np.shares_memory(block[1:2].items, block.items)
    with pytest.raises(ValueError, match="stride"):
        block[::2]


@given(histories, st.data())
def test_take_is_indexing(lists, data):
    indices = st.lists(st.integers(0, max(len(lists) - 1, 0)), max_size=5 if lists else 0)
    users = data.draw(indices)
    block = with_weights(Block.of(lists, N_ITEMS))
    taken = block.take(np.array(users, np.int64))
    assert histories_of(taken) == [lists[u] for u in users]
    assert taken.keys.tolist() == users
    assert pairs_of(taken) == [pairs_of(block)[u] for u in users]
    starts = block.indptr[:-1]
    weights = [w for u in users for w in block.weights[starts[u] : starts[u] + len(lists[u])]]
    assert taken.weights.tolist() == weights


@given(histories, st.randoms(use_true_random=False))
def test_where_keeps_users(lists, random):
    block = with_weights(Block.of(lists, N_ITEMS))
    keep = np.array([random.random() < 0.5 for _ in block.items], np.bool_)
    naive = [[] for _ in lists]
    for user, item, kept in zip(block.rows, block.items, keep, strict=True):
        if kept:
            naive[user].append(item)
    part = block.where(keep)
    assert histories_of(part) == naive
    assert_array_equal(part.weights, block.weights[keep])
    assert_array_equal(part.timestamps, block.timestamps[keep])


@given(histories)
def test_matrix_adds_repeats_and_incidence_does_not(lists):
    block = Block.of(lists, N_ITEMS)
    counts = np.zeros((len(lists), N_ITEMS))
    for user, history in enumerate(lists):
        for item in history:
            counts[user, item] += 1
    assert_array_equal(block.matrix().toarray(), counts)
    assert_array_equal(block.incidence().toarray(), counts > 0)
    assert histories_of(block) == lists


def test_matrix_of_values():
    block = Block.of([[2, 2, 0], [], [1]], 3)
    matrix = block.matrix(np.array([1.0, 10.0, 100.0, 1000.0]))
    assert_array_equal(matrix.toarray(), [[100, 0, 11], [0, 0, 0], [0, 1000, 0]])


def test_making_a_matrix_leaves_the_values_alone():
    block = with_weights(Block.of([[2, 2, 0], [1, 1]], 3))
    before = block.weights.copy()
    matrix = block.matrix(block.weights)
    matrix.data[:] = 0
    assert_array_equal(block.weights, before)


def test_parts_that_do_not_fit_are_refused():
    good = Block.of([[1, 2], [0]], 3)
    parts = (good.indptr, good.items, good.n_items, good.keys, good.timestamps)
    with pytest.raises(ValueError, match="fit together"):
        Block(good.indptr[:-1], *parts[1:])
    with pytest.raises(ValueError, match="fit together"):
        Block(good.indptr + 1, *parts[1:])
    with pytest.raises(ValueError, match="fit together"):
        Block(*parts[:3], good.keys[:1], good.timestamps)
    with pytest.raises(ValueError, match="timestamp"):
        Block(*parts[:4], good.timestamps[:-1])
    with pytest.raises(ValueError, match="weight"):
        Block(*parts, np.ones(2, np.float32))
