"""What stands before the coordinator: it keeps what browsers ask, and does as a test tells it.

Browsers are known by the origin that they name; agents pass.
"""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response


@dataclass
class Stall:
    """A request that waits at the door."""

    method: str
    words: str
    lose: bool
    after: int
    reached: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)

    def wait(self):
        assert self.reached.wait(60), f"nobody asked for {self.words}"


class Door:
    """Passes requests on to the coordinator, perhaps later, and answers back, perhaps bent."""

    def __init__(self, app):
        self._app, self._stalls = app, []
        self.asked, self.bend = [], lambda _method, _path, body: body
        self.instead = lambda _method, _path: None
        """Gives a whole answer in the coordinator's stead, where it gives one."""

    def of(self, method, words):
        """The bodies of requests of a kind so far."""
        return [body for made, path, body in list(self.asked) if made == method and words in path]

    @contextlib.contextmanager
    def stalling(self, method, words, *, lose=False, after=0):
        """Let a request of a kind wait, ``after`` some; ``lose`` never lets it in."""
        stall = Stall(method, words, lose, after)
        self._stalls.append(stall)
        try:
            yield stall
        finally:
            stall.let.set()

    async def __call__(self, scope, receive, send):
        if b"origin" not in dict(scope.get("headers", ())):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        body = await Request(scope, receive).body()
        self.asked.append((method, path, body))
        for stall in [s for s in self._stalls if s.method == method and s.words in path]:
            stall.after -= 1
            if stall.after >= 0:
                continue
            self._stalls.remove(stall)
            stall.reached.set()
            await asyncio.to_thread(stall.let.wait, 60)
            if stall.lose:
                await Response(status_code=503)(scope, receive, send)
                return
        answer = self.instead(method, path)
        if answer is None:
            await self._answer(scope, body, receive, send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, scope, body, receive, send):
        given, start, parts = [{"type": "http.request", "body": body}], {}, []

        async def again():
            return given.pop() if given else await asyncio.Event().wait()

        async def bent(message):
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            whole = b"".join(parts)
            if start["status"] == 200:
                whole = self.bend(scope["method"], scope["path"], whole)
            kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            if start["status"] != 204:
                kept.append((b"content-length", str(len(whole)).encode()))
            await send({**start, "headers": kept})
            await send({"type": "http.response.body", "body": whole})

        # Who has hung up is not waited for, or servers would not end with a question open.
        answering = asyncio.ensure_future(self._app(scope, again, bent))
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() and not answering.done():
                answering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answering
        finally:
            leaving.cancel()
