"""ID tokens (OpenID Connect Core 1.0): whether a provider says to us who logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from hedgerow.errors import ProtocolError

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Of signatures under an ID token; none at all, and secrets shared with us, are not among them."""

SKEW = 60
"""Seconds by which the provider's clock may be off."""

_KEY_TYPES = frozenset({"RSA", "EC"})


def key_set(document: Mapping[str, Any]) -> KeySet:
    """Return a provider's public keys for signatures; it may list others, which we cannot read.

    Raises
    ------
    JoseError, ValueError, TypeError, AttributeError
        The document is not a JWK set (RFC 7517).
    """
    usable = [
        key
        for key in document.get("keys", ())
        if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
    ]
    return KeySet([JWKRegistry.import_key(key) for key in usable])


def signed_claims(token: str, keys: KeySet) -> dict[str, Any] | None:
    """Return the claims of a token, or None where none of the keys signed it."""
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError):
        return None


def check(claims: Mapping[str, Any], issuer: str, us: str, nonce: str, now: float) -> None:
    """Refuse claims that do not log a person in here and now (section 3.1.3.7).

    Parameters
    ----------
    claims
        Signed by the provider.
    issuer
        The provider's name.
    us
        The name by which it knows us.
    nonce
        Of the login that we began.
    now
        Seconds since 1970 in UTC.

    Raises
    ------
    ProtocolError
        ``bad-login``.
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        raise bad_login("The ID token is of another login provider.")
    if us not in audiences or claims.get("azp", us) != us:
        raise bad_login("The ID token is for somebody else.")
    if len(audiences) > 1 and "azp" not in claims:
        raise bad_login("The ID token is for several, and does not say for whom it was made.")
    if _seconds(claims.get("exp")) <= now - SKEW or _seconds(claims.get("iat")) > now + SKEW:
        raise bad_login("The ID token has expired or is not valid yet.")
    if claims.get("nonce") != nonce:
        raise bad_login("The ID token is of another login.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise bad_login("The ID token does not say who logged in.")


def bad_login(sentence: str) -> ProtocolError:
    """Return the error of a login that failed."""
    return ProtocolError("bad-login", sentence)


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise bad_login("The ID token does not say when it was made and when it expires.")
