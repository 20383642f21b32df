"""What is held out, and that nothing of it leaks into the history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from support import histories_of, pairs_of, random_block

from hedgerow.data.block import Block
from hedgerow.data.split import Fold, LastOut, RandomPerUser, Temporal
from hedgerow.errors import ConfigError

SPLITS = [LastOut(), Temporal(6, 9), RandomPerUser(0.3, seed=4), RandomPerUser(0.9)]


@st.composite
def blocks(draw):
    """Draw time-ordered histories whose timestamps tie now and then."""
    lists = draw(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=6))
    block = Block.of(lists, 6)
    seed = draw(st.integers(0, 100))
    stamps = np.random.default_rng(seed).integers(0, 14, len(block.items))
    order = np.lexsort((stamps, block.rows))
    return Block(block.indptr, block.items, 6, block.keys * 3 + 1, stamps[order])


folds = pytest.mark.parametrize("kind", ["test", "validation"])
splits = pytest.mark.parametrize("splitter", SPLITS, ids=repr)


@splits
@given(block=blocks())
def test_the_test_fold_is_a_partition_in_order(splitter, block):
    fold = splitter.test(block)
    for whole, past, held in zip(
        pairs_of(block), pairs_of(fold.history), pairs_of(fold.targets), strict=True
    ):
        assert sorted(past + held) == sorted(whole)
        assert [t for _, t in past] == sorted(t for _, t in past)
        assert [t for _, t in held] == sorted(t for _, t in held)
        rest = iter(whole)
        assert all(pair in rest for pair in past), "the history keeps its order"
    assert_array_equal(fold.history.keys, block.keys)
    assert_array_equal(fold.targets.keys, block.keys)


@splits
@given(block=blocks())
def test_validation_is_a_split_of_the_test_history(splitter, block):
    history = splitter.test(block).history
    fold = splitter.validation(block)
    for whole, past, held in zip(
        pairs_of(history), pairs_of(fold.history), pairs_of(fold.targets), strict=True
    ):
        assert sorted(past + held) == sorted(whole)


@folds
@splits
@given(block=blocks())
def test_a_device_makes_its_own_part(splitter, kind, block):
    whole = getattr(splitter, kind)(block)
    for user in range(len(block)):
        alone = getattr(splitter, kind)(block[user : user + 1])
        part = whole[user : user + 1]
        assert pairs_of(alone.history) == pairs_of(part.history)
        assert pairs_of(alone.targets) == pairs_of(part.targets)


@folds
@pytest.mark.parametrize("splitter", SPLITS[:2], ids=repr)
@given(block=blocks())
def test_what_is_known_comes_before_what_is_foretold(splitter, kind, block):
    fold = getattr(splitter, kind)(block)
    for past, held in zip(pairs_of(fold.history), pairs_of(fold.targets), strict=True):
        assert max((t for _, t in past), default=-1) <= min((t for _, t in held), default=99)


@folds
@given(block=blocks())
def test_a_moment_in_time_parts_everyone(kind, block):
    fold = getattr(Temporal(6, 9), kind)(block)
    before = 9 if kind == "test" else 6
    assert fold.history.timestamps.max(initial=-1) < before
    assert fold.targets.timestamps.min(initial=99) >= before
    if kind == "validation":
        assert fold.targets.timestamps.max(initial=-1) < 9


@given(block=blocks())
def test_last_out_holds_out_the_last(block):
    lists = histories_of(block)
    fold, validation = LastOut().test(block), LastOut().validation(block)
    assert histories_of(fold.history) == [h[:-1] if len(h) > 1 else h for h in lists]
    assert histories_of(fold.targets) == [h[-1:] if len(h) > 1 else [] for h in lists]
    assert histories_of(validation.targets) == [h[-2:-1] if len(h) > 2 else [] for h in lists]


@given(block=blocks(), share=st.floats(0.05, 0.95))
def test_the_random_share_is_exact(block, share):
    fold = RandomPerUser(share).test(block)
    for whole, held in zip(histories_of(block), histories_of(fold.targets), strict=True):
        n = len(whole)
        assert len(held) == (max(int(n * share), 1) if n > 1 else int(n * share))
        assert len(held) <= n


def test_the_random_share_depends_on_the_seed_and_falls_anywhere():
    block = random_block(users=200, longest=20, n_items=50)
    one, other = (RandomPerUser(0.5, seed=s).test(block) for s in (1, 2))
    assert histories_of(one.targets) != histories_of(other.targets)
    again = RandomPerUser(0.5, seed=1).test(block)
    assert histories_of(one.targets) == histories_of(again.targets)
    # Held-out interactions lie in the middle of a history on average, not at its end.
    held = np.isin(
        block.rows * 100 + block.positions,
        [u * 100 + t for u, pairs in enumerate(pairs_of(one.targets)) for _, t in pairs],
    )
    long = block.lengths[block.rows] >= 5
    relative = block.positions / np.maximum(block.lengths[block.rows] - 1, 1)
    assert abs(relative[held & long].mean() - 0.5) < 0.05


def test_temporal_chooses_moments_by_share():
    block = Block.of([list(range(100))] * 3, 100)
    chosen = Temporal.at(block, test=0.2, validation=0.3)
    fold, validation = chosen.test(block), chosen.validation(block)
    assert len(fold.targets.items) / len(block.items) == pytest.approx(0.2, abs=0.02)
    assert len(validation.targets.items) / len(block.items) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("test", "validation"), [(0, 0.1), (0.1, 0), (0.5, 0.5), (1, 0.1)])
def test_impossible_shares_are_refused(test, validation):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Temporal.at(Block.of([[1, 2]], 3), test, validation)


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="before the test"):
        Temporal(5, 5)
    for share in (0, 1, -0.1):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            RandomPerUser(share)
    with pytest.raises(ValueError, match="different users"):
        Fold(Block.of([[1]], 2), Block.of([[1], [0]], 2))


def test_judged_users_have_both_a_history_and_targets():
    fold = Fold(Block.of([[1], [], [2], []], 3), Block.of([[2], [0], [], []], 3))
    judged = fold.judged()
    assert len(judged) == 1
    assert histories_of(judged.history) == [[1]]
    assert histories_of(judged.targets) == [[2]]


@pytest.mark.data
def test_real_histories_are_parted_without_leaks(ml100k):
    block = ml100k.block
    fold = LastOut().test(block)
    assert len(fold.targets.items) == 943
    assert len(fold.history.items) == 100_000 - 943
    later = np.maximum.reduceat(fold.history.timestamps, fold.history.indptr[:-1])
    assert (later <= fold.targets.timestamps).all()
