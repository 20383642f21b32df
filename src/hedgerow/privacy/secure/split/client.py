"""The client's side of split mode: one message, and nothing to come back for."""

from __future__ import annotations

import hashlib
import os

from hedgerow.errors import ProtocolError
from hedgerow.privacy.randomness import KEY_BYTES, Stream
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.session import Floor, Terms, derive, sid
from hedgerow.privacy.secure.shamir import Random
from hedgerow.privacy.secure.split.messages import (
    Envelope,
    Report,
    Seed,
    Servers,
    Signed,
    binding,
    refuse_other_modes,
    report_id,
    signing,
)
from hedgerow.privacy.secure.split.sealing import Seal, seal
from hedgerow.privacy.secure.wire import to_wire

MASK = "split mask"


def mask(terms: Terms, seed: bytes) -> Words:
    """Return the words that a seed stands for in a session, shape (terms.words,)."""
    key = derive(seed, sid(terms), MASK)
    return Stream(key).words(terms.words, Ring(terms.bits).dtype)


def make_report(
    terms: Terms,
    servers: Servers,
    identity: Identity,
    words: Words,
    *,
    floor: Floor,
    random: Random = os.urandom,
    sealed_by: Seal = seal,
) -> Report:
    """Return a client's masked vector, and the mask's seed sealed to the helper.

    To try again after a lost connection, send the same report; another one is refused.

    Parameters
    ----------
    terms
        The session's.
    servers
        The two that the client was made to trust not to collude.
    identity
        The client's enrolled key.
    words
        The client's vector in the ring, shape (terms.words - 1,); the count is added here.
    floor
        What the client insists on.
    random
        Where the seed comes from.
    sealed_by
        HPKE; golden vectors have one with a known ephemeral key.

    Raises
    ------
    ProtocolError
        ``weak-mode``: the terms are of another mode; ``no-helper``: there is no second server; or
        those of `Floor.check`.
    ValueError
        The vector has another length or type.
    """
    refuse_other_modes(terms)
    floor.check(terms)
    if not servers.sealing:
        raise ProtocolError("no-helper", "This deployment has no helper to seal a mask to.")
    ring, session = Ring(terms.bits), sid(terms)
    if words.shape != (terms.words - 1,) or words.dtype != ring.dtype:
        raise ValueError(f"a vector has {terms.words - 1} words of type {ring.dtype.__name__}")
    report, seed = report_id(terms, identity.certificate.key), random(KEY_BYTES)
    sums = mask(terms, seed)
    sums[:-1] += words
    sums[-1:] += ring.dtype(1)
    masked = ring.pack(sums)
    sealed = sealed_by(
        to_wire(Seed(session, report, seed)), servers.sealing, binding(session, report, servers)
    )
    envelope = Envelope(session, report, hashlib.sha256(masked).digest(), sealed)
    signature = identity.sign(signing(envelope))
    return Report(Signed(envelope, identity.certificate, signature), masked)
