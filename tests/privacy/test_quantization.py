"""Stochastic rounding: unbiased, and bounded for certain."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.errors import ConfigError
from hedgerow.privacy.quantization import FINEST, INFLATION, Quantizer
from hedgerow.privacy.randomness import Stream

sizes = st.integers(1, 200)


def clipped(vector, clip):
    norm = np.linalg.norm(vector)
    return vector * min(1.0, clip / norm) if norm else vector


@given(
    arrays(np.float64, sizes, elements=st.floats(-1e3, 1e3)),
    st.floats(1e-3, 1e3),
    st.floats(1e-2, 1e4),
    st.integers(0, 2**32),
)
def test_values_are_rounded_to_a_neighbour_and_the_norm_is_bounded(vector, clip, scale, seed):
    vector = clipped(vector, clip)
    quantizer = Quantizer(clip, scale, len(vector))
    drawn = quantizer.quantize(vector, Stream.seeded(seed))
    assert drawn.dtype == np.int64
    assert (np.abs(drawn - vector * scale) < 1 + 1e-9 * scale * clip).all()
    square = sum(int(value) ** 2 for value in drawn)
    assert square <= quantizer.largest_square <= Fraction(quantizer.sensitivity) ** 2
    assert np.abs(drawn).max() <= quantizer.bound <= quantizer.sensitivity
    # An integer vector's sum of absolute values, which the accountant relies on.
    assert np.abs(drawn).sum() <= quantizer.sensitivity**2


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e4), st.integers(1, 10**6))
def test_the_sensitivity_is_the_published_formula(clip, scale, size):
    step, root = 1 / scale, math.sqrt(size)
    certain = (clip + step * root) ** 2
    spread = math.sqrt(2 * math.log(1 / math.exp(-0.5)))
    likely = clip**2 + step**2 * size / 4 + spread * step * (clip + step * root / 2)
    published = math.sqrt(min(certain, likely))
    ours = Quantizer(clip, scale, size).sensitivity / scale
    # Squared norms of integers are integers, so ours may be lower by less than one.
    assert (published * scale) ** 2 - 1 - 1e-6 * (published * scale) ** 2 <= (ours * scale) ** 2
    assert ours <= published * (1 + 1e-9)


def test_rounding_is_unbiased():
    # Well within the clip, where hardly any vector is drawn again.
    vector = clipped(np.random.default_rng(0).standard_normal(50), 0.8)
    quantizer = Quantizer(1.0, 30.0, 50)
    stream = Stream.seeded("mean")
    drawn = np.array([quantizer.quantize(vector, stream) for _ in range(4000)])
    fractions = vector * 30 - np.floor(vector * 30)
    error = np.sqrt(fractions * (1 - fractions) / len(drawn)) + 1e-9
    assert np.abs((drawn.mean(0) - vector * 30) / error).max() < 4
    assert_allclose(drawn.var(0), fractions * (1 - fractions), atol=0.02)


def test_at_the_clip_drawing_again_shortens_a_vector_by_a_fraction_of_a_step():
    vector = clipped(np.random.default_rng(0).standard_normal(50), 1.0)
    quantizer = Quantizer.for_sum(1.0, 50, 10, 4.0)
    stream = Stream.seeded("at the clip")
    drawn = np.array([quantizer.quantize(vector, stream) for _ in range(4000)])
    lengths = drawn @ vector / np.linalg.norm(vector)
    shorter = quantizer.scale - lengths.mean()
    assert 0 < shorter < 0.25


def test_integers_stay_as_they_are():
    vector = np.array([3.0, -4.0, 0.0])
    assert_array_equal(Quantizer(5.0, 8.0, 3).quantize(vector, Stream.seeded(0)), vector * 8)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_coarse_steps_are_drawn_again_until_they_fit(size):
    # Half a step in each coordinate: most roundings would be too long.
    quantizer = Quantizer(0.5 * math.sqrt(size), 1.0, size)
    for seed in range(50):
        drawn = quantizer.quantize(np.full(size, 0.5), Stream.seeded(seed))
        assert (drawn**2).sum() <= quantizer.largest_square


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("scale", [1.0, 1e6, FINEST])
def test_a_vector_on_its_clip_up_to_rounding_is_taken(size, scale):
    vector = np.full(size, (1 + 5e-7) / math.sqrt(size), np.float32)
    quantizer = Quantizer(1.0, scale, size)
    drawn = quantizer.quantize(vector, Stream.seeded(size))
    assert sum(int(v) ** 2 for v in drawn) <= quantizer.largest_square


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1.0, 0.01], "exceeds the clip"),
        ([math.nan, 0.0], "exceeds the clip"),
        ([math.inf, 0.0], "exceeds the clip"),
        ([0.0], "expected a vector of 2"),
        ([[0.0, 0.0]], "expected a vector of 2"),
    ],
)
def test_other_vectors_are_refused(vector, message):
    with pytest.raises(ValueError, match=message):
        Quantizer(1.0, 10.0, 2).quantize(np.array(vector), Stream.seeded(0))


def test_the_norm_is_compared_exactly_where_floats_could_not():
    # Two squares of which the sum differs from the limit by one part in 2**92.
    quantizer = Quantizer(1.0, 2.0**45, 2)
    least = math.isqrt(quantizer.largest_square)
    rest = math.isqrt(quantizer.largest_square - least**2)
    assert quantizer._fits(np.array([least, rest], float))
    assert not quantizer._fits(np.array([least, rest + 1], float))
    assert not quantizer._fits(np.array([-least - 1, 0], float))


@pytest.mark.parametrize("size", [1, 2, 50, 10_000, 1_000_000])
@pytest.mark.parametrize(("clients", "multiplier"), [(2, 4.0), (1000, 0.5), (10**6, 1.0)])
def test_the_scale_for_a_sum_makes_rounding_cost_little(size, clients, multiplier):
    quantizer = Quantizer.for_sum(0.37, size, clients, multiplier)
    steps = quantizer.clip * quantizer.scale
    assert quantizer.sensitivity <= steps * (1 + INFLATION) * (1 + 1e-9)
    noise = multiplier * quantizer.sensitivity
    assert math.sqrt(noise**2 + clients / 4) <= noise * (1 + INFLATION)
    # And it is not finer than it need be: half the steps break one of the two.
    half = Quantizer(quantizer.clip, quantizer.scale / 2, size)
    noise = multiplier * half.sensitivity
    assert half.sensitivity > steps / 2 * (1 + INFLATION) or math.sqrt(
        noise**2 + clients / 4
    ) > noise * (1 + INFLATION)


@pytest.mark.parametrize("clip", [1.0, 0.3, 7.7])
def test_a_count_at_its_clip_needs_no_rounding(clip):
    for size in (1, 64):
        quantizer = Quantizer.for_sum(clip, size, 1000, 2.0)
        vector = np.zeros(size)
        vector[-1] = clip
        drawn = quantizer.quantize(vector, Stream.seeded(size))
        assert_array_equal(drawn, np.rint(vector * quantizer.scale))
        assert_allclose(quantizer.dequantize(drawn), vector, rtol=1e-15)


def test_without_noise_a_value_keeps_twenty_bits():
    quantizer = Quantizer.for_sum(3.0, 100, 1000, 0.0)
    assert quantizer.scale * 3 == pytest.approx(2**20)
    assert quantizer.ring(1000, 0).bits <= 32


@given(st.integers(1, 10**6), st.integers(0, 2**40))
def test_no_sum_overflows_its_ring(clients, noise):
    quantizer = Quantizer.for_sum(1.0, 300, clients, 2.0)
    ring = quantizer.ring(clients, noise)
    assert ring.bound >= clients * quantizer.bound + noise
    largest = np.array([clients * quantizer.bound + noise])
    assert_array_equal(ring.decode(ring.encode(largest)), largest)
    assert_array_equal(ring.decode(ring.encode(-largest)), -largest)


def test_a_sum_comes_back_in_its_own_unit():
    rng = np.random.default_rng(3)
    vectors = [clipped(rng.standard_normal(40), 2.0) for _ in range(20)]
    quantizer = Quantizer.for_sum(2.0, 40, 20, 0.0)
    ring = quantizer.ring(20, 0)
    words = np.zeros(40, ring.dtype)
    for seed, vector in enumerate(vectors):
        words += ring.encode(quantizer.quantize(vector, Stream.seeded(seed)))
    assert_allclose(quantizer.dequantize(ring.decode(words)), sum(vectors), atol=1e-4)


@pytest.mark.parametrize(
    "fields", [(0.0, 1.0, 1), (math.nan, 1.0, 1), (1.0, -1.0, 1), (1.0, 1.0, 0), (math.inf, 1, 1)]
)
def test_a_quantizer_out_of_range_is_refused(fields):
    with pytest.raises(ConfigError, match="above 0"):
        Quantizer(*fields)


def test_bounds_beyond_64_bits_are_refused():
    with pytest.raises(ConfigError, match="2\\*\\*46 steps"):
        Quantizer(1.0, FINEST * 2, 1)
    with pytest.raises(ConfigError, match="fewer clients"):
        Quantizer(1.0, FINEST, 1).ring(10**6, 0)
    for size, clients, multiplier in [(0, 1, 1.0), (1, 0, 1.0), (1, 1, -1.0), (1, 1, math.nan)]:
        with pytest.raises(ConfigError, match="a size and clients"):
            Quantizer.for_sum(1.0, size, clients, multiplier)
    for clip in (0.0, math.nan):
        with pytest.raises(ConfigError, match="clip"):
            Quantizer.for_sum(clip, 1, 1, 1.0)
