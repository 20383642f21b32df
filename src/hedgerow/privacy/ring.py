"""Rings of integers modulo a power of two, in which secured sums are made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError

NARROWEST, WIDEST = 16, 64

Words = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Ring:
    """Integers modulo ``2**bits``; negative ones as two's complement.

    Words are held in the narrowest unsigned type of 16, 32 or 64 bits that fits, and may carry
    anything above ``bits``: it vanishes when they are packed or decoded. Adding words is NumPy's
    own addition, which wraps around.

    Parameters
    ----------
    bits
        From 16 to 64.
    """

    bits: int

    def __post_init__(self) -> None:
        if not NARROWEST <= self.bits <= WIDEST:
            raise ConfigError(
                f"A ring has {NARROWEST} to {WIDEST} bits, not {self.bits}; the declared bounds "
                "need coarser steps or fewer clients in a sum."
            )

    @classmethod
    def holding(cls, bound: int) -> Ring:
        """Return the narrowest ring in which no sum between -bound and +bound overflows.

        Raises
        ------
        ConfigError
            Even 64 bits are too few.
        """
        return cls(max(NARROWEST, int(bound).bit_length() + 1))

    @property
    def bound(self) -> int:
        """The largest absolute value that is told apart: ``2**(bits - 1) - 1``."""
        return (1 << (self.bits - 1)) - 1

    @property
    def dtype(self) -> type[np.unsignedinteger[Any]]:
        """The type of the words."""
        if self.bits <= 16:
            return np.uint16
        return np.uint32 if self.bits <= 32 else np.uint64

    @property
    def _full(self) -> bool:
        """Whether words fill their type, so that they are packed as they are."""
        return self.bits == 8 * np.dtype(self.dtype).itemsize

    @property
    def _little(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The type of words on the wire."""
        return np.dtype(self.dtype).newbyteorder("<")

    def nbytes(self, count: int) -> int:
        """Return how many bytes so many packed words take."""
        return math.ceil(count * self.bits / 8)

    def encode(self, values: NDArray[np.int64]) -> Words:
        """Return integers as words."""
        return values.astype(np.uint64).astype(self.dtype)

    def decode(self, words: Words) -> NDArray[np.int64]:
        """Return words as integers between ``-2**(bits-1)`` and ``2**(bits-1) - 1``."""
        spare = np.uint64(64 - self.bits)
        lifted: NDArray[np.int64] = (words.astype(np.uint64) << spare).view(np.int64)
        return lifted >> np.int64(spare)

    def pack(self, words: Words) -> bytes:
        """Lay words out bit by bit, lowest bits first, without gaps."""
        if self._full:
            return words.astype(self._little, copy=False).tobytes()
        lanes = self._padded(words)
        if self.bits % 8 == 0:
            wide = lanes.reshape(-1).astype(self._little, copy=False)
            cells = wide.view(np.uint8).reshape(-1, wide.itemsize)[:, : self.bits // 8]
            return cells.tobytes()[: self.nbytes(len(words))]
        out = np.zeros((len(lanes), self.bits), np.uint8)
        for byte, lane, shift in self._overlaps():
            out[:, byte] |= _shifted(lanes[:, lane], -shift).astype(np.uint8)
        return out.tobytes()[: self.nbytes(len(words))]

    def unpack(self, data: bytes | memoryview, count: int) -> Words:
        """Return packed words.

        Raises
        ------
        ValueError
            The length is wrong, or bits beyond the last word are set.
        """
        if len(data) != self.nbytes(count):
            raise ValueError(f"{count} words of {self.bits} bits take {self.nbytes(count)} bytes")
        if self._full:
            return np.frombuffer(data, self._little).astype(self.dtype, copy=False)
        groups = -(-count // 8)
        padded = np.zeros(groups * self.bits, np.uint8)
        padded[: len(data)] = np.frombuffer(data, np.uint8)
        if self.bits % 8 == 0:
            size = np.dtype(self.dtype).itemsize
            cells = np.zeros((groups * 8, size), np.uint8)
            cells[:, : self.bits // 8] = padded.reshape(groups * 8, self.bits // 8)
            little = cells.reshape(-1).view(self._little)
            words = little.astype(self.dtype, copy=False)
        else:
            grouped = padded.reshape(groups, self.bits)
            lanes = np.zeros((groups, 8), self.dtype)
            for byte, lane, shift in self._overlaps():
                lanes[:, lane] |= _shifted(grouped[:, byte].astype(self.dtype), shift)
            words = self._reduced(lanes).reshape(-1)
        if words[count:].any():
            raise ValueError("bits beyond the last word are set")
        return words[:count]

    def _padded(self, words: Words) -> Words:
        """Return the words reduced, eight to a row."""
        lanes = np.zeros((-(-len(words) // 8), 8), self.dtype)
        lanes.reshape(-1)[: len(words)] = words
        return self._reduced(lanes)

    def _reduced(self, words: Words) -> Words:
        kept: Words = words & self.dtype((1 << self.bits) - 1)
        return kept

    def _overlaps(self) -> Iterator[tuple[int, int, int]]:
        """Yield which byte of eight packed words shares bits with which word, and the shift.

        The word's bit ``shift`` is the byte's bit 0.
        """
        for byte in range(self.bits):
            first, last = 8 * byte // self.bits, (8 * byte + 7) // self.bits
            for lane in range(first, last + 1):
                yield byte, lane, 8 * byte - lane * self.bits


def _shifted(words: Words, bits: int) -> Words:
    """Return words shifted to the left, or to the right by a negative number of bits."""
    shift = words.dtype.type(abs(bits))
    return words << shift if bits >= 0 else words >> shift
