"""What the parts of the coordinator share: storage, keys, time, and a bell for news."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.server.helper.link import HelperLink
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.messages import Messages

Clock = Callable[[], float]


@dataclass(frozen=True)
class Keys:
    """The deployment's keys, as far as the coordinator holds them.

    Parameters
    ----------
    authority
        Public key of who enrols clients.
    coordinator
        What the coordinator signs with.
    helper, sealing
        Public keys of the helper: it signs with one, and seeds are sealed to the other. Empty
        where there is no helper.
    """

    authority: bytes
    coordinator: Ed25519PrivateKey
    helper: bytes
    sealing: bytes

    @property
    def servers(self) -> Servers:
        """The two servers of split mode, as clients know them."""
        return Servers(public(self.coordinator), self.helper, self.sealing)


class Bell:
    """Wakes whoever waits for news, in threads and in coroutines.

    News from other replicas rings no bell here, so whoever waits also looks by himself now and
    then.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        """Say that something has changed."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @property
    def rung(self) -> int:
        """How often it rang; to be read before one looks, and handed to what waits."""
        with self._changed:
            return self._rung

    def wait(self, since: int, seconds: float) -> None:
        """Wait in a thread until it has rung after ``since``, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != since, timeout=seconds)

    async def heard(self, since: int, seconds: float) -> None:
        """Wait in a coroutine until it has rung after ``since``, or the time is over."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._changed:
            if self._rung != since:
                return
            self._waiting.add(entry)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with self._changed:
                self._waiting.discard(entry)


@dataclass(frozen=True)
class Service:
    """One replica of the coordinator.

    Parameters
    ----------
    replica
        Its name, under which it holds leases.
    database, blobs
        Where everything is kept.
    keys
        The deployment's.
    helper
        The other server of split mode; None where there is none.
    clock
        Seconds since 1970.
    log
        Structured, and without secrets.
    arrived
        Rings when clients sent something, for who moves rounds on.
    moved
        Rings when a round moved, for who waits for it.
    """

    replica: str
    database: Database
    blobs: Blobs
    keys: Keys
    helper: HelperLink | None = None
    clock: Clock = time.time
    log: structlog.stdlib.BoundLogger = field(default_factory=structlog.get_logger)
    arrived: Bell = field(default_factory=Bell)
    moved: Bell = field(default_factory=Bell)

    @property
    def messages(self) -> Messages:
        """What clients sent."""
        return Messages(self.database, self.blobs)
