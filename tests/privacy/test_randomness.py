"""The stream is AES-256 in counter mode, and what is made of it has the right distribution."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats

from hedgerow.privacy.randomness import KEY_BYTES, Stream

# NIST SP 800-38A, F.1.5: ECB-AES256.Encrypt, the key and the first block.
NIST_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
NIST_BLOCK = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
NIST_CIPHER = bytes.fromhex("f3eed1bdb5d2a03c064b5a7e3db181f8")


def encrypted(key, block):
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return aes.update(block) + aes.finalize()


def counter_mode(key, count):
    """The keystream by its definition in SP 800-38A: the encrypted counter, big-endian, from 0."""
    blocks = -(-count // 16)
    return b"".join(encrypted(key, i.to_bytes(16, "big")) for i in range(blocks))[:count]


def test_the_block_cipher_gives_the_published_vector():
    assert encrypted(NIST_KEY, NIST_BLOCK) == NIST_CIPHER


def test_the_stream_of_a_zero_key_is_the_published_one():
    # AES-256 of a zero block under a zero key: GCM specification, test case 13's hash subkey.
    assert Stream(bytes(32)).bytes(16).hex() == "dc95c078a2408989ad48a21492842087"


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(0, 100), max_size=6))
def test_the_stream_is_counter_mode_however_it_is_cut(key, counts):
    stream = Stream(key)
    got = b"".join(bytes(stream.bytes(count)) for count in counts)
    assert got == counter_mode(key, sum(counts))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match=f"{KEY_BYTES} bytes"):
        Stream(bytes(length))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_words_are_little_endian(dtype):
    size = np.dtype(dtype).itemsize
    raw = counter_mode(NIST_KEY, 10 * size)
    expected = [int.from_bytes(raw[i : i + size], "little") for i in range(0, 10 * size, size)]
    words = Stream(NIST_KEY).words(10, dtype)
    assert words.dtype == dtype
    assert words.tolist() == expected


def test_every_value_is_equally_likely_the_extreme_ones_too():
    words = Stream.seeded("uniform").words(1 << 18, np.uint8)
    counts = np.bincount(words, minlength=256)
    assert counts[0] > 0
    assert counts[255] > 0
    assert stats.chisquare(counts).pvalue > 1e-3


def test_uniform_numbers_are_middles_of_cells_and_uniform():
    numbers = Stream.seeded("cells").uniform(100_000)
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    word = int.from_bytes(counter_mode(NIST_KEY, 8), "little") >> 11
    assert Stream(NIST_KEY).uniform(1)[0] == (word + 0.5) / 2**53


def test_seeded_streams_repeat_and_differ_by_seed():
    assert Stream.seeded(1, "a").bytes(32) == Stream.seeded(1, "a").bytes(32)
    different = [Stream.seeded(*seed).bytes(32) for seed in [(1,), (2,), ("1",), (1, 1), ()]]
    assert len({bytes(d) for d in different}) == 5


def test_secret_streams_never_repeat():
    assert Stream.secret().bytes(32) != Stream.secret().bytes(32)


def test_nothing_can_be_drawn():
    stream = Stream(NIST_KEY)
    assert_array_equal(stream.words(0, np.uint64), [])
    assert_array_equal(stream.uniform(0), [])
    assert stream.bytes(16) == counter_mode(NIST_KEY, 16)
