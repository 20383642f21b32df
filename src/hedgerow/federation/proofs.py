"""What parties sign with their Ed25519 keys to enrol, to log in, and to call each other.

Each message begins with a text of its own, so that a signature made for one purpose, or in a
secured sum, counts for no other.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.identity import public, verify

PREFIX = "het_"
"""Of every enrolment token, so that a search for leaked secrets finds it."""

TOKEN_BYTES = 32

_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_ENROL = b"hedgerow/enrolment-proof/v2\0"
_LOGIN = b"hedgerow/login/v1\0"
_CALL = b"hedgerow/call/v1\0"


def digest(secret: str) -> str:
    """Return the SHA-256 by which a token or a key is known, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_token(randomness: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return the text of a fresh enrolment token: a signing key that is used once."""
    return PREFIX + urlsafe_b64encode(randomness(TOKEN_BYTES)).rstrip(b"=").decode()


def token_key(token: str) -> Ed25519PrivateKey:
    """Return the signing key that an enrolment token is.

    Raises
    ------
    ProtocolError
        ``unknown-token``: it does not look like one.
    """
    if not _TOKEN.fullmatch(token):
        raise ProtocolError(
            "unknown-token", "This does not look like an enrolment token; ask for another."
        )
    return Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(token[len(PREFIX) :] + "="))


def enrolment(token: bytes, key: bytes) -> bytes:
    """Return what a client signs to enrol, once with its key and once with the token.

    Parameters
    ----------
    token
        The token's public half, 32 bytes.
    key
        The client's public key, 32 bytes.
    """
    return _ENROL + token + key


@dataclass(frozen=True)
class Redemption:
    """What a client sends to enrol. The token itself stays with the client.

    Whoever passes this on, such as a coordinator that is not the authority, can redeem the token
    for no other key.

    Parameters
    ----------
    token, key
        Public halves of the token and of the client's key, 32 bytes each.
    proof, voucher
        Signatures over `enrolment`: the key's, and the token's.
    """

    token: bytes
    key: bytes
    proof: bytes
    voucher: bytes

    @classmethod
    def of(cls, token: str, key: Ed25519PrivateKey) -> Self:
        """Return what redeems a token for a client's key.

        Raises
        ------
        ProtocolError
            ``unknown-token``: it does not look like a token.
        """
        signer = token_key(token)
        message = enrolment(public(signer), public(key))
        return cls(public(signer), public(key), key.sign(message), signer.sign(message))

    def check(self) -> None:
        """Refuse what was not signed by both keys.

        Raises
        ------
        ProtocolError
            ``bad-signature``.
        """
        message = enrolment(self.token, self.key)
        sentence = "The client does not hold the {} it names."
        verify(self.key, message, self.proof, sentence.format("key"))
        verify(self.token, message, self.voucher, sentence.format("token"))


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


def call(path: str, timestamp: int, length: int, body: bytes) -> bytes:
    """Return what one server signs when it calls another, before the body is sent.

    Parameters
    ----------
    path
        Of the request.
    timestamp
        Milliseconds since 1970 in UTC, from 0 to 2**63 - 1.
    length, body
        The bytes of the request's body, and their SHA-256.
    """
    named = path.encode()
    return (
        _CALL
        + len(named).to_bytes(8, "big")
        + named
        + timestamp.to_bytes(8, "big")
        + length.to_bytes(8, "big")
        + body
    )
