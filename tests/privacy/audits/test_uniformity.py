"""Tests of masks: uniform words pass, those that are not whole or not fresh do not."""

import numpy as np
import pytest

from hedgerow.privacy.audits import uniformity
from hedgerow.privacy.audits.verdict import LEVEL
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring

COUNT = 20_000


def masks(ring, count=4, first=0):
    return [Stream.seeded(n).words(COUNT, ring.dtype) for n in range(first, first + count)]


@pytest.mark.parametrize("bits", [16, 17, 22, 32, 45, 64])
def test_uniform_words_pass(bits):
    ring = Ring(bits)
    assert uniformity.bits(masks(ring), ring).p > 1e-3
    assert uniformity.repeats(masks(ring), ring).p == 1


@pytest.mark.parametrize("bits", [17, 22, 32])
def test_a_mask_on_some_bits_is_found(bits):
    ring = Ring(bits)
    partial = [mask & ring.dtype(0xFFFF) for mask in masks(ring)]
    found = uniformity.bits(partial, ring)
    assert found.p < LEVEL
    assert found.value == 0
    # Also where what it hides has either sign, so that the high bits are ones half of the time.
    drawn = np.random.default_rng(0)
    signed = [mask + ring.encode(drawn.integers(-4, 5, COUNT) << 16) for mask in partial]
    assert uniformity.bits(signed, ring).p < LEVEL


def test_one_bit_that_leans_is_found():
    ring = Ring(22)
    leaning = masks(ring)
    leaning[2][: COUNT // 2] |= ring.dtype(1 << 13)
    assert uniformity.bits(leaning, ring).p < LEVEL


def test_bits_above_the_ring_are_nobodys():
    ring = Ring(20)
    loud = [mask | ring.dtype(0xF << 20) for mask in masks(ring)]
    assert uniformity.bits(loud, ring) == uniformity.bits(masks(ring), ring)
    assert uniformity.repeats(loud, ring).p == 1


@pytest.mark.parametrize("bits", [16, 22, 40])
def test_masks_that_are_used_again_are_found(bits):
    ring = Ring(bits)
    used = masks(ring)
    again = uniformity.repeats([*used, used[1]], ring)
    assert again.p < LEVEL
    width = -(-uniformity.FINGERPRINT // bits)
    assert again.value == COUNT // width
    assert uniformity.repeats([np.zeros(COUNT, ring.dtype)], ring).p < LEVEL
