"""What one replica's HTTP interface serves from."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from hedgerow.server.authority.remote import RemoteAuthority
from hedgerow.server.context import Service
from hedgerow.server.rounds.telling import Telling
from hedgerow.server.security.access import Principal
from hedgerow.server.security.audit_log import Event, append
from hedgerow.server.security.people import People
from hedgerow.server.security.revocations import Revocations
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.storage.inbox import Inbox


@dataclass(frozen=True)
class Site:
    """A replica, with its door.

    Parameters
    ----------
    service
        Storage, keys and time.
    telling
        What clients are told of the rounds.
    inbox
        Takes what clients send.
    issuer
        Gives out access tokens and checks them.
    audience
        The deployment's name, to which logins are bound.
    enrolment
        The enrolment authority's key, where it is on this host; None otherwise.
    people
        Logs people in; None without a provider.
    authority
        The authority elsewhere, to which clients' requests are passed on; None without one.
    """

    service: Service
    telling: Telling
    inbox: Inbox
    issuer: Issuer
    audience: str
    enrolment: Ed25519PrivateKey | None = None
    people: People | None = None
    authority: RemoteAuthority | None = None
    revocations: Revocations = field(init=False)
    """Whose access tokens count no more."""

    def __post_init__(self) -> None:
        """Begin with nobody's revocation known."""
        found = Revocations(self.service.database, self.service.clock)
        object.__setattr__(self, "revocations", found)

    def note(self, connection: Connection, who: Principal, what: str, on: str) -> None:
        """Write to the audit log, as the last thing of a transaction."""
        event = Event(who.name, what, on)
        service = self.service
        append(connection, event, key=service.keys.coordinator, clock=service.clock)
