"""Merkle trees with proofs of inclusion (RFC 9162, section 2.1), over SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hedgerow.errors import ProtocolError

HASH_BYTES = 32


def leaf(data: bytes) -> bytes:
    """Return the hash of one entry; its prefix keeps it apart from those of inner nodes."""
    return hashlib.sha256(b"\0" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """All levels of a tree, from which its root and any proof are read.

    Parameters
    ----------
    leaves
        At least one `leaf` hash, in order.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise ValueError("a tree has at least one leaf")
        # a node without a right neighbour moves up as it is, which gives RFC 9162's tree
        self._levels = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            pairs = [_node(*below[i : i + 2]) for i in range(0, len(below) - 1, 2)]
            self._levels.append(pairs + below[len(pairs) * 2 :])

    @property
    def root(self) -> bytes:
        """The hash that stands for all entries and their order, 32 bytes."""
        return self._levels[-1][0]

    def proof(self, position: int) -> bytes:
        """Return the hashes that lead from a leaf to the root, from the bottom, concatenated."""
        path = []
        for level in self._levels[:-1]:
            if position ^ 1 < len(level):
                path.append(level[position ^ 1])
            position >>= 1
        return b"".join(path)


def root_of(entry: bytes, position: int, size: int, proof: bytes) -> bytes:
    """Return the root of the tree in which a leaf has a place (RFC 9162, section 2.1.3.2).

    Parameters
    ----------
    entry
        The `leaf` hash.
    position, size
        Its place, from 0, and the number of leaves.
    proof
        As `Tree.proof` gives it.

    Raises
    ------
    ProtocolError
        ``bad-proof``: the place is outside the tree or the proof has another length.
    """
    if not 0 <= position < size:
        raise _misplaced()
    last, at, found = size - 1, 0, entry
    while last > 0:
        if position ^ 1 <= last:
            sibling = proof[at : at + HASH_BYTES]
            at += HASH_BYTES
            found = _node(sibling, found) if position & 1 else _node(found, sibling)
        position >>= 1
        last >>= 1
    if at != len(proof):
        raise _misplaced()
    return found


def _misplaced() -> ProtocolError:
    sentence = "A proof of inclusion does not fit its place in the tree."
    return ProtocolError("bad-proof", sentence)
