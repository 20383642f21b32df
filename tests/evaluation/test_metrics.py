"""Metrics against their definitions, user by user."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from hedgerow.data.block import Block
from hedgerow.evaluation.metrics import ACCURACY, Yardstick, accuracy, coverage, gini, of_lists
from hedgerow.evaluation.ranking import Ranked

ranks_of_users = st.lists(
    st.lists(st.integers(1, 15), max_size=5, unique=True), min_size=1, max_size=6
)


def naive(ranks, k):
    """The textbook definitions, from the relevances of a list of k."""
    n = len(ranks)
    if not n:
        return dict.fromkeys(ACCURACY, 0.0)
    relevant = [place in ranks for place in range(1, k + 1)]
    gain = sum(r / math.log2(place + 1) for place, r in enumerate(relevant, 1))
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(n, k) + 1))
    precisions = [sum(relevant[:place]) / place for place, r in enumerate(relevant, 1) if r]
    return {
        "hr": float(any(relevant)),
        "ndcg": gain / ideal,
        "recall": sum(relevant) / n,
        "precision": sum(relevant) / k,
        "mrr": max((1 / place for place, r in enumerate(relevant, 1) if r), default=0),
        "map": sum(precisions) / min(n, k),
    }


@given(ranks_of_users, st.integers(1, 12))
def test_accuracy_is_the_definition(ranks, k):
    targets = Block.of([list(range(len(r))) for r in ranks], 20)
    flat = np.array([r for rs in ranks for r in rs], np.int64)
    values = accuracy(flat, targets, k)
    assert tuple(values) == ACCURACY
    for user, own in enumerate(ranks):
        for name, wanted in naive(own, k).items():
            assert values[name][user] == pytest.approx(wanted), name
            assert 0 <= values[name][user] <= 1 + 1e-12


def test_accuracy_by_hand():
    values = accuracy(np.array([1, 3, 11]), Block.of([[4, 7, 9]], 20), 10)
    assert values["hr"][0] == 1
    assert values["recall"][0] == pytest.approx(2 / 3)
    assert values["precision"][0] == pytest.approx(0.2)
    assert values["mrr"][0] == 1
    assert values["ndcg"][0] == pytest.approx(1.5 / (1 + 1 / math.log2(3) + 0.5))
    assert values["map"][0] == pytest.approx((1 + 2 / 3) / 3)


def random_lists(seed=0, n_items=12, k=5):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n_items, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    yardstick = Yardstick(rng.integers(0, 9, n_items).astype(float), vectors.astype(np.float32))
    top = np.array([rng.permutation(n_items)[:k] for _ in range(6)])
    top[0, 2:] = -1
    top[1, 1:] = -1
    top[2, :] = -1
    targets = Block.of([[3], [], [4, 5], [1, 2, 6], [7], [8, 0]], n_items)
    full = rng.integers(1, n_items, len(targets.items))
    return Ranked(targets, full, np.zeros(0, np.int64), top), yardstick


@pytest.mark.parametrize("seed", range(3))
def test_lists_are_judged_by_the_definitions(seed):
    k = 5
    ranked, yardstick = random_lists(seed)
    values = of_lists(ranked, yardstick, k)
    smoothed = yardstick.popularity + 1
    information = [-math.log2(c / smoothed.sum()) for c in smoothed]
    head = sorted(range(12), key=lambda i: -yardstick.popularity[i])[:k]
    at = 0
    for user in range(6):
        shown = [i for i in ranked.top[user] if i >= 0]
        novelty = np.mean([information[i] for i in shown]) if shown else 0
        assert values["novelty"][user] == pytest.approx(novelty)
        distances = [
            1 - float(yardstick.vectors[a].astype(float) @ yardstick.vectors[b])
            for a, b in itertools.combinations(shown, 2)
        ]
        diversity = np.mean(distances) if distances else 0
        assert values["diversity"][user] == pytest.approx(diversity, abs=1e-5)
        n = int(ranked.targets.lengths[user])
        own = zip(ranked.targets.items[at : at + n], ranked.full[at : at + n], strict=True)
        found = sum(place <= k and item not in head for item, place in own)
        assert values["serendipity"][user] == pytest.approx(found / max(n, 1))
        at += n


def test_a_list_of_one_thing_is_not_diverse_and_of_opposites_is():
    same = np.tile([[1.0, 0.0]], (4, 1)).astype(np.float32)
    opposite = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    targets = Block.of([[0]], 4)
    for vectors, top, wanted in ((same, [0, 1, 2, 3], 0), (opposite, [0, 1, -1, -1], 2)):
        ranked = Ranked(targets, np.array([1]), np.zeros(0), np.array([top]))
        values = of_lists(ranked, Yardstick(np.ones(4), vectors), 4)
        assert values["diversity"][0] == pytest.approx(wanted, abs=1e-6)


def test_novelty_is_in_bits():
    yardstick = Yardstick(np.array([3.0, 1.0, 1.0, -1.0 + 1]), np.zeros((4, 1), np.float32))
    assert_allclose(yardstick.information, -np.log2(np.array([4, 2, 2, 1]) / 9))


def test_coverage():
    assert coverage(np.array([0.0, 3.0, 1.0, 0.0])) == 0.5
    assert coverage(np.zeros(0)) == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(counts):
    counts = np.array(counts, float)
    if not counts.sum():
        assert gini(counts) == 0
        return
    difference = np.abs(counts[:, None] - counts).mean()
    assert gini(counts) == pytest.approx(difference / (2 * counts.mean()))


def test_gini_by_hand():
    assert gini(np.ones(10)) == pytest.approx(0)
    assert gini(np.array([0.0] * 99 + [5.0])) == pytest.approx(0.99)
