"""What a phase fixes when it ends: whose messages count, in which order, and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hedgerow.privacy.secure.receipt import Inclusion, Receipt
from hedgerow.privacy.secure.wire import Between, Key32

Names = Annotated[tuple[Key32, ...], Between(0, 1 << 20)]


@dataclass(frozen=True)
class Closing:
    """The end of a phase.

    Parameters
    ----------
    members
        The clients, by their public keys, whose messages count, in the order in which they did.
    drawn
        Random bytes, such as the beacon from which the graph follows.
    """

    members: Names
    drawn: Key32


@dataclass(frozen=True)
class Published:
    """The end of a round.

    Parameters
    ----------
    receipt
        Over the sum.
    members, inclusions
        The contributors, and for each the proof that its term is in the sum.
    model
        Hash of what was learned; the model from before where the sum was another.
    """

    receipt: Receipt
    members: Names
    inclusions: Annotated[tuple[Inclusion, ...], Between(0, 1 << 20)]
    model: Key32
