"""Requests as those see them who count them and who log them: by template, never by content."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hedgerow.server.security.answers import App, Message, Receive, Scope, Send

UNKNOWN = "(none)"
"""The route of a request that no route takes; a path that somebody made up is no label."""

LONGEST_ERROR = 2048
"""Bytes of an answer in which an error's code is looked for."""

ROLE = "role"
"""Under which name a route leaves the role of who asks in the request's state."""

_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class Seen:
    """One request that was answered.

    Parameters
    ----------
    method, route
        Of HTTP, and the template of the path, such as ``/v1/rounds/{name}/{kind}``.
    status
        Of the answer; 500 where there was none.
    code
        Of the error; empty where there was none.
    seconds
        From the request's head to the end of the answer.
    received
        Bytes of its body that came.
    role
        Of who asked; empty where nobody looked.
    path
        The values in the path's template.
    """

    method: str
    route: str
    status: int
    code: str
    seconds: float
    received: int
    role: str
    path: Mapping[str, str]


@dataclass(frozen=True)
class Watched:
    """Tells of each request when it is over; ASGI middleware, to be put around all others.

    Parameters
    ----------
    app
        What it watches.
    tell
        Who is told.
    clock
        Seconds from any start on.
    """

    app: App
    tell: Sequence[Callable[[Seen], None]]
    clock: Callable[[], float] = time.monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        watch = _Watch(receive, send)
        scope.setdefault("state", {})
        start = self.clock()
        try:
            await self.app(scope, watch.receive, watch.send)
        finally:
            seen = watch.seen(scope, self.clock() - start)
            for tell in self.tell:
                tell(seen)


@dataclass
class _Watch:
    """One request while it lasts."""

    inner_receive: Receive
    inner_send: Send
    received: int = 0
    status: int = 500
    is_json: bool = False
    error: bytes = b""

    async def receive(self) -> Message:
        message = await self.inner_receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = dict(message.get("headers", ()))
            self.is_json = headers.get(b"content-type", b"").startswith(b"application/json")
        elif self.status >= 400 and self.is_json and len(self.error) <= LONGEST_ERROR:
            self.error += message.get("body", b"")
        await self.inner_send(message)

    def seen(self, scope: Scope, seconds: float) -> Seen:
        method = scope["method"]
        return Seen(
            method=method if method in _METHODS else "(other)",
            route=template(scope),
            status=self.status,
            code=_code(self.error),
            seconds=seconds,
            received=self.received,
            role=str(scope["state"].get(ROLE, "")),
            path={name: str(value) for name, value in scope.get("path_params", {}).items()},
        )


def template(scope: Scope) -> str:
    """Return the template of the path that took a request, or `UNKNOWN`."""
    route: Any = scope.get("route")
    if route is not None:
        return str(route.path)
    if scope.get("endpoint") is None:
        return UNKNOWN
    # A plain route of Starlette leaves only what it read from the path.
    left = list(scope.get("path_params", {}).items())
    parts = scope["path"].split("/")
    for place in reversed(range(len(parts))):
        if left and parts[place] == str(left[-1][1]):
            parts[place] = f"{{{left.pop()[0]}}}"
    return UNKNOWN if left else "/".join(parts)


def _code(body: bytes) -> str:
    if not body or len(body) > LONGEST_ERROR:
        return ""
    try:
        found = json.loads(body)
        code = found.get("error") if isinstance(found, dict) else None
    except ValueError:
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
