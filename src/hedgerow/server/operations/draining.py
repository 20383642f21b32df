"""Draining: a replica that stops takes in no new work and finishes what it has begun."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hedgerow.server.context import Bell
from hedgerow.server.security.answers import App, Message, Receive, Scope, Send

RETRY_SECONDS = 2
"""After which a client that was sent away comes again, to another replica."""

_LONG = 3600.0
_CHECK_IN, _ROUNDS = "/v1/check-in", "/v1/rounds/"


@dataclass(frozen=True)
class Draining:
    """Whether this replica is about to stop; once it is, there is no way back.

    It may be asked from any thread, and begun from a signal's handler.
    """

    _begun: list[bool] = field(default_factory=list, repr=False)
    _bell: Bell = field(default_factory=Bell, repr=False)

    def begin(self) -> None:
        """Let load balancers look elsewhere, and send away those who wait."""
        self._begun.append(True)
        self._bell.ring()

    @property
    def begun(self) -> bool:
        """Whether it is about to stop."""
        return bool(self._begun)

    async def until_begun(self) -> None:
        """Wait until the replica is about to stop."""
        while True:
            rung = self._bell.rung
            if self.begun:
                return
            await self._bell.heard(rung, _LONG)


@dataclass(frozen=True)
class Drain:
    """Answers 204 to whoever waits for news while the replica is about to stop; ASGI middleware.

    Who waits are clients that check in, and clients that ask what comes next in a round. Both come
    again, and any other replica can answer them. Everything else goes on to its end: an upload
    that has begun is stored and gets its receipt.

    Parameters
    ----------
    app
        What it guards.
    draining
        Whether the replica is about to stop.
    """

    app: App
    draining: Draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and stop it where it only waits."""
        if not _waits(scope):
            await self.app(scope, receive, send)
            return
        if self.draining.begun:
            await _come_again(send)
            return
        answer = _Answer(send)
        work = asyncio.ensure_future(self._answered(scope, receive, answer))
        alarm = asyncio.ensure_future(self.draining.until_begun())
        try:
            await asyncio.wait({work, alarm}, return_when=asyncio.FIRST_COMPLETED)
            if answer.started or work.done():
                await work
                return
            work.cancel()
            # What it was about to write is written or undone before it ends.
            await asyncio.wait({work})
            if not answer.started:
                await _come_again(send)
        finally:
            work.cancel()
            alarm.cancel()

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        await self.app(scope, receive, answer.send)


@dataclass
class _Answer:
    """Notes whether an answer has begun."""

    inner_send: Send
    started: bool = False

    async def send(self, message: Message) -> None:
        self.started = True
        await self.inner_send(message)


def _waits(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    method: str = scope["method"]
    path: str = scope["path"]
    return (method == "POST" and path == _CHECK_IN) or (
        method == "GET" and path.startswith(_ROUNDS)
    )


async def _come_again(send: Send) -> None:
    headers = [(b"retry-after", b"%d" % RETRY_SECONDS), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
