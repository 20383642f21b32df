"""The coordinator's interface as an operator's program uses it: calls over HTTPS with a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from hedgerow.addresses import check_url
from hedgerow.client.api import UnavailableError
from hedgerow.client.connection import trusting
from hedgerow.errors import ConfigError, ProtocolError

PARQUET = "application/vnd.apache.parquet"

PATIENCE = 60.0
"""Seconds to wait for an answer."""

PAGE = 1000
"""How many rows are asked for at a time."""


@dataclass(frozen=True)
class Operator:
    """An operator's calls; each answers with the JSON that the interface describes.

    All of them raise `ProtocolError` where the coordinator refuses, with its code and its
    sentence, and `UnavailableError` where it cannot be reached.

    Parameters
    ----------
    http
        Made by `connect`.
    """

    http: httpx.Client

    def put_catalog(self, parquet: bytes) -> str:
        """Upload the items, as Parquet with a column ``item_id``; return the catalog's hash."""
        found = self._call(
            "PUT", "/v1/catalogs", content=parquet, headers={"content-type": PARQUET}
        )
        return str(found["hash"])

    def create_task(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Make a task; return it and where it stands."""
        return self._call("POST", "/v1/tasks", json=dict(task))

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks, oldest first."""
        return self._all("/v1/tasks", "tasks")

    def task(self, name: str) -> dict[str, Any]:
        """Return a task, its runs and what privacy it has spent."""
        return self._call("GET", _path("tasks", name))

    def pause(self, task: str) -> None:
        """Begin no rounds of a task any more."""
        self._call("POST", _path("tasks", task, "pause"))

    def resume(self, task: str) -> None:
        """Let a paused task go on."""
        self._call("POST", _path("tasks", task, "resume"))

    def stop(self, task: str) -> dict[str, Any]:
        """Stop a task's run; return the runs and the rounds that were ended."""
        return self._call("POST", _path("tasks", task, "runs", "stop"))

    def rounds(self, run: str) -> list[dict[str, Any]]:
        """Return a run's rounds, newest first."""
        return self._all(_path("runs", run, "rounds"), "rounds")

    def models(self, task: str) -> dict[str, Any]:
        """Return a task's newest models, which one recommends, and which one did before."""
        return self._call("GET", _path("tasks", task, "models"), params={"limit": PAGE})

    def put_live(self, task: str, model: str) -> dict[str, Any]:
        """Let a model recommend; return it, and which one did before."""
        return self._call("POST", _path("tasks", task, "live"), json={"model": model})

    def make_tokens(
        self, kind: str, name: str, users: int, *, ttl: int, count: int = 1
    ) -> dict[str, Any]:
        """Make enrolment tokens; return them with the clients' names, and when they end."""
        body = {"kind": kind, "name": name, "users": users, "ttl": ttl, "count": count}
        return self._call("POST", "/v1/enrolment-tokens", json=body)

    def clients(self) -> Iterator[dict[str, Any]]:
        """Go through all clients, revoked ones too."""
        after: str | None = ""
        while after is not None:
            params = {"limit": PAGE, "after": after}
            found = self._call("GET", "/v1/clients", params=params)
            yield from found["clients"]
            after = found["next"]

    def revoke(self, client: str) -> None:
        """End a client's part for good."""
        self._call("POST", _path("clients", client, "revoke"))

    def _all(self, path: str, part: str) -> list[dict[str, Any]]:
        """Return all pages of a list."""
        rows: list[dict[str, Any]] = []
        while True:
            found = self._call("GET", path, params={"limit": PAGE, "offset": len(rows)})
            rows += found[part]
            if len(rows) >= found["total"] or not found[part]:
                return rows

    def _call(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        try:
            answer = self.http.request(method, path, **parts)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise UnavailableError(
                f"The coordinator at {self.http.base_url} cannot be reached ({reason}); check "
                "--url and --authority."
            ) from error
        try:
            found: dict[str, Any] = answer.json()
            if answer.is_success:
                return found
            raise ProtocolError(str(found["error"]), str(found["detail"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ProtocolError(
                "refused", f"{self.http.base_url} answers {answer.status_code}; is it Hedgerow's?"
            ) from error


@contextmanager
def connect(url: str, key: str, authority: str | None = None) -> Iterator[Operator]:
    """Give an operator's calls, until the end of the block.

    Parameters
    ----------
    url
        The coordinator's.
    key
        An access key.
    authority
        PEM file of who vouches for the coordinator; the system's where None.

    Raises
    ------
    ConfigError
        The URL, the key or the file cannot be used.
    """
    check_url(url)
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("An access key is text of letters, digits, hyphens and underscores.")
    context = trusting(authority)
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, verify=context, timeout=PATIENCE) as http:
        yield Operator(http)


def _path(*parts: str) -> str:
    """Return a path; what does not fit into one names nothing that there is."""
    for part in parts:
        if not part.replace("-", "").isalnum() or not part.isascii():
            raise ConfigError(f"There can be nothing named {part[:80]!r}.")
    return "/v1/" + "/".join(parts)
