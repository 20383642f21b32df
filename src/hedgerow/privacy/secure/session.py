"""What one secured sum is about: its terms, its name, its keys, and what a client insists on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.ring import NARROWEST, WIDEST
from hedgerow.privacy.secure import parameters
from hedgerow.privacy.secure.wire import Key32, Text, to_wire

PAIRWISE, SPLIT = "pairwise", "split"

MOST_CLIENTS = 1 << 20
"""The largest roster; beyond, sums of sums are made."""

_DOMAIN = b"hedgerow/session/v1\0"
_DERIVE = b"hedgerow/derive/v1\0"


@dataclass(frozen=True)
class Terms:
    """Everything that the parties to one secured sum agree on before it starts.

    Parameters
    ----------
    mode
        ``pairwise`` or ``split``.
    task, round, attempt
        What the sum is for; a sum that failed is tried again under the next attempt.
    words
        The length of a vector in ring words; the last is the count of contributors, a 1 from each.
    bits
        The width of the ring.
    clients
        The most clients that take part.
    minimum
        The fewest contributors whose sum is opened.
    neighbours, threshold
        In pairwise mode, how many others hold a share of a client's secrets and how many of those
        recover one; 0 in split mode.
    consistency
        Whether clients first sign the set of survivors for each other (mode for silos).
    model
        Hash of the model and the catalog that clients compute from.
    config
        Hash of clip, noise, step and the like.

    Raises
    ------
    ProtocolError
        ``bad-terms``: they contradict themselves.
    """

    mode: Text
    task: Text
    round: int
    attempt: int
    words: int
    bits: int
    clients: int
    minimum: int
    neighbours: int
    threshold: int
    consistency: bool
    model: Key32
    config: Key32

    def __post_init__(self) -> None:
        pairwise = self.mode == PAIRWISE
        checks = {
            f"the mode {self.mode!r} is unknown": pairwise or self.mode == SPLIT,
            "a vector has at least one word and the count": self.words >= 2,
            f"a ring has {NARROWEST} to {WIDEST} bits": NARROWEST <= self.bits <= WIDEST,
            "a sum needs two contributors and no more than there are clients": (
                2 <= self.minimum <= self.clients
            ),
            "hashes have 32 bytes": len(self.model) == len(self.config) == 32,
            "split mode has no neighbours, threshold or signed survivors": pairwise
            or (self.neighbours, self.threshold, self.consistency) == (0, 0, False),
            "the threshold is between 1 and the neighbours, who are other clients": not pairwise
            or 1 <= self.threshold <= self.neighbours < self.clients,
            f"at most {MOST_CLIENTS} clients make one sum": not pairwise
            or self.clients <= MOST_CLIENTS,
            "a graph that is not complete has an even number of neighbours": not pairwise
            or self.neighbours == self.clients - 1
            or self.neighbours % 2 == 0,
        }
        for sentence, holds in checks.items():
            if not holds:
                raise ProtocolError("bad-terms", f"The terms of a sum do not fit: {sentence}.")


@lru_cache(maxsize=256)
def sid(terms: Terms) -> bytes:
    """Return the name of a session, 32 bytes: a hash of all its terms."""
    return hashlib.sha256(_DOMAIN + to_wire(terms)).digest()


def derive(
    secret: bytes, session: bytes, purpose: str, context: bytes = b"", length: int = 32
) -> bytes:
    """Return key material for one purpose in one session (HKDF-SHA256, RFC 5869).

    Parameters
    ----------
    secret
        What only the holders of the key know.
    session
        The session's `sid`, which salts the extraction, so that no key serves two sessions.
    purpose
        What the key is for.
    context
        Which of several such keys, in a form whose length is fixed by the purpose.
    length
        How many bytes, which is fixed by the purpose.
    """
    info = _DERIVE + purpose.encode() + b"\0" + context
    return HKDF(SHA256(), length, salt=session, info=info).derive(secret)


@dataclass(frozen=True)
class Floor:
    """What a client insists on, whatever the server asks.

    Parameters
    ----------
    minimum
        The fewest contributors in a sum that the client takes part in.
    adversaries, dropouts
        The shares of clients that it assumes to be corrupt and to vanish, each below 1.
    semi_malicious
        Whether the server may deviate once keys are collected, or only look on.
    modes
        The modes of secured sums that it trusts.
    consistency
        Whether it demands that survivors be signed for.
    """

    minimum: int
    adversaries: float = 1 / 3
    dropouts: float = 0.1
    semi_malicious: bool = True
    modes: tuple[str, ...] = (PAIRWISE, SPLIT)
    consistency: bool = False

    def check(self, terms: Terms, clients: int | None = None) -> None:
        """Refuse terms below the floor.

        Parameters
        ----------
        terms
            What the server asks.
        clients
            How many clients the roster has, once it is known; the most there may be until then.

        Raises
        ------
        ProtocolError
            ``weak-mode``, ``weak-minimum``, ``weak-consistency``, ``weak-threshold`` or, for a
            roster smaller or larger than the terms allow, ``bad-roster``.
        """
        if terms.mode not in self.modes:
            raise ProtocolError("weak-mode", f"This client does not accept the mode {terms.mode}.")
        if terms.minimum < self.minimum:
            raise ProtocolError(
                "weak-minimum",
                f"A sum over {terms.minimum} clients is too few; this client asks for "
                f"{self.minimum}.",
            )
        if terms.mode == SPLIT:
            return
        if self.consistency and not terms.consistency:
            raise ProtocolError(
                "weak-consistency", "This client takes part only where survivors are signed for."
            )
        size = terms.clients if clients is None else clients
        if not terms.minimum <= size <= terms.clients:
            raise ProtocolError(
                "bad-roster",
                f"A roster of {size} clients is outside {terms.minimum} to {terms.clients}.",
            )
        needed = parameters.Assumptions(self.adversaries, self.dropouts, self.semi_malicious)
        degree = min(terms.neighbours, size - 1)
        if not parameters.is_private(size, degree, terms.threshold, needed):
            raise ProtocolError(
                "weak-threshold",
                f"{terms.threshold} of {degree} neighbours among {size} clients do not keep a "
                "secret under what this client assumes.",
            )


def pairwise_terms(
    *,
    task: str,
    round: int,  # noqa: A002 - the field's name
    words: int,
    bits: int,
    clients: int,
    minimum: int,
    model: bytes,
    config: bytes,
    attempt: int = 0,
    consistency: bool = False,
    assumptions: parameters.Assumptions | None = None,
) -> Terms:
    """Return terms of pairwise mode with the fewest neighbours that suffice.

    Raises
    ------
    ConfigError
        So few clients cannot keep the promise.
    """
    if minimum > clients:
        raise ConfigError(f"A sum of at least {minimum} needs more than {clients} clients.")
    chosen = parameters.choose(clients, assumptions or parameters.Assumptions())
    return Terms(
        mode=PAIRWISE,
        task=task,
        round=round,
        attempt=attempt,
        words=words,
        bits=bits,
        clients=clients,
        minimum=minimum,
        neighbours=chosen.neighbours,
        threshold=chosen.threshold,
        consistency=consistency,
        model=model,
        config=config,
    )
