"""People: how they log in with their organisation's account, and their sessions.

Nothing is kept on the server: what a login needs until the person comes back, and then the session,
are signed cookies, so that any replica goes on with either. A session cannot be ended before its
time but by the person's browser; it is short for that reason.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.server.security.access import Principal, Role
from hedgerow.server.security.id_token import bad_login
from hedgerow.server.security.openid import OpenID
from hedgerow.server.security.signed import Signer, bad_token

SESSION = 3600
"""Seconds for which a session lasts."""

LOGIN = 600
"""Seconds within which a person has to come back from the provider."""

SESSION_COOKIE, LOGIN_COOKIE = "__Host-hedgerow-session", "__Host-hedgerow-login"
"""Browsers take cookies of this prefix only from this very host and over TLS (RFC 6265bis)."""

RANKS = (Role.OPERATOR, Role.AUDITOR, Role.ANALYST)
"""The roles of people; who has several is what comes first here."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class RoleMap:
    """Which role a person has, by what the provider says of them.

    Parameters
    ----------
    claim
        Where in the ID token it says so, such as ``("groups",)`` or ``("realm_access", "roles")``.
    roles
        The role for each value of that claim.
    """

    claim: tuple[str, ...]
    roles: Mapping[str, Role]

    def __post_init__(self) -> None:
        """Check that these are roles of people."""
        if not self.claim or not set(self.roles.values()) <= set(RANKS):
            raise ConfigError("People are operators, auditors or analysts, as a claim says.")

    def role(self, claims: Mapping[str, Any]) -> Role:
        """Return a person's role.

        Raises
        ------
        ProtocolError
            ``no-role``.
        """
        found: Any = claims
        for name in self.claim:
            found = found.get(name) if isinstance(found, Mapping) else None
        values = found if isinstance(found, list) else [found]
        has = {
            self.roles[value] for value in values if isinstance(value, str) and value in self.roles
        }
        for role in RANKS:
            if role in has:
                return role
        raise ProtocolError("no-role", "You have no role here; ask an operator for one.")


@dataclass(frozen=True)
class Redirect:
    """Where a browser is sent, and the ``Set-Cookie`` headers that go along."""

    url: str
    cookies: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """Logs people in.

    Parameters
    ----------
    openid
        Their provider.
    roles
        What they may be.
    secret
        The deployment's token secret, 32 bytes.
    clock
        Gives the time.
    """

    openid: OpenID
    roles: RoleMap
    secret: bytes = field(repr=False)
    clock: Callable[[], float]
    _logins: Signer = field(init=False, repr=False, compare=False)
    _sessions: Signer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the keys of both cookies."""
        audience = self.openid.provider.redirect
        for name, purpose in (("_logins", "login"), ("_sessions", "session")):
            object.__setattr__(self, name, Signer(self.secret, purpose, audience, self.clock))

    async def start(self, following: str = "/") -> Redirect:
        """Send a person to the provider.

        Parameters
        ----------
        following
            The path to show after the login; anything else than a path here becomes ``/``.

        Raises
        ------
        ProtocolError
            ``no-provider``.
        """
        drawn = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        url = await self.openid.authorization_url(**drawn)
        claims = {**drawn, "next": own_path(following)}
        return Redirect(url, (_cookie(LOGIN_COOKIE, self._logins.sign(claims, LOGIN), LOGIN),))

    async def finish(
        self, state: str, code: str, login: str, issuer: str | None = None
    ) -> tuple[Principal, Redirect]:
        """Log in the person who comes back from the provider.

        Parameters
        ----------
        state, code, issuer
            The query's ``state``, ``code`` and, where the provider sends it, ``iss`` (RFC 9207).
        login
            The cookie `LOGIN_COOKIE`.

        Raises
        ------
        ProtocolError
            ``bad-login``, ``bad-token`` and ``expired-token``: the login did not begin in this
            browser, or too long ago, or the provider does not confirm it; ``no-role``;
            ``no-provider``.
        """
        begun = self._logins.read(login)
        if not hmac.compare_digest(begun["state"].encode(), state.encode()):
            raise bad_login("This login did not begin in this browser; begin anew.")
        if issuer is not None and issuer != self.openid.provider.issuer:
            raise bad_login("This answer is of another login provider.")
        claims = await self.openid.redeem(code, begun["verifier"], begun["nonce"])
        principal = Principal(self.roles.role(claims), f"person:{claims['sub']}")
        signed = self._sessions.sign({"sub": principal.name, "role": principal.role.value}, SESSION)
        cookies = (_cookie(SESSION_COOKIE, signed, SESSION), _cookie(LOGIN_COOKIE, "", 0))
        return principal, Redirect(begun["next"], cookies)

    def read(self, session: str) -> Principal:
        """Return whose session this is.

        Parameters
        ----------
        session
            The cookie `SESSION_COOKIE`.

        Raises
        ------
        ProtocolError
            ``bad-token`` or ``expired-token``.
        """
        claims = self._sessions.read(session)
        role = Role(claims["role"])
        if role not in RANKS:
            raise bad_token()
        return Principal(role, claims["sub"])


def ended() -> Redirect:
    """Return how a browser forgets its session."""
    return Redirect("/", (_cookie(SESSION_COOKIE, "", 0),))


def check_origin(method: str, headers: Mapping[str, str]) -> None:
    """Refuse a change that another site's page makes with a person's cookie.

    Parameters
    ----------
    method
        Of the request.
    headers
        By lower-case name.

    Raises
    ------
    ProtocolError
        ``forbidden``.
    """
    if method in _SAFE_METHODS:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "")
    same = site == "same-origin" if site else _host_of(origin) == headers.get("host", "-")
    if not same:
        raise ProtocolError("forbidden", "This change was asked for by another site's page.")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def own_path(path: str) -> str:
    """Return a path on this host; browsers take two slashes for the start of another's."""
    own = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if own and path.isprintable() and path.isascii() and len(path) <= 1000 else "/"


def _cookie(name: str, value: str, seconds: int) -> str:
    return f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; Secure; SameSite=Lax"
