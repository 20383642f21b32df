"""Counter-based random numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats

from hedgerow.data.hashing import bits, uniform

MASK = (1 << 64) - 1
words = st.integers(-(2**63), 2**63 - 1)


def splitmix(state):
    """SplitMix64's next output, as Steele, Lea and Flood print it, in Python's own integers."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_the_mix_is_splitmix64():
    # The first output of the reference implementation seeded with 0 and with 1234567.
    assert int(bits(0)) == 0xE220A8397B1DCDAF
    assert int(bits(1234567)) == 6457827717110365317


@given(st.lists(words, min_size=1, max_size=4))
def test_words_are_chained(given_words):
    state = 0
    for word in given_words:
        state = splitmix(state ^ (word & MASK))
    assert int(bits(*given_words)) == state


@given(st.lists(words, min_size=1, max_size=5), words)
def test_arrays_hash_like_scalars(column, word):
    hashed = bits(word, np.array(column))
    assert hashed.tolist() == [int(bits(word, c)) for c in column]


def test_words_broadcast():
    table = bits(3, np.arange(4)[:, None], np.arange(5))
    assert table.shape == (4, 5)
    assert table[2, 3] == bits(3, 2, 3)
    assert len(np.unique(table)) == 20


def test_uniform_numbers_are_uniform():
    draws = uniform(1, np.arange(20_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws, "uniform").pvalue > 0.001


def test_streams_are_unrelated():
    keys = np.arange(20_000)
    one, other = uniform(0, 1, keys), uniform(0, 2, keys)
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(keys))
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 4 / np.sqrt(len(keys))


def test_the_order_of_words_matters():
    assert bits(1, 2) != bits(2, 1)
    assert bits(1) != bits(1, 0)
    assert_array_equal(bits(5, np.arange(3)), bits(5, np.arange(3)))
