"""Answers that refuse a request before the application sees it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def refuse(
    send: Send,
    status: int,
    code: str,
    sentence: str,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send an error as JSON, ``{"error": code, "detail": sentence}``.

    Parameters
    ----------
    send
        Of ASGI.
    status
        Of HTTP.
    code, sentence
        For programs, and for people.
    headers
        More of them; names in lower case.
    """
    body = json.dumps({"error": code, "detail": sentence}).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
