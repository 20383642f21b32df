"""What ``hedgerow join`` was asked for, in parts that its options fill."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Contact:
    """With whom to enrol, the first time.

    Parameters
    ----------
    url
        The coordinator's; None takes the deployment's own.
    token
        Good for one client once.
    deployment
        File with the servers' public keys, which the agent pins.
    fingerprint
        Of that file, where the keys come from the coordinator and are compared with it.
    guard
        File with what this client insists on.
    """

    url: str | None
    token: str | None
    deployment: Path | None
    fingerprint: str | None
    guard: Path | None


@dataclass(frozen=True)
class Files:
    """For TLS, in PEM: who vouches for the coordinator, and this client's own; see `Tls`."""

    ca: str | None
    certificate: str | None
    key: str | None


@dataclass(frozen=True)
class Data:
    """Interactions: a file or a silo's database's URL with a query, and the columns' names."""

    place: str | None
    query: str | None
    columns: dict[str, str]
    drop_invalid: bool


@dataclass(frozen=True)
class Agreement:
    """To what somebody agrees.

    Parameters
    ----------
    tasks, any_task
        To taking part in these from now on, or in whatever there is.
    give, withdraw
        To purposes, or no longer to them.
    by, text
        Who it is, and which version of the text they agree to.
    """

    tasks: tuple[str, ...]
    any_task: bool
    give: tuple[str, ...]
    withdraw: tuple[str, ...]
    by: str
    text: str


@dataclass(frozen=True)
class Duty:
    """What to do: whose live model to keep, where to recommend with it, and for how long."""

    recommend: str | None
    listen: str | None
    listen_token: str | None
    once: bool


@dataclass(frozen=True)
class Joining:
    """All of it, and the agent's own folder."""

    folder: Path
    contact: Contact
    files: Files
    data: Data
    agreement: Agreement
    duty: Duty
