"""Login with an OpenID Connect provider: authorization code with PKCE (RFC 7636)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc.errors import JoseError

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.server.security import id_token

FRESH = 3600
"""Seconds for which the provider's addresses and keys are remembered."""

PAUSE = 60
"""Seconds between two looks for new keys, so that forged tokens do not flood the provider."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Provider:
    """What was agreed with the provider.

    Parameters
    ----------
    issuer
        Its address, from which all others are found.
    client_id, client_secret
        What it knows us by; without a secret, PKCE alone ties the code to us.
    redirect
        Where it sends people back to.
    scopes
        What we ask to be told.
    """

    issuer: str
    client_id: str
    redirect: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")

    def __post_init__(self) -> None:
        """Check the addresses."""
        if not _is_safe(self.issuer) or not _is_safe(self.redirect):
            raise ConfigError("The login provider's and our own address begin with https://.")
        if "openid" not in self.scopes:
            raise ConfigError("To log in, the scope 'openid' is needed.")


@dataclass(frozen=True)
class _Remembered:
    """Something the provider said, and when."""

    value: Any
    at: float


@dataclass(frozen=True)
class OpenID:
    """Talks to a provider.

    Parameters
    ----------
    provider
        Which one.
    http
        With a time limit, and without following redirects, as `httpx.AsyncClient` is by default.
    clock
        Gives the time.
    """

    provider: Provider
    http: httpx.AsyncClient
    clock: Callable[[], float]
    _memory: dict[str, _Remembered] = field(default_factory=dict, repr=False, compare=False)

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Return where to send a person who wants to log in.

        Parameters
        ----------
        state, nonce
            Secrets that have to come back with the person and in the ID token.
        verifier
            The secret of PKCE, which `redeem` shows.

        Raises
        ------
        ProtocolError
            ``no-provider``.
        """
        hashed = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.provider.redirect,
            "scope": " ".join(self.provider.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(hashed).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = (await self._discovery())["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def redeem(self, code: str, verifier: str, nonce: str) -> Mapping[str, Any]:
        """Return the claims of the person whom a code stands for.

        Raises
        ------
        ProtocolError
            ``no-provider``, or ``bad-login``: the provider does not take the code, or its ID token
            is not for us, not for this login, expired or not signed by it.
        """
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.provider.redirect,
            "code_verifier": verifier,
            "client_id": self.provider.client_id,
        }
        secret = self.provider.client_secret
        # RFC 6749, section 2.3.1, has both encoded as in a form before they are joined.
        name = quote(self.provider.client_id, safe="")
        auth = httpx.BasicAuth(name, quote(secret, safe="")) if secret else httpx.Auth()
        endpoint = (await self._discovery())["token_endpoint"]
        try:
            response = await self.http.post(endpoint, data=body, auth=auth)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _no_provider() from error
        if response.status_code != 200 or not isinstance(answer, dict):
            raise id_token.bad_login("The login provider does not take this login; begin anew.")
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise id_token.bad_login("The login provider gave no ID token.")
        claims = await self._signed_claims(token)
        provider = self.provider
        id_token.check(claims, provider.issuer, provider.client_id, nonce, self.clock())
        return claims

    async def _signed_claims(self, token: str) -> dict[str, Any]:
        """Check the signature, with newer keys where those that are remembered do not fit."""
        keys = self._memory.get("keys")
        if keys is None or self.clock() - keys.at > FRESH:
            keys = await self._keys()
        claims = id_token.signed_claims(token, keys.value)
        if claims is None and self.clock() - keys.at > PAUSE:
            claims = id_token.signed_claims(token, (await self._keys()).value)
        if claims is None:
            raise id_token.bad_login("The login provider's signature is not valid.")
        return claims

    async def _discovery(self) -> dict[str, str]:
        """Return the provider's addresses (OpenID Connect Discovery 1.0)."""
        found = self._memory.get("discovery")
        if found is None or self.clock() - found.at > FRESH:
            issuer = self.provider.issuer
            document = await self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if document.get("issuer") != issuer or not all(
                _is_safe(document.get(name)) for name in names
            ):
                raise _no_provider()
            found = self._memory["discovery"] = _Remembered(document, self.clock())
        return dict(found.value)

    async def _keys(self) -> _Remembered:
        document = await self._get((await self._discovery())["jwks_uri"])
        try:
            keys = id_token.key_set(document)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise _no_provider() from error
        found = self._memory["keys"] = _Remembered(keys, self.clock())
        return found

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            response = await self.http.get(url)
            response.raise_for_status()
            found = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _no_provider() from error
        if not isinstance(found, dict):
            raise _no_provider()
        return found


def _no_provider() -> ProtocolError:
    return ProtocolError(
        "no-provider", "The login provider cannot be reached or is set up wrongly."
    )


def _is_safe(url: object) -> bool:
    """Return whether nobody on the way can read or change what goes to an address."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    )
