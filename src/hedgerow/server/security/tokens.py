"""Access tokens: what a client shows with each request, after it has logged in with its key.

A token is a JWT (RFC 7519) under HS256: short-lived, for one deployment and for what the client
asked to do. Any replica checks it without the database.

A login is a signature over the time. It counts once, because it has to be later than the client's
last: one number per client in the database keeps replays out, at every replica and after a restart,
and nothing has to be cleaned up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, update

from hedgerow.errors import ProtocolError
from hedgerow.federation import proofs
from hedgerow.privacy.secure import identity
from hedgerow.server.security import enrolment
from hedgerow.server.security.access import PERMISSIONS, Permission, Principal, Role
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.signed import Signer
from hedgerow.server.storage.database import insert_once
from hedgerow.server.storage.tables import logins

LIFETIME = 600
"""Seconds for which an access token counts."""

REMEMBERED = 20_000
"""Tokens that are not checked anew until they expire."""

WINDOW = 60
"""Seconds by which a client's clock may be off."""

SCOPES = PERMISSIONS[Role.CLIENT] - {Permission.PUBLIC}
"""What a client may ask for."""

_LATEST = 2**63 - 1


@dataclass(frozen=True)
class Login:
    """A client's request for an access token.

    Parameters
    ----------
    client
        Its id.
    timestamp
        Milliseconds since 1970 in UTC, later than at its last login.
    scopes
        What it will do, from `SCOPES`.
    signature
        By its key, over `proofs.login`.
    """

    client: str
    timestamp: int
    scopes: frozenset[Permission]
    signature: bytes


@dataclass(frozen=True)
class Identity:
    """What an access token says.

    Parameters
    ----------
    client
        The client's id.
    kind
        A device or a silo.
    scopes
        What it may do.
    expires
        Seconds since 1970.
    """

    client: str
    kind: ClientKind
    scopes: frozenset[Permission]
    expires: int

    @property
    def principal(self) -> Principal:
        """Who it is, to the table of permissions."""
        return Principal(Role.CLIENT, self.client, self.scopes)


@dataclass(frozen=True)
class Issuer:
    """Gives out access tokens and checks them; all replicas have the same.

    Parameters
    ----------
    secret
        The deployment's token secret, 32 bytes.
    audience
        The deployment's name, such as its public URL.
    clock
        Gives the time.
    """

    secret: bytes = field(repr=False)
    audience: str
    clock: Callable[[], float]
    _signer: Signer = field(init=False, repr=False, compare=False)
    _known: dict[str, Identity] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Tokens that were good; a client shows one with each of a round's requests."""

    def __post_init__(self) -> None:
        """Set up the signing of access tokens."""
        signer = Signer(self.secret, "access-token", self.audience, self.clock)
        object.__setattr__(self, "_signer", signer)

    def login(self, connection: Connection, login: Login) -> str:
        """Return an access token for a client that shows that it holds its key.

        Parameters
        ----------
        connection
            In a write transaction; the token goes out after it was committed.
        login
            What the client sent.

        Raises
        ------
        ProtocolError
            ``bad-time``: its clock is off; ``bad-scope``; ``unknown-client``; ``revoked-client``;
            ``bad-signature``; ``replayed-login``: it is not later than the one before.
        """
        now = self.clock()
        if not 0 <= login.timestamp <= _LATEST or abs(login.timestamp / 1000 - now) > WINDOW:
            raise ProtocolError("bad-time", f"A login's time is off by more than {WINDOW} s.")
        if not login.scopes or not login.scopes <= SCOPES:
            raise ProtocolError(
                "bad-scope", "A client may ask to " + " and to ".join(sorted(SCOPES))
            )
        client = enrolment.active(connection, login.client)
        message = proofs.login(self.audience, login.timestamp, sorted(login.scopes))
        sentence = "A login is not signed by the client, for this deployment."
        identity.verify(bytes.fromhex(client.id), message, login.signature, sentence)
        _count_once(connection, client.id, login.timestamp)
        scope = " ".join(sorted(login.scopes))
        claims = {"sub": client.id, "kind": client.kind.value, "scope": scope}
        return self._signer.sign(claims, LIFETIME)

    def verify(self, token: str) -> Identity:
        """Return what an access token says.

        Raises
        ------
        ProtocolError
            ``bad-token`` or ``expired-token``.
        """
        known = self._known.get(token)
        if known is not None and known.expires > self.clock():
            return known
        claims = self._signer.read(token)
        scopes = frozenset(map(Permission, claims["scope"].split()))
        found = Identity(claims["sub"], ClientKind(claims["kind"]), scopes, claims["exp"])
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = found
        return found


def _count_once(connection: Connection, client: str, timestamp: int) -> None:
    """Note a login; refuse it where it is not later than the client's newest."""
    if insert_once(connection, logins, [{"client": client, "latest": timestamp}]):
        return
    later = connection.execute(
        update(logins)
        .where(logins.c.client == client, logins.c.latest < timestamp)
        .values(latest=timestamp)
    )
    if later.rowcount != 1:
        raise ProtocolError(
            "replayed-login", "A login as late as this one was seen already; sign the time anew."
        )
