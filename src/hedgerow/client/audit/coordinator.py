"""A hostile coordinator in this process: it speaks the protocol, serves what it likes and watches.

Real clients talk to it as to any other, through their own calls; it notes every request.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.client.api import Admitted
from hedgerow.client.taking_part import CONSENT, FINISHED, KEYS, MASKED, REPORT, SHARES, UNMASK
from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.privacy.secure.messages import Advert, Consent, Masked, Reveal, Shares
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.session import PAIRWISE
from hedgerow.privacy.secure.wire import from_wire, to_wire

NAME = "watched"
"""Of the round."""

Request = tuple[str, str, int]
"""Method, path and size of what came."""


@dataclass
class HostileCoordinator(httpx.AsyncBaseTransport):
    """One round, with whatever file as its public model.

    Parameters
    ----------
    ask
        What clients are asked.
    body
        The file.
    clients
        How many there are; in pairwise mode a phase ends when all have answered.
    authority
        The public key of who enrolled them.
    """

    ask: Ask
    body: bytes
    clients: int
    authority: bytes
    requests: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    _places: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _answered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _server: Server | None = None
    _survivors: bytes = b""

    @property
    def admitted(self) -> Admitted:
        """What a client is told that checks in."""
        return Admitted(NAME, KEYS if self.ask.policy.secure == PAIRWISE else REPORT)

    @property
    def waiting(self) -> int:
        """How many clients wait for others to be heard."""
        return sum(
            count for phase, count in self._waiting.items() if not self._reached[phase].is_set()
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, after it was noted."""
        body, path = await request.aread(), request.url.path
        if path == "/v1/token":
            return httpx.Response(200, json={"token": json.loads(body)["client"]})
        client = request.headers["authorization"].removeprefix("Bearer ")
        self.requests[client].append((request.method, path, len(body)))
        if path.startswith("/v1/models/"):
            return httpx.Response(200, content=self.body)
        what = path.rsplit("/", 1)[1]
        if request.method == "PUT":
            self._take(client, what, body)
            return httpx.Response(200, json={})
        return await self._told(client, what)

    async def _told(self, client: str, phase: str) -> httpx.Response:
        if phase in {KEYS, REPORT}:
            invitation = Invitation(self.ask.to_json().encode(), self.ask.terms(0))
            return httpx.Response(200, content=to_wire(invitation))
        if phase == FINISHED:
            return httpx.Response(404, json={"error": "unknown-round", "detail": "It is gone."})
        self._waiting[phase] += 1
        await self._reached[phase].wait()
        place, server = self._places[client], self._running
        told: dict[str, Callable[[], bytes]] = {
            SHARES: lambda: to_wire(server.opening(place)),
            MASKED: lambda: to_wire(server.delivery(place)),
            UNMASK: lambda: self._survivors,
        }
        return httpx.Response(200, content=told[phase]())

    @property
    def _running(self) -> Server:
        """The other side of pairwise mode, an honest one: it is the model that is hostile."""
        if self._server is None:
            key = Ed25519PrivateKey.generate()
            self._server = Server(self.ask.terms(0), self.authority, key)
        return self._server

    def _take(self, client: str, what: str, body: bytes) -> None:
        if what == REPORT:
            return
        server = self._running
        if what == "advert":
            self._places[client] = server.join(from_wire(Advert, body))
        place = self._places[client]
        take: dict[str, Callable[[], Any]] = {
            "advert": lambda: None,
            "shares": lambda: server.share(place, from_wire(Shares, body)),
            "masked": lambda: server.upload(place, from_wire(Masked, body)),
            "consent": lambda: server.consent(place, from_wire(Consent, body)),
            "reveal": lambda: server.reveal(place, from_wire(Reveal, body)),
        }
        take[what]()
        self._answered[what] += 1
        if self._answered[what] == self.clients:
            self._go_on(server, what)

    def _go_on(self, server: Server, what: str) -> None:
        """End the phase in which everybody has sent a kind of message."""
        if what == "advert":
            server.close_adverts()
        elif what == "shares":
            server.close_shares()
        elif what == "masked":
            self._survivors = to_wire(server.close_uploads())
        after = {"advert": SHARES, "shares": MASKED, "masked": UNMASK}
        self._reached[after.get(what, CONSENT)].set()
