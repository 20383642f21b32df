"""What parties sign with their Ed25519 keys to enrol, to log in, and to call each other.

Each message begins with a text of its own, so that a signature made for one purpose, or in a
secured sum, counts for no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_ENROL = b"hedgerow/enrolment-proof/v1\0"
_LOGIN = b"hedgerow/login/v1\0"
_CALL = b"hedgerow/call/v1\0"


def digest(secret: str) -> str:
    """Return the SHA-256 by which a token or a key is known, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def enrolment(token: str, key: bytes) -> bytes:
    """Return what a client signs to enrol: that it holds a key, for the token's deployment.

    Parameters
    ----------
    token
        The text of the enrolment token.
    key
        The client's public key, 32 bytes.
    """
    return _ENROL + bytes.fromhex(digest(token)) + key


def login(audience: str, timestamp: int, scopes: Sequence[str]) -> bytes:
    """Return what a client signs to log in.

    Parameters
    ----------
    audience
        The deployment, so that no other can use the signature.
    timestamp
        Milliseconds since 1970 in UTC, from 0 to 2**63 - 1; later than at the client's last login.
    scopes
        What the client will do with the access token, in ascending order.
    """
    named = audience.encode()
    wanted = " ".join(scopes).encode()
    return (
        _LOGIN
        + len(named).to_bytes(8, "big")
        + named
        + timestamp.to_bytes(8, "big")
        + len(wanted).to_bytes(8, "big")
        + wanted
    )


def call(path: str, timestamp: int, body: bytes) -> bytes:
    """Return what one server signs when it calls another.

    Parameters
    ----------
    path
        Of the request.
    timestamp
        Milliseconds since 1970 in UTC, from 0 to 2**63 - 1.
    body
        Of the request.
    """
    named = path.encode()
    return (
        _CALL
        + len(named).to_bytes(8, "big")
        + named
        + timestamp.to_bytes(8, "big")
        + hashlib.sha256(body).digest()
    )
