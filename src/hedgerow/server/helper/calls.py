"""How the coordinator calls the helper: a signed head, which is checked before the body is read.

The signature covers the path, the time, and the body's length and digest (RFC 9530), so that
whoever cannot sign has nothing of a body buffered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.federation import proofs
from hedgerow.privacy.secure.identity import verify

SCHEME = "Hedgerow"
"""Of the ``Authorization`` header: milliseconds since 1970 and a signature in hexadecimal."""

WINDOW = 60.0
"""Seconds by which the coordinator's clock may be off; a call that is replayed within them has the
same answer as before and no effect."""

_SHOWN = re.compile(rf"{SCHEME} ([0-9]{{1,18}})\.([0-9a-f]{{128}})")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Head:
    """What is known of a body before it is read.

    Parameters
    ----------
    length
        In bytes.
    digest
        SHA-256.
    """

    length: int
    digest: bytes

    def check(self, body: bytes) -> None:
        """Refuse another body than the one that was signed.

        Raises
        ------
        ProtocolError
            ``bad-signature``.
        """
        found = hashlib.sha256(body).digest()
        if len(body) != self.length or not hmac.compare_digest(found, self.digest):
            raise ProtocolError("bad-signature", "The call's body is not the one that was signed.")


def head(key: Ed25519PrivateKey, path: str, body: bytes, *, now: float) -> dict[str, str]:
    """Return the headers of a call.

    Parameters
    ----------
    key
        The coordinator's.
    path, body
        Of the call.
    now
        Seconds since 1970.
    """
    stamp, digest = int(1000 * now), hashlib.sha256(body).digest()
    signature = key.sign(proofs.call(path, stamp, len(body), digest)).hex()
    return {
        "authorization": f"{SCHEME} {stamp}.{signature}",
        "content-type": "application/cbor",
        "content-length": str(len(body)),
        "content-digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
    }


def checked(coordinator: bytes, path: str, headers: Mapping[str, str], *, now: float) -> Head:
    """Return a call's head, if the coordinator signed it.

    Parameters
    ----------
    coordinator
        Its Ed25519 public key.
    path, headers
        Of the call; names in lower case.
    now
        Seconds since 1970.

    Raises
    ------
    ProtocolError
        ``unauthenticated``, ``bad-time`` or ``bad-signature``.
    """
    shown = _SHOWN.fullmatch(headers.get("authorization", ""))
    digest = _DIGEST.fullmatch(headers.get("content-digest", ""))
    length = _LENGTH.fullmatch(headers.get("content-length", ""))
    if shown is None or digest is None or length is None:
        raise ProtocolError("unauthenticated", "Only the coordinator calls the helper.")
    stamp, found = int(shown[1]), Head(int(length[0]), base64.b64decode(digest[1]))
    if abs(stamp / 1000 - now) > WINDOW:
        raise ProtocolError("bad-time", f"The call's time is off by more than {WINDOW:.0f} s.")
    verify(
        coordinator,
        proofs.call(path, stamp, found.length, found.digest),
        bytes.fromhex(shown[2]),
        "This call is not signed by the coordinator.",
    )
    return found
