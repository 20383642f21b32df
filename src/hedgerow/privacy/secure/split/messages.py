"""What clients, coordinator and helper say to each other in split mode."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import cbor, merkle
from hedgerow.privacy.secure.identity import Certificate, verify
from hedgerow.privacy.secure.session import SPLIT, Terms, sid
from hedgerow.privacy.secure.split.sealing import OVERHEAD
from hedgerow.privacy.secure.wire import Between, Key32, Payload, Signature, to_wire

BATCH = 4096
"""The most reports that are put before the helper in one message."""

Reports = Annotated[tuple[Key32, ...], Between(0, BATCH)]

_SIGNED = b"hedgerow/split/signed/v1\0"
_REPORT = b"hedgerow/split/report/v1\0"
_SEALED = b"hedgerow/split/sealed/v1\0"
_SET = b"hedgerow/split/set/v1\0"


@dataclass(frozen=True)
class Servers:
    """Who the two servers are; a client has this from its maker, not from either of them.

    Parameters
    ----------
    coordinator, helper
        The Ed25519 public keys with which they sign.
    sealing
        The helper's X25519 public key, to which seeds are sealed.
    """

    coordinator: Key32
    helper: Key32
    sealing: Key32


@dataclass(frozen=True)
class Seed:
    """What a client seals to the helper: whence its mask comes, and for which report."""

    session: Key32
    report: Key32
    seed: Key32


@dataclass(frozen=True)
class Envelope:
    """What a client signs, and what the helper gets to see of a report.

    Parameters
    ----------
    session
        The `sid`.
    report
        The `report_id`.
    digest
        SHA-256 of the masked words.
    sealed
        A sealed `Seed`.
    """

    session: Key32
    report: Key32
    digest: Key32
    sealed: Annotated[bytes, Between(OVERHEAD, 256)]


@dataclass(frozen=True)
class Signed:
    """An envelope, who sends it, and the sender's signature."""

    envelope: Envelope
    certificate: Certificate
    signature: Signature

    def check_sender(self, terms: Terms, authority: bytes) -> None:
        """Refuse what is not of an enrolled client or not for this session, as both servers do.

        Raises
        ------
        ProtocolError
            ``other-session``, ``bad-report-id``, or those of `Certificate.check`.
        """
        if self.envelope.session != sid(terms):
            raise ProtocolError("other-session", "A report belongs to another session.")
        if self.envelope.report != report_id(terms, self.certificate.key):
            raise ProtocolError("bad-report-id", "A report does not bear its client's name.")
        self.certificate.check(authority)

    def check_signature(self) -> None:
        """Refuse what the client did not sign.

        Raises
        ------
        ProtocolError
            ``bad-signature``.
        """
        verify(
            self.certificate.key,
            signing(self.envelope),
            self.signature,
            "A report is not signed by its client.",
        )


@dataclass(frozen=True)
class Report:
    """All that a client sends: one message.

    Parameters
    ----------
    signed
        The signed envelope.
    masked
        The words of the ring plus the mask, packed.
    """

    signed: Signed
    masked: Payload


@dataclass(frozen=True)
class Forward:
    """From the coordinator to the helper: envelopes of reports that it holds."""

    session: Key32
    envelopes: Annotated[tuple[Signed, ...], Between(1, BATCH)]


@dataclass(frozen=True)
class Refusal:
    """A report that the helper does not accept, and the code that says why."""

    report: Key32
    code: Annotated[str, Between(1, 40)]


@dataclass(frozen=True)
class Verdicts:
    """Which of the forwarded reports the helper accepts.

    Parameters
    ----------
    session
        The `sid`.
    request
        The `request_of` what is answered, so that no verdict counts for another question.
    accepted, refused
        The reports that were forwarded, each in one of them.
    """

    session: Key32
    request: Key32
    accepted: Reports
    refused: Annotated[tuple[Refusal, ...], Between(0, BATCH)]


@dataclass(frozen=True)
class SignedVerdicts:
    """From the helper to the coordinator: its verdicts, signed."""

    verdicts: Verdicts
    signature: Signature


@dataclass(frozen=True)
class AgreedSet:
    """Exactly which reports are summed.

    Parameters
    ----------
    session
        The `sid`.
    count
        How many they are.
    root
        The `set_root`.
    """

    session: Key32
    count: int
    root: Key32


@dataclass(frozen=True)
class Collect:
    """From the coordinator to the helper: the set is closed, send the sum of its masks."""

    agreed: AgreedSet
    signature: Signature


@dataclass(frozen=True)
class MaskSum:
    """The sum of the masks over the agreed set, less the helper's noise, packed."""

    agreed: AgreedSet
    masks: Annotated[bytes, Between(0, 1 << 32)]


@dataclass(frozen=True)
class SignedMaskSum:
    """From the helper to the coordinator: the sum of the masks, signed."""

    sum: MaskSum
    signature: Signature


def refuse_other_modes(terms: Terms) -> None:
    """Refuse terms that are not of split mode.

    Raises
    ------
    ProtocolError
        ``weak-mode``.
    """
    if terms.mode != SPLIT:
        raise ProtocolError("weak-mode", f"A sum in the mode {terms.mode} has no helper.")


def signing(message: Envelope | Verdicts | AgreedSet | MaskSum) -> bytes:
    """Return the bytes to sign for a message."""
    return _SIGNED + to_wire(message)


def request_of(forward: Forward) -> bytes:
    """Return the SHA-256 of a message to the helper, by which its answer names it."""
    return hashlib.sha256(to_wire(forward)).digest()


def report_id(terms: Terms, client: bytes) -> bytes:
    """Return the name of a client's one report in a round, whatever the attempt.

    As all attempts share it, and each server uses a name once, no two attempts of a round are
    opened: their difference would be about the few clients that are in one only.

    Parameters
    ----------
    terms
        The session's; only task and round enter.
    client
        The client's enrolled public key.
    """
    return hashlib.sha256(_REPORT + cbor.encode([terms.task, terms.round, client])).digest()


def binding(session: bytes, report: bytes, servers: Servers) -> bytes:
    """Return the information that a sealed seed is bound to."""
    return _SEALED + cbor.encode([session, report, _encoded(servers)])


@lru_cache(maxsize=64)
def _encoded(servers: Servers) -> bytes:
    """Return the servers' keys as a message; they are the same for every report."""
    return to_wire(servers)


def set_root(session: bytes, digests: Mapping[bytes, bytes]) -> bytes:
    """Return the Merkle root of a set of reports, by which a client can be shown its own in it.

    Parameters
    ----------
    session
        The `sid`.
    digests
        The SHA-256 of each report's masked words, by the report's name; at least one.
    """
    entries = [_SET + session + report + digests[report] for report in sorted(digests)]
    return merkle.Tree([merkle.leaf(entry) for entry in entries]).root
