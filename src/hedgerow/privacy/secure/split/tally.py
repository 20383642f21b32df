"""A sum in the making: one array of words, and which reports are in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words


class Tally:
    """A running sum in a ring; its memory is one vector, and a name and a hash per report.

    Parameters
    ----------
    ring
        Where the sum is made.
    length
        How many words are summed.
    """

    def __init__(self, ring: Ring, length: int) -> None:
        self.words: Words = np.zeros(length, ring.dtype)
        self.digests: dict[bytes, bytes] = {}

    def add(self, report: bytes, digest: bytes, words: Words) -> None:
        """Add a report's words, shape (length,).

        Raises
        ------
        ProtocolError
            ``duplicate-report``: it is in the sum.
        """
        self.note({report: digest})
        self.words += words

    def merge(self, other: Tally) -> None:
        """Add a sum over other reports, made elsewhere.

        Raises
        ------
        ProtocolError
            ``duplicate-report``: a report is in both.
        """
        self.note(other.digests)
        self.words += other.words

    def note(self, digests: Mapping[bytes, bytes]) -> None:
        """Record which reports, by the digest of each, the words hold.

        Raises
        ------
        ProtocolError
            ``duplicate-report``: one is recorded.
        """
        if not self.digests.keys().isdisjoint(digests):
            raise ProtocolError("duplicate-report", "A report cannot be in a sum twice.")
        self.digests |= digests
