"""Decayed sums along histories against loops over users and positions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import histories_of, random_block, states_of

from hedgerow.data.block import Block
from hedgerow.models import decay as decay_module
from hedgerow.models.decay import TimeMajor, pieces
from hedgerow.models.sequence import Sequence

BLOCKS = {
    "random": random_block(users=30),
    "nobody": Block.of([], 3),
    "nobody met anything": Block.of([[], [], []], 3),
    "single interactions": Block.of([[1], [], [2], [1]], 3),
    "very unequal": Block.of([[0], [1, 2], [], np.arange(300) % 7, [3], np.arange(40) % 5], 7),
    "equal": Block.of([[0, 1, 2], [2, 1, 0], [1, 1, 1]], 3),
    "growing": Block.of([[0] * n for n in range(9)], 1),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
every_decay = pytest.mark.parametrize("decay", [0.0, 0.5, 0.97])


def naive(block, values, decay, *, backward=False):
    """Return the decayed sums in the block's own order, in float64."""
    result = np.array(values, float)
    for start, stop in zip(block.indptr[:-1], block.indptr[1:], strict=True):
        places = range(start, stop)
        for place in reversed(places) if backward else places:
            before = place + 1 if backward else place - 1
            if before in places:
                result[place] += decay * result[before]
    return result


def values_of(block, width=3):
    shape = (len(block.items), width) if width else (len(block.items),)
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


@every_block
def test_each_position_holds_the_longest_first(block):
    time = TimeMajor.of(block)
    assert_array_equal(np.sort(time.order), np.arange(len(block.items)))
    assert_array_equal(time.users, block.rows[time.order])
    assert time.ends[0] == 0
    assert time.ends[-1] == len(block.items)
    assert len(time.ends) == block.lengths.max(initial=0) + 1
    before = None
    for position, (start, stop) in enumerate(zip(time.ends[:-1], time.ends[1:], strict=True)):
        assert_array_equal(block.positions[time.order[start:stop]], position)
        users = time.users[start:stop]
        assert (np.diff(block.lengths[users]) <= 0).all()
        if before is not None:
            assert_array_equal(users, before[: len(users)])
        before = users


@every_block
@every_decay
@pytest.mark.parametrize("width", [0, 3])
def test_sums_are_those_of_loops(block, decay, width):
    time, values = TimeMajor.of(block), values_of(block, width)
    forward = time.forward(values[time.order], decay)
    backward = time.backward(values[time.order], decay)
    assert_allclose(forward, naive(block, values, decay)[time.order], rtol=1e-4, atol=1e-5)
    wanted = naive(block, values, decay, backward=True)[time.order]
    assert_allclose(backward, wanted, rtol=1e-4, atol=1e-5)


@every_block
def test_sums_are_made_in_place(block):
    time = TimeMajor.of(block)
    for along in (time.forward, time.backward):
        values = values_of(block)
        assert along(values, 0.5) is values
        assert values.dtype == np.float32


@every_block
def test_backward_is_forward_on_reversed_histories(block):
    turned = Block.of([h[::-1] for h in histories_of(block)], block.n_items)
    flipped = block.indptr[:-1][block.rows] + block.ages
    values, time, other = values_of(block), TimeMajor.of(block), TimeMajor.of(turned)
    result, mirrored = np.empty_like(values), np.empty_like(values)
    result[time.order] = time.backward(values[time.order], 0.7)
    mirrored[other.order] = other.forward(values[flipped][other.order], 0.7)
    assert_allclose(result, mirrored[flipped], rtol=1e-6)


@every_block
@pytest.mark.parametrize("size", [1, 7, 50, decay_module.PIECE])
def test_pieces_hold_every_user_with_a_history_once(block, size, monkeypatch):
    monkeypatch.setattr(decay_module, "PIECE", size)
    found = list(pieces(block))
    assert all(len(rows) for rows, _ in found)
    rows = np.concatenate([np.zeros(0, int), *(rows for rows, _ in found)])
    assert_array_equal(np.sort(rows), np.flatnonzero(block.lengths))
    assert (np.diff(block.lengths[rows]) >= 0).all()
    longest = block.lengths.max(initial=0)
    for rows, piece in found:
        assert_array_equal(piece.keys, block.keys[rows])
        assert histories_of(piece) == [histories_of(block)[row] for row in rows]
        assert len(piece.items) < size + longest


def test_cutting_into_pieces_does_not_change_a_sum(monkeypatch):
    recipe = Sequence(dimensions=(5, 3), decays=(0.5, 0.9), fourier=4, repeat_gain=1.0)
    block = random_block(users=40)
    weights = np.random.default_rng(0).uniform(0, 1, len(block))
    steps = [recipe.step(state) for state in states_of(recipe, block)[:-1]]
    whole = [step.contributions(block) for step in steps]
    wanted = [(c.sum(weights), c.norms()) for c in whole]
    monkeypatch.setattr(decay_module, "PIECE", 11)
    assert len(list(pieces(block))) > 5
    for step, (total, norms) in zip(steps, wanted, strict=True):
        cut = step.contributions(block)
        found = cut.sum(weights)
        assert_allclose(cut.norms(), norms, rtol=1e-5)
        for name, array in total.items():
            assert_allclose(found[name], array, rtol=1e-4, atol=1e-4)
