"""Rate limits, per address and per identity, in the memory of each replica.

The rule is the generic cell rate algorithm (ITU-T I.371): a key may send a burst of a rate's
requests at once, which then come back evenly over its time; so no stretch of that time has more
than twice as many. It keeps one number per key, for a bounded number of keys, so that whoever sends
from very many addresses costs neither memory nor time. N replicas behind a balancer let N times as
much through.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from hedgerow.errors import ConfigError
from hedgerow.server.security.answers import App, Receive, Scope, Send, refuse

MOST_KEYS = 200_000
"""Keys that are remembered; of more, those longest unseen are forgotten."""


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        """Check that it lets something through."""
        if self.requests < 1 or not 0 < self.seconds < math.inf:
            raise ConfigError("A rate is at least one request in some seconds.")


@dataclass(frozen=True)
class Limiter:
    """Counts what each key sends against a rate.

    Parameters
    ----------
    rate
        What a key may send.
    clock
        Seconds from any start on.
    most
        How many keys are remembered.
    """

    rate: Rate
    clock: Callable[[], float] = time.monotonic
    most: int = MOST_KEYS
    _due: OrderedDict[str, float] = field(default_factory=OrderedDict, repr=False, compare=False)
    """When each key's burst is whole again, the key longest unseen first."""

    def wait(self, key: str) -> float:
        """Count a request; return 0 if it may pass, otherwise after how many seconds one may."""
        now = self.clock()
        interval = self.rate.seconds / self.rate.requests
        due = max(self._due.get(key, now), now)
        early = due + interval - now - self.rate.seconds
        if early > 1e-9 * self.rate.seconds:
            self._due.move_to_end(key)
            return early
        self._due[key] = due + interval
        self._due.move_to_end(key)
        if len(self._due) > self.most:
            self._due.popitem(last=False)
        return 0.0


@dataclass(frozen=True)
class RateLimit:
    """Answers 429 with ``Retry-After`` to whoever asks too often; ASGI middleware.

    Parameters
    ----------
    app
        What it guards.
    per_address, per_identity
        Limits on a network address (of IPv6, on a /64) and on who is logged in.
    identify
        Returns who sent a request, or None. It has to check what it is shown: otherwise anyone
        could use up another's rate. It is asked only where the address has not sent too much.
    """

    app: App
    per_address: Limiter
    per_identity: Limiter
    identify: Callable[[Scope], str | None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        wait = self._wait(scope) if scope["type"] == "http" else 0.0
        if wait <= 0:
            await self.app(scope, receive, send)
            return
        seconds = max(1, math.ceil(wait))
        await refuse(
            send,
            429,
            "too-many-requests",
            f"Too many requests; try again in {seconds} s.",
            [(b"retry-after", b"%d" % seconds), (b"connection", b"close")],
        )

    def _wait(self, scope: Scope) -> float:
        client = scope.get("client")
        if client is not None:
            wait = self.per_address.wait(network(client[0]))
            if wait > 0:
                return wait
        identity = self.identify(scope)
        return 0.0 if identity is None else self.per_identity.wait(identity)


def network(address: str) -> str:
    """Return what one party has of addresses: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
