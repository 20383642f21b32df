"""Whose access tokens count no more, though they have not expired: those of revoked clients.

A token lives for minutes, so only who was revoked within that time matters: a few clients, which
each replica asks the database for once a second, and at once where it revoked one itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from hedgerow.errors import ProtocolError
from hedgerow.server.security.tokens import LIFETIME, WINDOW
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.tables import clients

EVERY = 1.0
"""Seconds after which another replica's revocations are looked for."""


@dataclass
class Revocations:
    """The clients that were revoked a short while ago.

    Parameters
    ----------
    database
        Of the deployment.
    clock
        Seconds since 1970; those of replicas may differ by `tokens.WINDOW`.
    timer
        Seconds from any start on.
    """

    database: Database
    clock: Callable[[], float]
    timer: Callable[[], float] = time.monotonic
    _looked: float = -math.inf
    _revoked: frozenset[str] = frozenset()

    def check(self, client: str) -> None:
        """Refuse a client that was revoked.

        Raises
        ------
        ProtocolError
            ``revoked-client``.
        """
        if self.timer() - self._looked >= EVERY:
            self._look()
        if client in self._revoked:
            raise ProtocolError("revoked-client", "This client was revoked and takes part no more.")

    def changed(self) -> None:
        """Look anew at the next check; somebody was revoked here."""
        self._looked = -math.inf

    def _look(self) -> None:
        self._looked = self.timer()
        since = self.clock() - LIFETIME - 2 * WINDOW
        with self.database.read() as connection:
            query = select(clients.c.id).where(clients.c.revoked >= since)
            self._revoked = frozenset(connection.scalars(query))
