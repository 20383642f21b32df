"""The phases by name, and what each of them has to offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hedgerow.server.rounds import consent, gather, keys, masked, report, shares, unmask
from hedgerow.server.rounds.record import (
    CONSENT,
    GATHER,
    KEYS,
    MASKED,
    REPORT,
    SHARES,
    UNMASK,
)
from hedgerow.server.rounds.work import Work


class Phase(Protocol):
    """A phase in which clients send one message each; a module of this package."""

    @property
    def KIND(self) -> str:  # noqa: N802 - a constant of the module
        """What the message is called in the interface."""
        ...

    def take(self, work: Work, client: bytes, body: bytes, /) -> None:
        """Feed a message to the protocol.

        Raises
        ------
        ProtocolError
            It is refused, and changes nothing.
        """
        ...

    def close(self, work: Work, /) -> None:
        """End the phase, with the messages taken.

        Raises
        ------
        ProtocolError
            Too few are left; the round has failed.
        """
        ...

    def told(self, work: Work, client: bytes, /) -> bytes:
        """Return what a client has to know when the phase begins.

        Raises
        ------
        ProtocolError
            It does not take part.
        """
        ...


PHASES: Mapping[str, Phase] = {
    GATHER: gather,
    KEYS: keys,
    SHARES: shares,
    MASKED: masked,
    CONSENT: consent,
    UNMASK: unmask,
    REPORT: report,
}
