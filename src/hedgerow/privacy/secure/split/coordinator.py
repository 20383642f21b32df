"""The coordinator's side of split mode: it sees masked reports, and opens their sum."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.identity import verify
from hedgerow.privacy.secure.receipt import Inclusion, Receipt, issue
from hedgerow.privacy.secure.session import Terms, sid
from hedgerow.privacy.secure.split.messages import (
    BATCH,
    AgreedSet,
    Collect,
    Forward,
    Report,
    Servers,
    SignedMaskSum,
    SignedVerdicts,
    refuse_other_modes,
    request_of,
    set_root,
    signing,
)
from hedgerow.privacy.secure.split.noise import Noise, drawn
from hedgerow.privacy.secure.split.tally import Tally
from hedgerow.privacy.secure.split.used import UsedReports
from hedgerow.privacy.secure.wire import Payload


@dataclass(frozen=True)
class Outcome:
    """A sum that was opened.

    Parameters
    ----------
    sums
        The total of the contributors' vectors as integers, and of both servers' noise, shape
        (terms.words - 1,).
    contributors
        The names of the reports in it, in ascending order.
    receipt
        The coordinator's, to be published.
    inclusions
        For each report, the proof that it is in the sum.
    """

    sums: NDArray[np.int64]
    contributors: tuple[bytes, ...]
    receipt: Receipt
    inclusions: Mapping[bytes, Inclusion]


class Coordinator:
    """One session on the coordinator's side.

    Its memory is one sum, a hash per report, and those reports that the helper has not judged yet:
    forward them as they come.

    Parameters
    ----------
    terms
        The session's.
    servers
        The two servers' public keys.
    authority
        The public key of who enrols clients.
    key
        What the coordinator signs with.
    used
        Its record of reports that have been summed.
    noise
        What it adds to the sum; see `hedgerow.privacy.secure.split.noise`.

    Raises
    ------
    ProtocolError
        ``weak-mode``: the terms are of another mode.
    """

    def __init__(
        self,
        terms: Terms,
        servers: Servers,
        authority: bytes,
        key: Ed25519PrivateKey,
        *,
        used: UsedReports,
        noise: Noise,
    ) -> None:
        refuse_other_modes(terms)
        self._terms, self._servers, self._authority = terms, servers, authority
        self._key, self._used, self._noise = key, used, noise
        self._ring = Ring(terms.bits)
        self._tally = Tally(self._ring, terms.words)
        self._waiting: dict[bytes, Report] = {}
        self._asked: bytes | None = None
        self._agreed: AgreedSet | None = None

    def receive(self, report: Report, sender: bytes) -> None:
        """Take a client's report; the same one again changes nothing.

        That the client signed it is for the helper to check, which sees it next and cannot know
        from whom it came. What was not signed is refused there, and taken out here.

        Parameters
        ----------
        report
            As it came.
        sender
            The enrolled key of the client from which it came, as the transport has established it.

        Raises
        ------
        ProtocolError
            ``closed``, ``too-many``, ``replayed``, ``duplicate-report``, ``bad-masked``,
            ``not-yours``: it is of another client; or those of `Signed.check_sender`. The report is
            left out, and the session goes on.
        """
        self._refuse_if_closed()
        envelope = report.signed.envelope
        if report.signed.certificate.key != sender:
            raise ProtocolError("not-yours", "A report was sent by another client than its own.")
        report.signed.check_sender(self._terms, self._authority)
        if envelope.report in self._used:
            raise ProtocolError("replayed", "A report has been in another sum.")
        known = self._known(envelope.report)
        if known is not None:
            if known != envelope.digest:
                raise ProtocolError("duplicate-report", "A client sent two different reports.")
            return
        if len(self._tally.digests) + len(self._waiting) >= self._terms.clients:
            raise ProtocolError("too-many", "There are as many reports as the terms allow.")
        if hashlib.sha256(report.masked).digest() != envelope.digest:
            raise ProtocolError("bad-masked", "Masked words are not those that were signed.")
        if not self._fits(report.masked):
            raise ProtocolError("bad-masked", "Masked words do not have the form of a vector.")
        # Added now, while the words are in the processor's cache; taken out again if refused.
        self._tally.words += self._words(report)
        self._waiting[envelope.report] = report

    def forward(self) -> Forward | None:
        """Return the next reports to put before the helper; None when all have been judged.

        Until their verdicts come the same ones are returned, so that a lost message can be sent
        again.
        """
        first = islice(self._waiting.values(), BATCH)
        envelopes = tuple([waiting.signed for waiting in first])
        if not envelopes:
            return None
        forward = Forward(sid(self._terms), envelopes)
        self._asked = request_of(forward)
        return forward

    def settle(self, answer: SignedVerdicts) -> None:
        """Add the reports that the helper accepts, and forget the others.

        A client whose report was refused may send another.

        Raises
        ------
        ProtocolError
            ``closed``; ``bad-signature``: the helper did not sign them; ``other-session``;
            ``bad-verdicts``: they answer another question than the last, or are not about reports
            that wait, or about one twice.
        """
        verdicts = answer.verdicts
        verify(
            self._servers.helper,
            signing(verdicts),
            answer.signature,
            "The verdicts are not signed by the helper.",
        )
        self._refuse_if_closed()
        if verdicts.session != sid(self._terms):
            raise ProtocolError("other-session", "Verdicts are about another session.")
        if verdicts.request != self._asked:
            raise ProtocolError("bad-verdicts", "Verdicts answer what the helper was not asked.")
        self._judged(verdicts.accepted, [refusal.report for refusal in verdicts.refused])
        self._asked = None

    def settle_again(self, accepted: Collection[bytes]) -> None:
        """Add reports that the helper had accepted, as whoever checked its verdicts has noted.

        Raises
        ------
        ProtocolError
            ``closed``; ``bad-verdicts``: one of them does not wait.
        """
        self._refuse_if_closed()
        self._judged(accepted, ())

    def _judged(self, accepted: Collection[bytes], refused: Collection[bytes]) -> None:
        judged = {*accepted, *refused}
        once = len(judged) == len(accepted) + len(refused)
        if not once or not judged <= self._waiting.keys():
            raise ProtocolError("bad-verdicts", "The helper judged reports that do not wait.")
        for report in accepted:
            self._tally.note({report: self._waiting.pop(report).signed.envelope.digest})
        for report in refused:
            self._tally.words -= self._words(self._waiting.pop(report))

    def tally(self) -> Tally:
        """Return the sum of the accepted reports, still masked, for another replica to absorb.

        Raises
        ------
        ProtocolError
            ``unjudged``: some reports wait for the helper's verdict.
        """
        if self._waiting:
            raise ProtocolError("unjudged", "Some reports wait for the helper's verdict.")
        return self._tally

    def absorb(self, tally: Tally) -> None:
        """Add what another replica has summed in the same session.

        Raises
        ------
        ProtocolError
            ``closed``; ``duplicate-report``: both have a client's report.
        """
        self._refuse_if_closed()
        self._tally.merge(tally)

    def collect(self) -> Collect:
        """Close the set of reports, and return the request for the sum of their masks.

        Raises
        ------
        ProtocolError
            ``unjudged``; ``too-few-contributors``: there are fewer than the minimum, and the sum
            stays shut.
        """
        digests = self.tally().digests
        if len(digests) < self._terms.minimum:
            raise ProtocolError(
                "too-few-contributors",
                f"A sum of {len(digests)} reports is not opened; it takes {self._terms.minimum}.",
            )
        session = sid(self._terms)
        self._agreed = AgreedSet(session, len(digests), set_root(session, digests))
        return Collect(self._agreed, self._key.sign(signing(self._agreed)))

    def open(self, answer: SignedMaskSum) -> Outcome:
        """Return the sum, given that of the masks.

        Raises
        ------
        ProtocolError
            ``bad-signature``; ``bad-set``: the sum of the masks is over another set;
            ``bad-masks``: it has another length; ``replayed``: a report has been in another sum, or
            this one was opened; ``bad-count``: the contributors in the sum are not as many as
            the reports, so some client or server deviated and the sum is void.
        """
        verify(
            self._servers.helper,
            signing(answer.sum),
            answer.signature,
            "The sum of the masks is not signed by the helper.",
        )
        agreed = self._agreed
        if agreed is None or answer.sum.agreed != agreed:
            raise ProtocolError("bad-set", "The sum of the masks is over another set of reports.")
        try:
            masks = self._ring.unpack(answer.sum.masks, self._terms.words)
        except ValueError as problem:
            sentence = f"The sum of the masks does not fit: {problem}."
            raise ProtocolError("bad-masks", sentence) from None
        if not self._used.claim(self._tally.digests.keys()):
            raise ProtocolError("replayed", "A report in this set has been in another sum.")
        words = self._tally.words - masks + drawn(self._noise, self._ring, self._terms.words)
        count = self._ring.encode(np.array([agreed.count]))
        totals = self._ring.decode(words)
        if totals[-1] != self._ring.decode(count)[0]:
            raise ProtocolError(
                "bad-count",
                "The sum is void: it does not count as many contributors as there are reports.",
            )
        return self._outcome(totals[:-1], hashlib.sha256(self._ring.pack(words)).digest())

    def _outcome(self, sums: NDArray[np.int64], total: bytes) -> Outcome:
        digests = self._tally.digests
        contributors = tuple(sorted(digests))
        uploads = {place: digests[report] for place, report in enumerate(contributors)}
        receipt, proofs = issue(self._key, sid(self._terms), total, uploads)
        inclusions = {report: proofs[place] for place, report in enumerate(contributors)}
        return Outcome(sums, contributors, receipt, inclusions)

    def _known(self, report: bytes) -> bytes | None:
        """Return the digest of a report that is here already."""
        waiting = self._waiting.get(report)
        return waiting.signed.envelope.digest if waiting else self._tally.digests.get(report)

    def _words(self, report: Report) -> Words:
        """Return a report's masked words."""
        return self._ring.unpack(report.masked, self._terms.words)

    def _fits(self, masked: Payload) -> bool:
        """Return whether these are so many packed words, and nothing in the bits that are over."""
        spare = -(self._terms.words * self._terms.bits) % 8
        right = len(masked) == self._ring.nbytes(self._terms.words)
        return right and masked[-1] >> (8 - spare) == 0

    def _refuse_if_closed(self) -> None:
        if self._agreed is not None:
            raise ProtocolError("closed", "The set of reports of this session is closed.")
