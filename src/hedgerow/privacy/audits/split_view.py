"""What each of the two servers can take away from a sum, with all that it knows itself.

A whole session between the real parties. What is left to a server beside clients' words is noise or
masks, which the auditor, who knows the words, judges by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.session import Floor, Terms
from hedgerow.privacy.secure.split import drive
from hedgerow.privacy.secure.split.messages import Report, SignedMaskSum
from hedgerow.privacy.secure.split.noise import Noise
from hedgerow.privacy.secure.wire import from_wire, kind


@dataclass(frozen=True)
class SplitView:
    """What the two servers of a sum saw, and what went into it.

    Parameters
    ----------
    words
        The sum of clients' words, which no server sees, in steps, shape (terms.words - 1,).
    opened
        What is published, likewise.
    before
        What the coordinator has of it before it adds its own noise: clients' words and the
        helper's noise.
    masks
        Each report less the client's words: what hides them from the coordinator.
    """

    words: NDArray[np.int64]
    opened: NDArray[np.int64]
    before: NDArray[np.int64]
    masks: tuple[Words, ...]


def split_view(
    terms: Terms, floor: Floor, words: Sequence[Words], noise: tuple[Noise, Noise]
) -> SplitView:
    """Run a session of split mode, and take from its messages what the servers know.

    Parameters
    ----------
    terms, floor
        Of the session.
    words
        Of each client, shape (terms.words - 1,).
    noise
        The coordinator's and the helper's.

    Raises
    ------
    ProtocolError
        The sum does not open.
    """
    ring, masked, answers = Ring(terms.bits), list[Words](), list[Words]()

    def tap(name: str, data: bytes) -> None:
        if name == kind(Report):
            masked.append(ring.unpack(from_wire(Report, data).masked, terms.words))
        elif name == kind(SignedMaskSum):
            answers.append(ring.unpack(from_wire(SignedMaskSum, data).sum.masks, terms.words))

    outcome = drive.run(
        terms,
        floor,
        drive.Deployment.enrol(len(words)),
        words.__getitem__,
        coordinator_noise=noise[0],
        helper_noise=noise[1],
        tap=tap,
    )
    before = np.sum(masked, axis=0, dtype=ring.dtype) - answers[0]
    masks = tuple(sent[:-1] - own for sent, own in zip(masked, words, strict=True))
    summed = ring.decode(np.sum(words, axis=0, dtype=ring.dtype))
    return SplitView(summed, outcome.sums, ring.decode(before)[:-1], masks)
