"""When a term leaves: at one of a few moments, so that little can be read from how long it took.

Computing takes longer on a long history than on an empty one. The moments are a ladder; a term
waits for the next rung. Up to a second each is twice the one below, and on most devices it is the
lowest, whatever the history. Beyond, where rounds would wait for long, it is a quarter later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

LOWEST = 1 / 64
"""Seconds after which a term leaves at the earliest."""

LONGEST = 1024.0
"""Seconds after which what is there instead of a term leaves."""


def rung(seconds: float) -> float:
    """Return the moment at which something leaves that was ready after so many seconds."""
    moment = LOWEST
    while moment < seconds:
        moment *= 2 if moment < 1 else 1.25
    # After the longest there is nothing to hide: what leaves was made without a history.
    return max(seconds, min(moment, LONGEST))


@dataclass(frozen=True)
class Pace:
    """Holds back what follows from a history until the next moment.

    It starts where a history is about to be opened, and not when a round began: whoever serves the
    model could otherwise move the moments over the time that the work takes, and so measure it.

    Parameters
    ----------
    started
        By the clock of the event loop.
    """

    started: float

    @classmethod
    def start(cls) -> Pace:
        """Start now."""
        return cls(asyncio.get_running_loop().time())

    async def work(self, work: Callable[[], T], instead: Callable[[], T]) -> T:
        """Do work in a thread.

        Parameters
        ----------
        work
            What takes a time that nobody should know.
        instead
            What counts where the work is not done `LONGEST` after the start.
        """
        working = asyncio.ensure_future(asyncio.to_thread(work))
        done, _ = await asyncio.wait({working}, timeout=LONGEST)
        return working.result() if done else await asyncio.to_thread(instead)

    async def moment(self) -> None:
        """Wait for the next moment; what is made before takes none of its own."""
        passed = asyncio.get_running_loop().time() - self.started
        await asyncio.sleep(max(0.0, rung(passed) - passed))
