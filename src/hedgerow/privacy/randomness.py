"""Random numbers from a cryptographic stream: rounding, noise and masks take theirs from here."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

KEY_BYTES = 32


class Stream:
    """The keystream of AES-256 in counter mode, from a zero counter; one key for one use.

    Parameters
    ----------
    key
        32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a stream takes a key of {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    @classmethod
    def secret(cls) -> Stream:
        """Return a stream that nobody can predict, keyed by the operating system."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def seeded(cls, *parts: int | str) -> Stream:
        """Return the stream that belongs to some numbers and words; for simulations only."""
        return cls(hashlib.sha256(repr(parts).encode()).digest())

    def bytes(self, count: int) -> bytearray:
        """Return the next bytes of the stream."""
        out = bytearray(count)
        self._cipher.update_into(bytes(count), out)
        return out

    def words(self, count: int, dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
        """Return uniform words, each value equally likely, read as little-endian."""
        little = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(self.bytes(count * little.itemsize), little).astype(dtype, copy=False)

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Return numbers above 0 and below 1, of 53 random bits: the middles of equal cells."""
        cells = (self.words(count, np.uint64) >> np.uint64(11)).astype(np.float64)
        return (cells + 0.5) * 2.0**-53
