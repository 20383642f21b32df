"""Features of histories against the formula, for whole histories and along them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import histories_of, random_block

from hedgerow.data.block import Block
from hedgerow.models.decay import TimeMajor
from hedgerow.models.features import Features, LinearReadout, NearestVectors


def features_of(n_items, dimensions=(4, 2), decays=(0.8, 0.3), fourier=6, seed=0):
    rng = np.random.default_rng(seed)
    memories = tuple(
        (rng.standard_normal((n_items, d)).astype(np.float32), decay)
        for d, decay in zip(dimensions, decays, strict=True)
    )
    frequencies = rng.standard_normal((sum(dimensions), fourier)).astype(np.float32)
    return Features(memories, frequencies, rng.uniform(0, 6, fourier).astype(np.float32))


BLOCKS = {
    "random": random_block(users=25),
    "nobody": Block.of([], 5),
    "empty histories": Block.of([[], []], 5),
    "long": Block.of([np.arange(500) % 11, [3], [], [4, 4]], 11),
}
SETTINGS = {
    "two memories": {},
    "one, of the last item": {"dimensions": (3,), "decays": (0.0,)},
    "no waves": {"fourier": 0},
    "three slow": {"dimensions": (2, 3, 1), "decays": (0.9, 0.0, 0.99), "fourier": 1},
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def naive(features, history):
    """Return the features after a history, in float64, from the definition."""
    states = []
    for vectors, decay in features.memories:
        state = np.zeros(vectors.shape[1])
        for item in history:
            state = decay * state + vectors[item]
        states.append(state / np.linalg.norm(state) if state.any() else state)
    z = np.concatenate(states)
    waves = np.cos(z @ features.frequencies + features.phases)
    amplitude = np.sqrt(2 / len(features.phases)) if len(features.phases) else 0
    return np.concatenate([z, [1], amplitude * waves])


def close(actual, wanted):
    assert_allclose(actual, wanted, atol=2e-5)


@every_block
@every_setting
def test_features_are_those_of_the_formula(block, setting):
    features = features_of(block.n_items, **setting)
    found = features.at_end(block)
    assert found.shape == (len(block), features.width)
    assert found.dtype == np.float32
    for row, history in zip(found, histories_of(block), strict=True):
        close(row, naive(features, history))


@every_block
@every_setting
def test_features_along_a_history_are_those_at_the_end_of_each_prefix(block, setting):
    features, time = features_of(block.n_items, **setting), TimeMajor.of(block)
    along = features.along(block, time)
    assert along.shape == (len(block.items), features.width)
    prefixes = [
        histories_of(block)[user][: position + 1]
        for user, position in zip(time.users, block.positions[time.order], strict=True)
    ]
    close(along, features.at_end(Block.of(prefixes, block.n_items)))


def test_states_have_unit_length_but_for_an_empty_history():
    block = BLOCKS["random"]
    features = features_of(block.n_items)
    found = features.at_end(block)
    met = (block.lengths > 0).astype(float)
    close(np.linalg.norm(found[:, :4], axis=1), met)
    close(np.linalg.norm(found[:, 4:6], axis=1), met)
    assert_array_equal(found[:, 6], 1)
    assert (np.abs(found[:, 7:]) <= np.sqrt(2 / 6) + 1e-6).all()


def test_waves_approach_the_gaussian_kernel():
    """Products of many random waves are the kernel exp(-|x - y|^2 / 2) (Rahimi and Recht)."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((8, 3)).astype(np.float32)
    frequencies = rng.standard_normal((3, 20_000)).astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, 20_000).astype(np.float32)
    features = Features(((vectors, 0.5),), frequencies, phases)
    found = features.at_end(Block.of([[i] for i in range(8)], 8))
    z, waves = found[:, :3], found[:, 4:]
    distances = ((z[:, None] - z) ** 2).sum(2)
    assert_allclose(waves @ waves.T, np.exp(-distances / 2), atol=0.05)


def test_width_counts_states_one_and_waves():
    assert features_of(5).width == 4 + 2 + 1 + 6


def test_a_readout_is_linear_in_the_features():
    block = BLOCKS["random"]
    features = features_of(block.n_items)
    weights = np.random.default_rng(5).standard_normal((block.n_items, features.width))
    scores = LinearReadout(features, weights.astype(np.float32)).scores(block)
    wanted = np.array([weights @ naive(features, h) for h in histories_of(block)])
    assert_allclose(scores, wanted, rtol=1e-4, atol=1e-4)


def test_nearest_vectors_are_those_along_the_first_memory():
    block = BLOCKS["random"]
    features = features_of(block.n_items)
    vectors = features.memories[0][0]
    scores = NearestVectors(features, vectors).scores(block)
    wanted = np.array([vectors @ naive(features, h)[:4] for h in histories_of(block)])
    assert_allclose(scores, wanted, rtol=1e-4, atol=1e-4)
