"""Steps 5 to 7 at the server: who survived, what they reveal, and the sum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import identity
from hedgerow.privacy.secure.bitmap import Members, members_of, to_bitmap
from hedgerow.privacy.secure.messages import (
    Agreement,
    Consent,
    Reveal,
    Survivors,
    consent_to_sign,
)
from hedgerow.privacy.secure.pairwise.intake import Intake
from hedgerow.privacy.secure.pairwise.lobby import enough
from hedgerow.privacy.secure.pairwise.recovery import Dropout, Revealed, leftover
from hedgerow.privacy.secure.receipt import Inclusion, Receipt, issue
from hedgerow.privacy.secure.roster import Roster
from hedgerow.privacy.secure.session import sid


@dataclass(frozen=True)
class Outcome:
    """A sum that was opened.

    Parameters
    ----------
    sums
        The total of the contributors' vectors as integers, shape (terms.words - 1,).
    contributors
        Their positions in the roster.
    receipt
        The server's, to be published.
    inclusions
        For each contributor, the proof that its vector is in the sum.
    """

    sums: NDArray[np.int64]
    contributors: tuple[int, ...]
    receipt: Receipt
    inclusions: Mapping[int, Inclusion]


class Unmasking:
    """Takes what the survivors reveal, and opens the sum.

    Parameters
    ----------
    roster
        Who takes part.
    shared
        Who made shares, shape (clients,).
    intake
        The masked sum.

    Raises
    ------
    ProtocolError
        ``too-few-contributors``.
    """

    def __init__(self, roster: Roster, shared: Members, intake: Intake) -> None:
        enough(
            len(intake.digests), roster.terms.minimum, "too-few-contributors", "sent their vectors"
        )
        self._roster = roster
        self._intake = intake
        self._alive = members_of(intake.digests, len(shared))
        self._dead = shared & ~self._alive
        self._revealed = Revealed(roster.graph, shared, roster.terms.threshold)
        self._answers: dict[int, bytes] = {}
        self._consents: dict[int, bytes] = {}
        self.survivors = Survivors(to_bitmap(self._alive), to_bitmap(self._dead))

    def consent(self, position: int, consent: Consent) -> None:
        """Take a client's signature over the survivors, where the terms ask for one.

        Raises
        ------
        ProtocolError
            ``not-a-survivor`` or ``bad-signature``.
        """
        self._check_alive(position)
        identity.verify(
            self._roster.adverts[position].certificate.key,
            consent_to_sign(self._roster.view, self.survivors),
            consent.signature,
            f"Client {position} did not sign for these survivors.",
        )
        self._consents[position] = consent.signature

    def agreement(self, position: int) -> Agreement:
        """Return the signatures of a client's neighbours, as many as the threshold.

        Raises
        ------
        ProtocolError
            ``too-few-consents``.
        """
        others = self._roster.graph.neighbours(position)
        threshold = self._roster.terms.threshold
        signers = [i for i, other in enumerate(others) if other in self._consents][:threshold]
        enough(len(signers), threshold, "too-few-consents", "near one signed for the survivors")
        signatures = b"".join(self._consents[others[i]] for i in signers)
        return Agreement(to_bitmap(members_of(signers, len(others))), signatures)

    def reveal(self, position: int, reveal: Reveal) -> None:
        """Take a client's shares; the same ones again change nothing.

        Raises
        ------
        ProtocolError
            ``not-a-survivor``, ``already-revealed``: other shares; or what `Revealed.add` raises.
        """
        self._check_alive(position)
        before = self._answers.get(position)
        if before is None:
            self._revealed.add(position, reveal)
            self._answers[position] = hashlib.sha256(reveal.shares).digest()
        elif before != hashlib.sha256(reveal.shares).digest():
            raise ProtocolError("already-revealed", f"Client {position} told other shares before.")

    def check(self) -> None:
        """Refuse to open a sum for which too little was revealed; nothing is opened by asking.

        Raises
        ------
        ProtocolError
            ``too-few-shares``.
        """
        for position in np.flatnonzero(self._alive | self._dead).tolist():
            self._revealed.check(position)

    def finish(self, key: Ed25519PrivateKey) -> Outcome:
        """Open the sum.

        Parameters
        ----------
        key
            The aggregator's, which signs the receipt.

        Raises
        ------
        ProtocolError
            ``too-few-shares``, ``bad-secret``; ``bad-sum``: the count of contributors does not come
            out, because somebody sent a wrong share or a vector that counts for more than one.
        """
        terms, ring = self._roster.terms, Ring(self._roster.terms.bits)
        survivors = np.flatnonzero(self._alive).tolist()
        seeds = [self._revealed.secret(position) for position in survivors]
        gone = [self._dropout(position) for position in np.flatnonzero(self._dead).tolist()]
        words = self._intake.words - leftover(terms, self._roster.view, seeds, gone)
        totals = ring.decode(words)
        if totals[-1] != ring.decode(ring.encode(np.array([len(survivors)])))[0]:
            raise ProtocolError(
                "bad-sum", "The sum does not open; a client sent a wrong share or a wrong count."
            )
        digest = hashlib.sha256(ring.pack(words)).digest()
        receipt, inclusions = issue(key, sid(terms), digest, self._intake.digests)
        return Outcome(totals[:-1], tuple(survivors), receipt, inclusions)

    def _dropout(self, position: int) -> Dropout:
        adverts = self._roster.adverts
        peers = tuple(
            (other, adverts[other].mask)
            for other in self._roster.graph.neighbours(position)
            if self._alive[other]
        )
        return Dropout(position, adverts[position].mask, self._revealed.secret(position), peers)

    def _check_alive(self, position: int) -> None:
        self._roster.check_position(position)
        if not self._alive[position]:
            raise ProtocolError("not-a-survivor", f"Client {position} is not in the sum.")
