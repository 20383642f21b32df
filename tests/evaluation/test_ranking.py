"""Ranks against loops over all items, ties lost, whatever the scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from support import histories_of, random_block

from hedgerow.data.block import Block
from hedgerow.data.hashing import bits
from hedgerow.data.split import Fold, LastOut, RandomPerUser
from hedgerow.evaluation.ranking import SAMPLING_STREAM, rank

N_ITEMS = 9
items = st.integers(0, N_ITEMS - 1)
users = st.lists(
    st.tuples(st.lists(items, max_size=6), st.lists(items, max_size=4)), min_size=1, max_size=5
)
ODD = [np.nan, np.inf, -np.inf, 0.0, 1.0]
POOLS = {"ties": [-1.0, 0.0, 1.0], "distinct": np.arange(-500, 500) / 7, "non-finite": ODD}
every_pool = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
seeds = st.integers(0, 10**6)


def drawn_scores(pool, users, seed):
    return np.random.default_rng(seed).choice(pool, (users, N_ITEMS)).astype(np.float32)


def fold_of(pairs):
    return Fold(Block.of([h for h, _ in pairs], N_ITEMS), Block.of([t for _, t in pairs], N_ITEMS))


def worth(score):
    """A score that is no number is worse than any number."""
    return float(score) if np.isfinite(score) else -np.inf


def reachable(history, targets, *, repeats):
    kept = list(dict.fromkeys(targets))
    return [t for t in kept if repeats or t not in history]


def naive_ranks(scores, history, targets, *, repeats):
    ranks = []
    targets = reachable(history, targets, repeats=repeats)
    for place, target in enumerate(targets):
        own, better = worth(scores[target]), 0
        for item in range(N_ITEMS):
            if item in targets:
                other = targets.index(item)
                ahead = worth(scores[item]) > own
                better += ahead or (worth(scores[item]) == own and other < place)
            elif repeats or item not in history:
                better += worth(scores[item]) >= own
        ranks.append(1 + better)
    return ranks


@every_pool
@pytest.mark.parametrize("repeats", [False, True])
@given(pairs=users, seed=seeds)
def test_ranks_are_those_of_a_loop_over_all_items(pool, repeats, pairs, seed):
    fold, scores = fold_of(pairs), drawn_scores(pool, len(pairs), seed)
    before = scores.copy()
    ranked = rank(scores, fold, k=3, sampled=0, repeats=repeats, seed=0)
    assert_array_equal(scores, before)
    wanted, kept = [], []
    for row_scores, (history, targets) in zip(scores, pairs, strict=True):
        wanted += naive_ranks(row_scores, history, targets, repeats=repeats)
        kept.append(reachable(history, targets, repeats=repeats))
    assert histories_of(ranked.targets) == kept
    assert ranked.full.tolist() == wanted
    assert ranked.sampled.size == 0


@every_pool
@pytest.mark.parametrize("repeats", [False, True])
@given(pairs=users, k=st.integers(1, N_ITEMS + 2), seed=seeds)
def test_the_top_holds_the_best_candidates(pool, repeats, pairs, k, seed):
    scores = drawn_scores(pool, len(pairs), seed)
    ranked = rank(scores, fold_of(pairs), k=k, sampled=0, repeats=repeats, seed=0)
    for row_scores, top, (history, _) in zip(scores, ranked.top, pairs, strict=True):
        candidates = [i for i in range(N_ITEMS) if repeats or i not in history]
        shown = [i for i in top if i >= 0]
        assert len(set(shown)) == len(shown)
        assert set(shown) <= set(candidates)
        best = sorted((worth(row_scores[i]) for i in candidates), reverse=True)[:k]
        assert [worth(row_scores[i]) for i in shown] == best


@given(pairs=users, value=st.sampled_from(ODD))
def test_constant_scores_are_worth_nothing(pairs, value):
    fold = fold_of(pairs)
    scores = np.full((len(pairs), N_ITEMS), value, np.float32)
    ranked = rank(scores, fold, k=3, sampled=0, repeats=False, seed=0)
    at = 0
    for history, targets in pairs:
        n = len(reachable(history, targets, repeats=False))
        candidates = N_ITEMS - len(set(history))
        others = candidates - n
        assert ranked.full[at : at + n].tolist() == [others + 1 + i for i in range(n)]
        at += n


def big_fold(n_items=60, users=80, splitter=None):
    block = random_block(users=users, n_items=n_items, longest=12, seed=2)
    fold = (splitter or LastOut()).test(block).judged()
    rng = np.random.default_rng(0)
    return fold, rng.standard_normal((len(fold), n_items)).astype(np.float32)


def test_sampled_ranks_are_among_the_items_of_the_smallest_lots():
    fold, scores = big_fold()
    ranked = rank(scores, fold, k=5, sampled=20, repeats=False, seed=3)
    wanted = []
    histories = histories_of(fold.history)
    for user, targets in enumerate(histories_of(ranked.targets)):
        held = set(histories_of(fold.targets)[user])
        others = [i for i in range(60) if i not in held | set(histories[user])]
        key = int(fold.history.keys[user])
        lots = sorted(others, key=lambda i, key=key: int(bits(3, SAMPLING_STREAM, key, i)))
        own = scores[user]
        wanted += [1 + sum(own[i] >= own[target] for i in lots[:20]) for target in targets]
    assert ranked.sampled.tolist() == wanted


def test_with_all_items_drawn_the_sampled_rank_is_the_full_one():
    fold, scores = big_fold()
    for sampled in (60, 1000):
        ranked = rank(scores, fold, k=5, sampled=sampled, repeats=False, seed=0)
        assert_array_equal(ranked.sampled, ranked.full)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_ties_are_lost_against_sampled_items_too(value):
    fold, scores = big_fold()
    ranked = rank(np.full_like(scores, value), fold, k=5, sampled=20, repeats=False, seed=0)
    assert (ranked.sampled == 21).all()


def test_the_draw_is_uniform():
    """The mean sampled rank is the full one scaled down, for a uniform draw."""
    fold, scores = big_fold(users=300)
    draws = [rank(scores, fold, k=5, sampled=20, repeats=False, seed=s).sampled for s in range(30)]
    full = rank(scores, fold, k=5, sampled=0, repeats=False, seed=0).full
    targets = rank(scores, fold, k=5, sampled=0, repeats=False, seed=0).targets
    judged = targets.lengths > 0
    others = np.array([60 - len(set(h)) - 1 for h in histories_of(fold.history)])[judged]
    wanted = 1 + 20 * (full - 1) / others
    errors = np.mean(draws, axis=0) - wanted
    share = (full - 1) / others
    spread = np.sqrt(20 * share * (1 - share) / 30)
    assert abs(errors.mean()) < 4 * np.sqrt((spread**2).sum()) / len(errors)


@pytest.mark.parametrize("repeats", [False, True])
def test_a_users_ranks_do_not_depend_on_the_others(repeats):
    fold, scores = big_fold(splitter=RandomPerUser(0.4))
    options = {"k": 5, "sampled": 20, "repeats": repeats, "seed": 1}
    whole = rank(scores, fold, **options)
    parts = [rank(scores[i : i + 1], fold[i : i + 1], **options) for i in range(len(fold))]
    assert_array_equal(whole.full, np.concatenate([p.full for p in parts]))
    assert_array_equal(whole.sampled, np.concatenate([p.sampled for p in parts]))
    assert_array_equal(whole.top, np.concatenate([p.top for p in parts]))


def test_read_only_and_broadcast_scores_are_accepted():
    fold, scores = big_fold()
    row = scores[0]
    shared = np.broadcast_to(row, scores.shape)
    one = rank(shared, fold, k=5, sampled=20, repeats=False, seed=0)
    other = rank(shared.copy(), fold, k=5, sampled=20, repeats=False, seed=0)
    assert_array_equal(one.full, other.full)
    assert_array_equal(one.sampled, other.sampled)
    assert_array_equal(scores[0], row)


def test_nobody_is_ranked_in_an_empty_fold():
    fold = fold_of([])
    ranked = rank(np.zeros((0, N_ITEMS), np.float32), fold, k=3, sampled=5, repeats=False, seed=0)
    assert ranked.full.shape == ranked.sampled.shape == (0,)
    assert ranked.top.shape == (0, 3)
