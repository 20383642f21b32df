"""The authority's own server: it redeems tokens and signs certificates, and does nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.federation.proofs import Redemption
from hedgerow.server.context import Clock
from hedgerow.server.security import enrolment
from hedgerow.server.security.enrolment import EnrolledClient
from hedgerow.server.storage.database import Database


@dataclass(frozen=True)
class AuthorityService:
    """Who enrols clients.

    Parameters
    ----------
    database
        Its own, with the tokens and whom it has enrolled.
    key
        With which it signs certificates.
    clock
        Seconds since 1970.
    """

    database: Database
    key: Ed25519PrivateKey = field(repr=False)
    clock: Clock

    def enrol(self, asked: Redemption) -> EnrolledClient:
        """Redeem a token; see `enrolment.enrol`."""
        with self.database.write() as connection:
            return enrolment.enrol(connection, asked, authority=self.key, clock=self.clock)
