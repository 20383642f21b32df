"""Sets of positions as bitmaps: nobody can be listed twice, and a set has one form only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ProtocolError

Members = NDArray[np.bool_]


def to_bitmap(members: Members) -> bytes:
    """Return a set, given as a boolean for each position, eight to a byte, lowest bit first."""
    return np.packbits(members, bitorder="little").tobytes()


def from_bitmap(data: bytes, size: int) -> Members:
    """Return the boolean of each position, shape (size,).

    Raises
    ------
    ProtocolError
        ``bad-bitmap``: the length is wrong or a bit beyond the last position is set.
    """
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").astype(np.bool_)
    if len(data) != -(-size // 8) or bits[size:].any():
        raise ProtocolError("bad-bitmap", f"A set of positions is no bitmap of {size}.")
    return bits[:size]


def members_of(positions: Iterable[int], size: int) -> Members:
    """Return positions as a boolean for each of ``size``."""
    members = np.zeros(size, np.bool_)
    members[list(positions)] = True
    return members
