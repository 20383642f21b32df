"""How one process of a deployment is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hedgerow.addresses import check_url
from hedgerow.errors import ConfigError
from hedgerow.server.security.tls import Clients

COORDINATOR, HELPER, AUTHORITY = "coordinator", "helper", "authority"

LARGEST_UPLOAD = 64 << 20
"""Bytes of a masked vector at most: of 8 million values of 64 bits."""

LARGEST_CALL = 16 << 20
"""Bytes of a call to the helper at most: of as many envelopes as one may hold."""

LARGEST_BODY = 1 << 20
"""Bytes of any other body at most."""

LARGEST_UNKNOWN = 16 << 10
"""Bytes of a body at most from whoever is not logged in: of an enrolment or a login."""


_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Settings:
    """A process of the coordinator, of the helper or of the enrolment authority.

    Parameters
    ----------
    folder
        The party's keys, made by ``hedgerow init``.
    role
        ``coordinator``, ``helper`` or ``authority``.
    host, port
        Where it listens.
    database, blobs
        Where everything is kept; None is SQLite and a folder beside the keys.
    helper, authority
        At the coordinator: the helper's URL, None where no task takes one; and the URL of who
        enrols clients, None where the coordinator does or nobody.
    clients
        At the coordinator: whether callers show a certificate that it has signed.
    plain
        Speak HTTP without TLS, on this computer only.
    people
        A JSON file that says how people log in; None lets only access keys in.
    minimum
        At the helper: the fewest clients in a sum in which it takes part.
    tracing
        Where traces are sent (OTLP over HTTP); None sends none.
    noise_seed
        Makes the helper's noise repeatable, for rehearsals only.
    origins
        Sites whose pages may call the coordinator from a browser, such as
        ``https://shop.example.org``.
    """

    folder: Path
    role: str = COORDINATOR
    host: str = "127.0.0.1"
    port: int = 8443
    database: str | None = None
    blobs: str | None = None
    helper: str | None = None
    authority: str | None = None
    clients: Clients = Clients.ANYONE
    plain: bool = False
    people: Path | None = None
    minimum: int = 2
    tracing: str | None = None
    noise_seed: str | None = None
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.role not in {COORDINATOR, HELPER, AUTHORITY}:
            raise ConfigError("The role is coordinator, helper or authority.")
        for who, url in ((HELPER, self.helper), (AUTHORITY, self.authority)):
            if url is not None:
                check_url(url, who)
        if self.clients is not Clients.ANYONE and self.role != COORDINATOR:
            raise ConfigError("Only the coordinator asks its callers for certificates.")
        if not 0 <= self.port <= 65535:
            raise ConfigError("A port lies between 0 and 65535.")
        if self.plain and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ConfigError("Without TLS the server listens on this computer only.")
        if self.minimum < 2:
            raise ConfigError("A sum of fewer than two clients' terms hides nothing.")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"An origin is a scheme, a host and perhaps a port, such as "
                    f"https://shop.example.org, not {origin!r}."
                )

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.database or f"sqlite:///{self.folder / self.role / 'hedgerow.db'}"

    @property
    def blobs_place(self) -> str:
        """Where blobs are."""
        return self.blobs or str(self.folder / self.role / "blobs")
