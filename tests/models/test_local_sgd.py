"""Local epochs against one client after another that copies its rows; and the drawn negatives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from support import (
    histories_of,
    random_block,
    structured_block,
    trained_in_order,
    with_weights,
)

from hedgerow.data.block import Block
from hedgerow.models import local_sgd
from hedgerow.models.local_sgd import Epochs, draw_examples

LOSSES = pytest.mark.parametrize("loss", ["bce", "bpr"])
BLOCKS = {
    "odd": random_block(users=30),
    "distinct": structured_block(users=30),
    "weighted": with_weights(random_block(users=30)),
    "long": Block.of([np.arange(300) % 11, [1], []], 11),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_client(vectors, examples, span, epochs, rate, proximal, *, move_items):
    """Run one client's epochs on its own copies of the rows of its examples, in float64."""
    items = examples.items[span]
    against = None if examples.against is None else examples.against[span]
    labels, weights = examples.labels[span], examples.weights[span].astype(float)
    user = np.zeros(vectors.shape[1])
    start = vectors[items].astype(float)
    copies = start.copy()
    rivals_start = None if against is None else vectors[against].astype(float)
    rivals = None if against is None else rivals_start.copy()
    for _ in range(epochs):
        new_user, new_copies = user.copy(), copies.copy()
        new_rivals = None if rivals is None else rivals.copy()
        for e in range(len(items)):
            row = copies[e] if rivals is None else copies[e] - rivals[e]
            error = weights[e] * (sigmoid(row @ user) - labels[e])
            new_user -= rate * error * row
            new_copies[e] -= rate * (error * user + proximal * (copies[e] - start[e]))
            if rivals is not None:
                pull = proximal * (rivals[e] - rivals_start[e])
                new_rivals[e] -= rate * (-error * user + pull)
        user = new_user
        if move_items:
            copies, rivals = new_copies, new_rivals
    if rivals is not None:
        assert_allclose(rivals - rivals_start, start - copies, atol=1e-12)
    return copies - start, user


@every_block
@LOSSES
@pytest.mark.parametrize("proximal", [0.0, 0.7])
@pytest.mark.parametrize("move_items", [True, False])
def test_local_epochs_are_those_of_one_client_after_another(block, loss, proximal, move_items):
    vectors = np.random.default_rng(0).standard_normal((block.n_items, 4)).astype(np.float32)
    examples = draw_examples(block, loss, seed=3, round_number=2)
    epochs = Epochs(4, 0.01 if len(block) == 3 else 0.2, proximal)
    users, moved = trained_in_order(vectors, examples, epochs, move_items=move_items)
    for user in range(len(block)):
        span = slice(examples.indptr[user], examples.indptr[user + 1])
        changes, vector = naive_client(
            vectors, examples, span, epochs.count, epochs.rate, proximal, move_items=move_items
        )
        assert_allclose(users[user], vector, rtol=1e-4, atol=1e-5)
        if move_items:
            assert_allclose(moved[span], changes, rtol=1e-4, atol=1e-5)
    assert (moved is not None) == move_items


@LOSSES
def test_the_first_epoch_leaves_items_still(loss):
    """Every user vector starts at zero, so that items have nowhere to go at first."""
    block = BLOCKS["distinct"]
    vectors = np.ones((block.n_items, 3), np.float32)
    examples = draw_examples(block, loss, 0, 0)
    assert_array_equal(trained_in_order(vectors, examples, Epochs(1, 0.1))[1], 0)


@LOSSES
def test_the_size_of_chunks_does_not_matter(loss, monkeypatch):
    block = random_block(users=60, longest=30)
    vectors = np.random.default_rng(0).standard_normal((block.n_items, 4)).astype(np.float32)
    examples = draw_examples(block, loss, 0, 0)
    results = []
    for size in (1, 50, 1 << 20):
        monkeypatch.setattr(local_sgd, "CHUNK", size)
        results.append(trained_in_order(vectors, examples, Epochs(3, 0.1)))
    for result in results[1:]:
        assert_allclose(result[0], results[0][0], rtol=1e-4, atol=1e-6)
        assert_allclose(result[1], results[0][1], rtol=1e-4, atol=1e-6)


def pairs(examples, block):
    """Return each user's (item, drawn item, weight of the drawn one), whichever the loss."""
    if examples.against is None:
        items, drawn = examples.items[::2], examples.items[1::2]
        assert_array_equal(examples.labels, np.tile([1, 0], len(items)))
        weights = examples.weights[1::2]
        assert_array_equal(examples.indptr, 2 * block.indptr)
    else:
        items, drawn, weights = examples.items, examples.against, examples.weights
        assert_array_equal(examples.labels, 1)
        assert_array_equal(examples.indptr, block.indptr)
    rows = list(zip(items.tolist(), drawn.tolist(), weights.tolist(), strict=True))
    return [rows[a:b] for a, b in zip(block.indptr[:-1], block.indptr[1:], strict=True)]


@every_block
@LOSSES
def test_each_interaction_has_a_drawn_item_that_counts_if_not_met(block, loss):
    weights = np.ones(len(block.items)) if block.weights is None else block.weights
    paired = pairs(draw_examples(block, loss, 5, 1), block)
    at = 0
    for history, rows in zip(histories_of(block), paired, strict=True):
        assert [item for item, _, _ in rows] == history
        for _, drawn, weight in rows:
            assert 0 <= drawn < block.n_items
            assert weight == (0 if drawn in history else weights[at])
            at += 1


@LOSSES
def test_draws_depend_on_the_key_alone_not_on_the_grouping(loss):
    block = random_block(users=40)
    whole = pairs(draw_examples(block, loss, 7, 3), block)
    order = np.random.default_rng(0).permutation(len(block))
    for part in (order, order[:5], order[:1], np.arange(10)):
        taken = block.take(part)
        alone = pairs(draw_examples(taken, loss, 7, 3), taken)
        assert alone == [whole[u] for u in part]


def test_draws_change_with_seed_round_and_key():
    block = Block.of([list(range(50))] * 2, 1000)
    drawn = {
        tuple(draw_examples(block, "bpr", seed, number).against.tolist())
        for seed in (0, 1)
        for number in (-1, 0, 1)
    }
    assert len(drawn) == 6
    one = draw_examples(block, "bpr", 0, 0).against
    assert one[:50].tolist() != one[50:].tolist()
    again = draw_examples(block, "bpr", 0, 0).against
    assert_array_equal(one, again)


def test_draws_are_uniform_over_the_catalog_held_out_items_included():
    block = Block.of([[i % 17] * 20 for i in range(300)], 17)
    drawn = np.concatenate([draw_examples(block, "bpr", 0, r).against for r in range(5)])
    assert stats.chisquare(np.bincount(drawn, minlength=17)).pvalue > 0.001
