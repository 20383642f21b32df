"""Masked vectors as they arrive: checked, added up, forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure import identity
from hedgerow.privacy.secure.messages import Masked, upload_to_sign
from hedgerow.privacy.secure.wire import Payload


class Accumulator:
    """A running sum in the ring; as long as one vector, however many are added.

    Parameters
    ----------
    ring
        In which to add.
    count
        The length of a vector in words.
    """

    def __init__(self, ring: Ring, count: int) -> None:
        self._ring = ring
        self.words: Words = np.zeros(count, ring.dtype)

    def add(self, packed: Payload) -> None:
        """Add a packed vector.

        Raises
        ------
        ProtocolError
            ``bad-upload``: it is not packed as such a vector is.
        """
        try:
            words = self._ring.unpack(packed, len(self.words))
        except ValueError as problem:
            raise ProtocolError("bad-upload", f"A vector cannot be read: {problem}.") from None
        self.merge(words)

    def merge(self, words: Words) -> None:
        """Add words, such as another accumulator's."""
        np.add(self.words, words, out=self.words)


class Intake:
    """Takes masked vectors from some senders; several intakes merge into one.

    Parameters
    ----------
    view
        The hash of the roster, which uploads are signed over.
    senders
        The enrolled keys of those who may send, by position.
    ring, count
        As in `Accumulator`.
    """

    def __init__(self, view: bytes, senders: Mapping[int, bytes], ring: Ring, count: int) -> None:
        self._view = view
        self._senders = senders
        self._sum = Accumulator(ring, count)
        self._digests: dict[int, bytes] = {}

    @property
    def words(self) -> Words:
        """The sum so far, still masked."""
        return self._sum.words

    @property
    def digests(self) -> Mapping[int, bytes]:
        """The SHA-256 of each vector that is in the sum, by position."""
        return self._digests

    def accept(self, position: int, masked: Masked) -> None:
        """Add a vector; the same one again changes nothing.

        Raises
        ------
        ProtocolError
            ``not-a-sender``, ``bad-signature``, ``already-uploaded`` or ``bad-upload``; the sum is
            as it was.
        """
        key = self._senders.get(position)
        if key is None:
            raise ProtocolError("not-a-sender", f"Client {position} made no shares for this sum.")
        digest = hashlib.sha256(masked.words).digest()
        identity.verify(
            key,
            upload_to_sign(self._view, position, digest),
            masked.signature,
            f"A vector is not signed by client {position} for this sum.",
        )
        before = self._digests.get(position)
        if before == digest:
            return
        if before is not None:
            raise ProtocolError("already-uploaded", f"Client {position} sent another vector.")
        self._sum.add(masked.words)
        self._digests[position] = digest

    def merge(self, other: Intake) -> None:
        """Add what another intake of the same sum has taken.

        Raises
        ------
        ProtocolError
            ``already-uploaded``: both hold a vector of the same client.
        """
        if self._digests.keys() & other.digests.keys():
            raise ProtocolError("already-uploaded", "Two intakes hold vectors of one client.")
        self._sum.merge(other.words)
        self._digests.update(other.digests)
