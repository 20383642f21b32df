"""The helper's side of split mode: it sees seeds and no reports, and gives one sum of masks."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.identity import verify
from hedgerow.privacy.secure.session import Floor, Terms, sid
from hedgerow.privacy.secure.split.client import mask
from hedgerow.privacy.secure.split.messages import (
    AgreedSet,
    Collect,
    Forward,
    MaskSum,
    Refusal,
    Seed,
    Servers,
    Signed,
    SignedMaskSum,
    SignedVerdicts,
    Verdicts,
    binding,
    refuse_other_modes,
    request_of,
    set_root,
    signing,
)
from hedgerow.privacy.secure.split.noise import Noise, drawn
from hedgerow.privacy.secure.split.sealing import unseal
from hedgerow.privacy.secure.split.tally import Tally
from hedgerow.privacy.secure.split.used import UsedReports
from hedgerow.privacy.secure.wire import from_wire


@dataclass(frozen=True)
class HelperKeys:
    """The helper's secrets: the key that it signs with, and the one that seeds are sealed to."""

    signing: Ed25519PrivateKey = field(repr=False)
    sealing: X25519PrivateKey = field(repr=False)


@dataclass(frozen=True)
class _Accepted:
    digest: bytes
    seed: bytes


class Helper:
    """One session on the helper's side.

    Parameters
    ----------
    terms
        The session's, which the helper was told by the coordinator and checks itself.
    servers
        The two servers' public keys.
    authority
        The public key of who enrols clients. The helper checks clients by itself, since a
        coordinator that could invent some would single out the others.
    keys
        The helper's own.
    used
        Its record of reports that have been summed.
    floor
        What the helper insists on.
    noise
        What it adds to the sum; see `hedgerow.privacy.secure.split.noise`.

    Raises
    ------
    ProtocolError
        Those of `Floor.check`; ``weak-mode``: the terms are of another mode.
    """

    def __init__(
        self,
        terms: Terms,
        servers: Servers,
        authority: bytes,
        keys: HelperKeys,
        *,
        used: UsedReports,
        floor: Floor,
        noise: Noise,
    ) -> None:
        refuse_other_modes(terms)
        floor.check(terms)
        self._terms, self._servers, self._authority = terms, servers, authority
        self._keys, self._used, self._noise = keys, used, noise
        self._accepted: dict[bytes, _Accepted] = {}
        self._answer: SignedMaskSum | None = None

    def judge(self, forward: Forward) -> SignedVerdicts:
        """Return which of the forwarded reports will be in the sum, and why others will not.

        The same report forwarded again gets the same verdict.

        Raises
        ------
        ProtocolError
            ``other-session``, or ``closed``: the sum has been given.
        """
        if forward.session != sid(self._terms):
            raise ProtocolError("other-session", "Reports were forwarded for another session.")
        if self._answer is not None:
            raise ProtocolError("closed", "The sum of this session has been given already.")
        accepted, refused = [], []
        for signed in forward.envelopes:
            report = signed.envelope.report
            try:
                self._accept(signed)
            except ProtocolError as problem:
                refused.append(Refusal(report, problem.code))
            else:
                accepted.append(report)
        found = Verdicts(forward.session, request_of(forward), tuple(accepted), tuple(refused))
        return SignedVerdicts(found, self._keys.signing.sign(signing(found)))

    def sum_masks(self, collect: Collect) -> SignedMaskSum:
        """Return the sum of the masks of exactly the agreed set, less the helper's noise, once.

        The same request again, after a lost connection, gets the same answer, noise included.

        Raises
        ------
        ProtocolError
            ``bad-signature``; ``already-given``: the sum of another set was given; ``bad-set``:
            the coordinator's set is not the helper's; ``too-few-contributors``: it is below the
            minimum; ``replayed``: a report has been in another sum.
        """
        agreed = collect.agreed
        verify(
            self._servers.coordinator,
            signing(agreed),
            collect.signature,
            "The request for a sum is not signed by the coordinator.",
        )
        if self._answer is not None:
            if self._answer.sum.agreed != agreed:
                raise ProtocolError("already-given", "A session has one sum, over one set.")
            return self._answer
        self._check(agreed)
        if not self._used.claim(self._accepted.keys()):
            raise ProtocolError("replayed", "A report in this set has been in another sum.")
        ring = Ring(self._terms.bits)
        tally = Tally(ring, self._terms.words)
        for report, accepted in self._accepted.items():
            tally.add(report, accepted.digest, mask(self._terms, accepted.seed))
        # The coordinator subtracts this sum, so what it gets has the noise added.
        masks = ring.pack(tally.words - drawn(self._noise, ring, self._terms.words))
        given = MaskSum(agreed, masks)
        self._answer = SignedMaskSum(given, self._keys.signing.sign(signing(given)))
        self._accepted.clear()
        return self._answer

    def _accept(self, signed: Signed) -> None:
        envelope = signed.envelope
        signed.check_sender(self._terms, self._authority)
        signed.check_signature()
        if envelope.report in self._used:
            raise ProtocolError("replayed", "A report has been in another sum.")
        bound = binding(envelope.session, envelope.report, self._servers)
        seed = from_wire(Seed, unseal(envelope.sealed, self._keys.sealing, bound))
        if (seed.session, seed.report) != (envelope.session, envelope.report):
            raise ProtocolError("cannot-open", "A sealed seed belongs to another report.")
        found = _Accepted(envelope.digest, seed.seed)
        if self._accepted.get(envelope.report, found) != found:
            raise ProtocolError("duplicate-report", "A client sent two different reports.")
        if envelope.report not in self._accepted and len(self._accepted) == self._terms.clients:
            raise ProtocolError("too-many", "There are as many reports as the terms allow.")
        self._accepted[envelope.report] = found

    def _check(self, agreed: AgreedSet) -> None:
        if len(self._accepted) < self._terms.minimum:
            raise ProtocolError(
                "too-few-contributors",
                f"A sum of {len(self._accepted)} reports is not opened; it takes "
                f"{self._terms.minimum}.",
            )
        digests = {report: found.digest for report, found in self._accepted.items()}
        session = sid(self._terms)
        if agreed != AgreedSet(session, len(digests), set_root(session, digests)):
            raise ProtocolError("bad-set", "The two servers do not hold the same set of reports.")
