"""Guards against bodies that are too large or come too slowly, before anything is parsed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from hedgerow.server.security.answers import App, Message, Receive, Scope, Send, refuse

GRACE = 10.0
"""Seconds that a server waits for a body however short."""

SLOWEST = 4096
"""Bytes that have to come in every further second of waiting."""


class _StoppedError(Exception):
    """A body was refused; tells the application to read no further."""


@dataclass(frozen=True)
class BodyGuard:
    """Answers 413 to bodies that are too large and 408 to those too slow; ASGI middleware.

    What counts is the time spent waiting for the client, so that an application that takes its
    time is not the client's fault. A body of n bytes may take ``grace + n / slowest`` seconds.

    Parameters
    ----------
    app
        What it guards.
    largest
        Returns how many bytes the body of a request may have, by its head.
    grace, slowest
        Seconds, and bytes per second.
    clock
        Seconds from any start on.
    """

    app: App
    largest: Callable[[Scope], int]
    grace: float = GRACE
    slowest: float = SLOWEST
    clock: Callable[[], float] = time.monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and stop it where its body goes too far."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        guarded = _Guarded(self, self.largest(scope), receive, send)
        declared = _declared(scope)
        if declared is None:
            guarded.refusal = _BAD_LENGTH
        elif declared > guarded.most:
            guarded.refusal = _too_large(guarded.most)
        else:
            try:
                await self.app(scope, guarded.receive, guarded.send)
            except _StoppedError:
                # The answer has begun, so that only breaking it off tells that something is wrong.
                if guarded.started:
                    raise
        if guarded.refusal is not None and not guarded.started:
            await refuse(send, *guarded.refusal, [(b"connection", b"close")])


@dataclass
class _Guarded:
    """One request: how much of its body came, and whether it was stopped.

    An application may turn the error that stops it into an answer of its own; that is not sent.
    """

    guard: BodyGuard
    most: int
    inner_receive: Receive
    inner_send: Send
    received: int = 0
    waited: float = 0.0
    whole: bool = False
    started: bool = False
    refusal: tuple[int, str, str] | None = None

    async def receive(self) -> Message:
        if self.refusal is not None:
            raise _StoppedError
        if self.whole:
            return await self.inner_receive()
        message = await self._next()
        if message["type"] != "http.request":
            self.whole = True
            return message
        self.received += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.received > self.most:
            self._stop(_too_large(self.most))
        if not self.whole and self._left() < 0:
            self._stop(_TOO_SLOW)
        return message

    async def _next(self) -> Message:
        """Wait for the next piece, as long as this body may still take."""
        before = self.guard.clock()
        try:
            async with asyncio.timeout(max(self._left(), 0.0)) as limit:
                return await self.inner_receive()
        except TimeoutError:
            if not limit.expired():
                raise
            self._stop(_TOO_SLOW)
        finally:
            self.waited += self.guard.clock() - before

    def _left(self) -> float:
        return self.guard.grace + self.received / self.guard.slowest - self.waited

    def _stop(self, refusal: tuple[int, str, str]) -> NoReturn:
        self.refusal = refusal
        raise _StoppedError

    async def send(self, message: Message) -> None:
        if self.refusal is not None and not self.started:
            return
        self.started = True
        await self.inner_send(message)


_TOO_SLOW = (408, "body-too-slow", "The request's body came too slowly.")
_BAD_LENGTH = (400, "bad-length", "The request does not say the length of its body as a number.")


def _too_large(most: int) -> tuple[int, str, str]:
    return 413, "body-too-large", f"The request's body has more than {most} bytes."


def _declared(scope: Scope) -> int | None:
    """Return a request's Content-Length, 0 where it has none, None where it is no number."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else None
    return 0
