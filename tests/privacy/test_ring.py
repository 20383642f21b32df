"""Rings against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hedgerow.errors import ConfigError
from hedgerow.privacy.ring import NARROWEST, WIDEST, Ring

all_bits = st.integers(NARROWEST, WIDEST)


@st.composite
def words_of_a_ring(draw):
    """A ring and words that may carry anything above its bits."""
    ring = Ring(draw(all_bits))
    top = int(np.iinfo(ring.dtype).max)
    extremes = st.sampled_from([0, 1, ring.bound, ring.bound + 1, (1 << ring.bits) - 1, top])
    values = draw(st.lists(extremes | st.integers(0, top), max_size=40))
    return ring, np.array(values, ring.dtype)


def naively_packed(ring, words):
    number = 0
    for place, word in enumerate(words.tolist()):
        number |= (word % (1 << ring.bits)) << (place * ring.bits)
    return number.to_bytes(-(-len(words) * ring.bits // 8), "little")


@given(words_of_a_ring())
def test_packing_is_one_long_number(case):
    ring, words = case
    packed = ring.pack(words)
    assert packed == naively_packed(ring, words)
    assert len(packed) == ring.nbytes(len(words))


@given(words_of_a_ring())
def test_unpacking_undoes_packing(case):
    ring, words = case
    again = ring.unpack(ring.pack(words), len(words))
    assert again.dtype == ring.dtype
    assert again.tolist() == [word % (1 << ring.bits) for word in words.tolist()]


@pytest.mark.parametrize("bits", range(NARROWEST, WIDEST + 1))
def test_every_width_packs_many_words(bits):
    ring = Ring(bits)
    words = np.random.default_rng(bits).integers(0, 1 << bits, 203, np.uint64).astype(ring.dtype)
    assert ring.pack(words) == naively_packed(ring, words)
    assert_array_equal(ring.unpack(ring.pack(words), len(words)), words)


@given(all_bits, st.data())
def test_decoding_undoes_encoding_between_the_bounds(bits, data):
    ring = Ring(bits)
    value = st.sampled_from([-ring.bound - 1, -ring.bound, -1, 0, ring.bound])
    values = data.draw(st.lists(value | st.integers(-ring.bound - 1, ring.bound), max_size=20))
    array = np.array(values, np.int64)
    assert ring.decode(ring.encode(array)).tolist() == values
    assert ring.decode(ring.unpack(ring.pack(ring.encode(array)), len(array))).tolist() == values


@given(all_bits, st.data())
def test_sums_are_those_of_the_integers_modulo_the_ring(bits, data):
    ring = Ring(bits)
    values = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=10))
    added = np.zeros(1, ring.dtype)
    for value in values:
        added += ring.encode(np.array([value]))
    half = 1 << (bits - 1)
    assert ring.decode(added).tolist() == [(sum(values) + half) % (1 << bits) - half]


@given(st.integers(0, 2**63 - 1))
def test_the_narrowest_ring_that_holds_a_bound(bound):
    ring = Ring.holding(bound)
    assert ring.bound >= bound
    assert ring.bits == NARROWEST or Ring(ring.bits - 1).bound < bound


@pytest.mark.parametrize("bits", [0, 15, 65, -1])
def test_a_ring_of_another_width_is_refused(bits):
    with pytest.raises(ConfigError, match="16 to 64 bits"):
        Ring(bits)


def test_a_bound_beyond_64_bits_is_refused():
    with pytest.raises(ConfigError, match="coarser steps or fewer clients"):
        Ring.holding(2**63)


def test_packed_words_of_another_length_are_refused():
    ring = Ring(20)
    packed = ring.pack(np.arange(5, dtype=np.uint32))
    for data, count in [(packed[:-1], 5), (packed + b"\0", 5), (packed, 4), (b"", 1)]:
        with pytest.raises(ValueError, match="bytes"):
            ring.unpack(data, count)


@pytest.mark.parametrize("bits", [17, 20, 30, 61])
def test_bits_beyond_the_last_word_are_refused(bits):
    ring = Ring(bits)
    packed = bytearray(ring.pack(np.zeros(3, ring.dtype)))
    assert 3 * bits % 8
    packed[-1] |= 0x80
    with pytest.raises(ValueError, match="beyond the last word"):
        ring.unpack(bytes(packed), 3)
