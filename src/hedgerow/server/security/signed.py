"""Short-lived signed texts (JWT, RFC 7519, under HS256) that a deployment gives out and takes back.

Each purpose has a key of its own, derived from the deployment's secret, so that an access token
never counts as a session or the other way round. Any replica checks them without the database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from hedgerow.errors import ProtocolError
from hedgerow.server.security.keys import derive

LONGEST = 4096
"""Characters of a signed text; also what browsers take as a cookie."""

_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Signer:
    """Signs claims for one purpose, and reads them back.

    Parameters
    ----------
    secret
        The deployment's token secret, 32 bytes.
    purpose
        What the texts are for.
    audience
        The deployment's name, such as its public URL.
    clock
        Gives the time.
    """

    secret: bytes = field(repr=False)
    purpose: str
    audience: str
    clock: Callable[[], float]
    _key: OctKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the key."""
        object.__setattr__(self, "_key", OctKey.import_key(derive(self.secret, self.purpose)))

    def sign(self, claims: Mapping[str, Any], lifetime: int) -> str:
        """Return a signed text that counts for some seconds."""
        now = int(self.clock())
        own = {"aud": self.audience, "iat": now, "exp": now + lifetime}
        unique = {"jti": secrets.token_urlsafe(12)}
        return jwt.encode({"alg": _ALGORITHM}, {**claims, **own, **unique}, self._key)

    def read(self, text: str) -> dict[str, Any]:
        """Return the claims of a signed text.

        Raises
        ------
        ProtocolError
            ``bad-token``: it was not signed here for this purpose; ``expired-token``.
        """
        if len(text) > LONGEST:
            raise bad_token()
        try:
            claims = jwt.decode(text, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise bad_token() from error
        expires = claims.get("exp")
        if claims.get("aud") != self.audience or not isinstance(expires, int):
            raise bad_token()
        if expires <= self.clock():
            raise ProtocolError("expired-token", "This login has expired; log in again.")
        return claims


def bad_token() -> ProtocolError:
    """Return the error of a text that does not count here."""
    return ProtocolError("bad-token", "This is not a token or a session of this deployment.")
