"""Tests of masks: whether words are uniform over the whole ring, and never the same again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy

from hedgerow.privacy.audits.verdict import Judged
from hedgerow.privacy.ring import Ring, Words

FINGERPRINT = 96
"""Bits of neighbouring words that are compared: they repeat by chance once in 2**50 audits."""


def bits(masks: Sequence[Words], ring: Ring) -> Judged:
    """Judge whether each bit is a fair coin, and as often like the bit above it as unlike.

    A mask that covers the low bits only leaves the high ones 0, or the sign of what it hides.

    Parameters
    ----------
    masks
        Uniform words, as they should be, of one mask each.
    ring
        Theirs.

    Returns
    -------
    Judged
        The oddest share of ones.
    """
    words: Words = np.concatenate(masks)
    above: Words = words ^ (words >> words.dtype.type(1))
    shares = [_share(words, bit) for bit in range(ring.bits)]
    shares += [_share(above, bit) for bit in range(ring.bits - 1)]
    oddest = max(shares, key=lambda share: abs(share - 0.5))
    score = abs(oddest - 0.5) * 2 * math.sqrt(len(words))
    return Judged(oddest, min(1.0, len(shares) * 2 * float(scipy.stats.norm.sf(score))))


def repeats(masks: Sequence[Words], ring: Ring) -> Judged:
    """Judge whether stretches of masks occur once only, in all masks together.

    Returns
    -------
    Judged
        How many occur again.
    """
    width = math.ceil(FINGERPRINT / ring.bits)
    seen: set[bytes] = set()
    count = 0
    keep = ring.dtype((1 << ring.bits) - 1)
    for mask in masks:
        packed = (mask & keep).tobytes()
        step = width * mask.itemsize
        whole = len(packed) // step * step
        seen.update(packed[at : at + step] for at in range(0, whole, step))
        count += whole // step
    again = count - len(seen)
    chance = min(1.0, count**2 * 2.0 ** -(width * ring.bits + 1))
    return Judged(float(again), chance if again else 1.0)


def _share(words: Words, bit: int) -> float:
    """Return the share of words in which a bit is 1."""
    return np.count_nonzero(words & words.dtype.type(1 << bit)) / len(words)
