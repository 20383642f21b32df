"""A round in the hands of a replica: the protocol's own object, fed from what is stored."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.privacy.secure.messages import Survivors
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.receipt import Inclusion, Receipt
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.split.coordinator import Coordinator
from hedgerow.server.context import Service
from hedgerow.server.rounds.record import Round


@dataclass(frozen=True)
class Opened:
    """A sum that was opened, and the proofs for the clients in it.

    Parameters
    ----------
    sums
        As integers, shape (terms.words - 1,).
    receipt, inclusions
        What the contributors are shown, the proofs by their public keys.
    """

    sums: NDArray[np.int64]
    receipt: Receipt
    inclusions: dict[bytes, Inclusion]


@dataclass
class Work:
    """What a replica has made of a round so far; all of it can be made again from the database.

    Parameters
    ----------
    service
        The replica.
    round
        As last read.
    """

    service: Service
    round: Round
    lock: threading.RLock = field(default_factory=threading.RLock)
    expected: frozenset[bytes] | None = None
    """From whom messages of the phase may come; None for anybody."""
    taken: dict[bytes, None] = field(default_factory=dict)
    """Whose message of the phase was accepted, in that order."""
    seen: int = 0
    """The last stored message of the phase that was looked at."""
    closed: set[str] = field(default_factory=set)
    """The phases whose end was taken in."""
    drawn: bytes = bytes(32)
    places: dict[bytes, int] = field(default_factory=dict)
    """Positions in the roster of pairwise mode."""
    pairwise: Server | None = None
    split: Coordinator | None = None
    begun: bool = False
    """Whether the helper knows of the sum of split mode."""
    survivors: Survivors | None = None
    opened: Opened | None = None

    @property
    def ask(self) -> Ask:
        """What clients compute.

        Raises
        ------
        ProtocolError
            ``too-early``: it is not known yet.
        """
        if self.round.ask is None:
            raise _too_early()
        return self.round.ask

    @property
    def terms(self) -> Terms:
        """What the parties to the secured sum agree on.

        Raises
        ------
        ProtocolError
            ``too-early``: it is not known yet.
        """
        if self.round.terms is None:
            raise _too_early()
        return self.round.terms

    @property
    def complete(self) -> bool:
        """Whether everybody has answered from whom an answer can come."""
        return self.expected is not None and self.expected <= self.taken.keys()

    def begin_phase(self, expected: frozenset[bytes] | None) -> None:
        """Forget the messages of the phase before."""
        self.expected, self.taken, self.seen = expected, {}, 0


def _too_early() -> ProtocolError:
    return ProtocolError("too-early", "It is not known yet what this round asks.")
