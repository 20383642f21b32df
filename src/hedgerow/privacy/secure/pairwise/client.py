"""A client of one secured sum, step by step; it never goes back and answers once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.identity import Identity
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
    consent_to_sign,
    request_digest,
)
from hedgerow.privacy.secure.pairwise import revealing, sharing, uploading
from hedgerow.privacy.secure.receipt import Inclusion, Receipt, check_receipt
from hedgerow.privacy.secure.session import PAIRWISE, Floor, Terms, sid
from hedgerow.privacy.secure.shamir import Random
from hedgerow.privacy.secure.wire import to_wire


@dataclass(frozen=True)
class _New:
    """Before step 0."""


@dataclass(frozen=True)
class _Consented:
    """A client that signed for some survivors; it answers for no others."""

    kept: uploading.Uploaded
    request: bytes


@dataclass(frozen=True)
class _Done:
    """After step 6: the answer, and what the receipt is checked against."""

    answer: revealing.Answered
    digest: bytes


@dataclass(frozen=True)
class _Ended:
    """A session that failed; nothing of it is kept."""


_Stage: TypeAlias = (
    _New | sharing.Advertised | sharing.Shared | uploading.Uploaded | _Consented | _Done | _Ended
)
S = TypeVar("S", bound=_Stage)


class Client:
    """One client's part in one sum.

    Each step hands its secrets on to the next and forgets the rest. A message that breaks the
    protocol ends the session: the secrets are dropped, and no later message brings them back.
    The caller has made sure that ``terms.model`` and ``terms.config`` are hashes of what the
    vector is computed from.

    Parameters
    ----------
    terms
        What the server asks.
    floor
        What the client insists on.
    identity
        Its enrolled key.
    authority
        The enrolment authority's Ed25519 public key, which is not the aggregator's.
    journal
        Puts a record of the one answer where a crash does not reach it, before it returns.
    random
        Where secrets come from.

    Raises
    ------
    ProtocolError
        The terms fall below the floor; see `session.Floor.check`.
    """

    def __init__(
        self,
        terms: Terms,
        floor: Floor,
        identity: Identity,
        authority: bytes,
        *,
        journal: Callable[[bytes], None],
        random: Random = os.urandom,
    ) -> None:
        if terms.mode != PAIRWISE:
            raise ProtocolError("weak-mode", f"This is no sum in {PAIRWISE} mode.")
        floor.check(terms)
        self._terms = terms
        self._floor = floor
        self._identity = identity
        self._authority = authority
        self._journal = journal
        self._random = random
        self._stage: _Stage = _New()

    def advertise(self) -> Advert:
        """Step 0: return fresh keys, signed."""
        self._take(_New)
        kept = sharing.advertise(self._terms, self._identity, self._random)
        self._stage = kept
        return kept.advert

    def share(self, opening: Opening) -> Shares:
        """Step 2: check the roster and return the boxes for the neighbours.

        Raises
        ------
        ProtocolError
            What `session.Floor.check` raises for the roster's size, or `sharing.share`.
        """
        kept = self._take(sharing.Advertised)
        self._floor.check(self._terms, opening.clients)
        self._stage, shares = sharing.share(
            self._terms, kept, opening, self._authority, self._random
        )
        return shares

    def mask(self, delivery: Delivery, words: Words) -> Masked:
        """Step 4: return the masked vector.

        Parameters
        ----------
        delivery
            The neighbours' boxes.
        words
            The vector in the ring, without the count of contributors, shape (terms.words - 1,).

        Raises
        ------
        ProtocolError
            What `uploading.mask` raises.
        """
        kept = self._take(sharing.Shared)
        self._stage, masked = uploading.mask(self._terms, kept, delivery, words, self._identity)
        return masked

    def consent(self, survivors: Survivors) -> Consent:
        """Step 5, among silos: sign for the survivors, the first time they are told.

        Raises
        ------
        ProtocolError
            What `revealing.check_survivors` raises.
        """
        kept = self._take(uploading.Uploaded)
        revealing.check_survivors(self._terms, kept, survivors)
        self._stage = _Consented(kept, request_digest(survivors))
        return Consent(self._identity.sign(consent_to_sign(kept.view, survivors)))

    def reveal(self, survivors: Survivors, agreement: Agreement | None = None) -> Reveal:
        """Step 6: return a share for each neighbour, after the journal has recorded it.

        The same survivors get the same answer again; any others are refused.

        Parameters
        ----------
        survivors
            Who sent a vector and who vanished.
        agreement
            Where the terms ask for it, that other clients were told the same.

        Raises
        ------
        ProtocolError
            ``already-answered``, or what `revealing.answer` and `revealing.check_agreement` raise.
        """
        if isinstance(self._stage, _Done):
            return self._stage.answer.again(survivors)
        kept = self._agreed(survivors, agreement)
        answered = revealing.answer(self._terms, kept, survivors)
        self._journal(to_wire(answered))
        self._stage = _Done(answered, kept.digest)
        return Reveal(answered.shares)

    def check_receipt(self, receipt: Receipt, inclusion: Inclusion, server: bytes) -> None:
        """Step 7: check that the server's receipt counts this client's vector in.

        Parameters
        ----------
        receipt, inclusion
            What the server published, and the proof for this client.
        server
            The aggregator's Ed25519 public key.

        Raises
        ------
        ProtocolError
            What `receipt.check_receipt` raises.
        """
        if not isinstance(self._stage, _Done):
            raise _out_of_turn()
        check_receipt(receipt, inclusion, server, sid(self._terms), self._stage.digest)

    def _agreed(self, survivors: Survivors, agreement: Agreement | None) -> uploading.Uploaded:
        if not self._terms.consistency:
            return self._take(uploading.Uploaded)
        consented = self._take(_Consented)
        if agreement is None or request_digest(survivors) != consented.request:
            raise ProtocolError(
                "no-agreement", "This client answers only for survivors that were signed for."
            )
        revealing.check_agreement(self._terms, consented.kept, survivors, agreement)
        return consented.kept

    def _take(self, expected: type[S]) -> S:
        """Return what the last step kept, and keep it no longer: the step succeeds or all ends."""
        stage = self._stage
        if not isinstance(stage, expected):
            raise _out_of_turn()
        self._stage = _Ended()
        return stage


def _out_of_turn() -> ProtocolError:
    return ProtocolError("wrong-step", "This client is not at that step of the session.")
