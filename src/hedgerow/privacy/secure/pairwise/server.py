"""The server of one secured sum: one phase after another, each message in its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.bitmap import Members
from hedgerow.privacy.secure.messages import (
    Advert,
    Agreement,
    Consent,
    Delivery,
    Masked,
    Opening,
    Reveal,
    Shares,
    Survivors,
)
from hedgerow.privacy.secure.pairwise.exchange import Exchange
from hedgerow.privacy.secure.pairwise.intake import Intake
from hedgerow.privacy.secure.pairwise.lobby import Lobby
from hedgerow.privacy.secure.pairwise.unmasking import Outcome, Unmasking
from hedgerow.privacy.secure.roster import Roster
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.shamir import Random


@dataclass(frozen=True)
class _Collecting:
    """While boxes go out and vectors come in."""

    exchange: Exchange
    shared: Members
    intake: Intake


@dataclass(frozen=True)
class _Over:
    """A session that has opened its sum or failed."""


_Phase: TypeAlias = Lobby | Exchange | _Collecting | Unmasking | _Over
P = TypeVar("P", bound=_Phase)


class Server:
    """Runs one sum: takes messages from clients and says what each is sent.

    A refused message (`ProtocolError`) changes nothing, and the same message again changes nothing.
    When closing a phase finds too few clients left, the session is over. Who sends a message is for
    the transport to establish once it has joined; vectors are signed besides.

    Parameters
    ----------
    terms
        Of the session.
    authority
        The enrolment authority's Ed25519 public key.
    key
        The aggregator's, which signs the receipt.
    beacon
        Gives 32 bytes that nobody could foresee, once the roster is closed. Only a public beacon
        shows others that the server did not choose them.
    """

    def __init__(
        self, terms: Terms, authority: bytes, key: Ed25519PrivateKey, beacon: Random = os.urandom
    ) -> None:
        self._terms = terms
        self._key = key
        self._beacon = beacon
        self._phase: _Phase = Lobby(terms, authority)
        self._roster: Roster | None = None

    def join(self, advert: Advert) -> int:
        """Step 0: take a client's keys; return its position. See `Lobby.join`."""
        return self._at(Lobby).join(advert)

    def close_adverts(self) -> None:
        """Step 1: fix the roster. See `Lobby.close`."""
        self._roster = self._leave(Lobby).close(self._beacon(32))
        self._phase = Exchange(self._roster)

    def opening(self, position: int) -> Opening:
        """Step 1: return what a client is shown of the roster.

        Raises
        ------
        ProtocolError
            ``wrong-phase`` or ``unknown-client``.
        """
        return self._known().opening(position)

    def share(self, position: int, shares: Shares) -> None:
        """Step 2: take a client's boxes for its neighbours. See `Exchange.share`."""
        self._at(Exchange).share(position, shares)

    def close_shares(self) -> None:
        """Step 3: fix whose masks are in the sum. See `Exchange.close`."""
        exchange = self._leave(Exchange)
        shared = exchange.close()
        intake = self.intake(np.flatnonzero(shared).tolist())
        self._phase = _Collecting(exchange, shared, intake)

    def delivery(self, position: int) -> Delivery:
        """Step 3: return the boxes for a client. See `Exchange.delivery`."""
        return self._at(_Collecting).exchange.delivery(position)

    def intake(self, positions: Iterable[int]) -> Intake:
        """Step 4: return an empty intake for some clients' vectors, as a worker may run one."""
        roster = self._known()
        senders = {p: roster.adverts[p].certificate.key for p in positions}
        return Intake(roster.view, senders, Ring(self._terms.bits), self._terms.words)

    def upload(self, position: int, masked: Masked) -> None:
        """Step 4: add a client's masked vector to the sum. See `Intake.accept`."""
        self._at(_Collecting).intake.accept(position, masked)

    def merge(self, intake: Intake) -> None:
        """Step 4: add what a worker took in. See `Intake.merge`."""
        self._at(_Collecting).intake.merge(intake)

    def close_uploads(self) -> Survivors:
        """Step 5: fix whose vectors are summed; return what each of them is told.

        Raises
        ------
        ProtocolError
            ``wrong-phase`` or ``too-few-contributors``.
        """
        collecting = self._leave(_Collecting)
        unmasking = Unmasking(self._known(), collecting.shared, collecting.intake)
        self._phase = unmasking
        return unmasking.survivors

    def consent(self, position: int, consent: Consent) -> None:
        """Step 5, among silos: take a signature over the survivors. See `Unmasking.consent`."""
        self._at(Unmasking).consent(position, consent)

    def agreement(self, position: int) -> Agreement:
        """Step 5, among silos: return the neighbours' signatures. See `Unmasking.agreement`."""
        return self._at(Unmasking).agreement(position)

    def reveal(self, position: int, reveal: Reveal) -> None:
        """Step 6: take a survivor's shares. See `Unmasking.reveal`."""
        self._at(Unmasking).reveal(position, reveal)

    def check_reveals(self) -> None:
        """Step 6: refuse to go on with too few. See `Unmasking.check`."""
        self._at(Unmasking).check()

    def finish(self) -> Outcome:
        """Step 7: open the sum and sign the receipt. See `Unmasking.finish`."""
        return self._leave(Unmasking).finish(self._key)

    def _known(self) -> Roster:
        if self._roster is None:
            raise _out_of_phase()
        return self._roster

    def _at(self, expected: type[P]) -> P:
        if not isinstance(self._phase, expected):
            raise _out_of_phase()
        return self._phase

    def _leave(self, expected: type[P]) -> P:
        """Return the phase that ends; unless another follows, the session is over."""
        phase = self._at(expected)
        self._phase = _Over()
        return phase


def _out_of_phase() -> ProtocolError:
    return ProtocolError("wrong-phase", "The server does not take or give this in its phase.")
