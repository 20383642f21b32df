"""Memory for bodies, however many requests there are at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READING_BYTES = 12 << 20
"""The most bytes of bodies that are in memory at a time; those of others stay in the network's
buffers meanwhile, so that a thousand clients at once take no more memory than some hundred."""


class Room:
    """Memory for bodies, given to requests in the order in which they come; of one event loop.

    Parameters
    ----------
    size
        In bytes. A body that is larger waits until it is alone.
    """

    def __init__(self, size: int = READING_BYTES) -> None:
        self._size, self._used = size, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, length: int) -> AsyncIterator[None]:
        """Wait for room for a body, and hold it until the end of the block."""
        wanted = min(length, self._size)
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        self._give()
        try:
            await future
            yield
        finally:
            # Whoever is cancelled while he waits has been given nothing yet.
            if future.cancelled():
                self._waiting = deque(each for each in self._waiting if each[1] is not future)
            else:
                self._used -= wanted
            self._give()

    def _give(self) -> None:
        while self._waiting and self._used + self._waiting[0][0] <= self._size:
            wanted, future = self._waiting.popleft()
            if not future.done():
                self._used += wanted
                future.set_result(None)
