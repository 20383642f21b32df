"""When a term leaves: at one of a few moments, so that little can be read from how long it took.

Computing takes longer on a long history than on an empty one. The moments are a ladder in which
each rung is twice the one below; a term waits for the next. What can be seen is the rung: on most
devices the lowest, whatever the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOWEST = 1 / 32
"""Seconds after which a term leaves at the earliest."""

LONGEST = 1024.0
"""Seconds after which what is there instead of a term leaves."""


def rung(seconds: float) -> float:
    """Return the moment at which something leaves that was ready after so many seconds."""
    moment = LOWEST
    while moment < seconds:
        moment *= 2
    return moment


async def on_a_rung(work: Callable[[], T], instead: Callable[[], T]) -> T:
    """Do work in a thread; return when the next moment has come.

    The clock starts here, where a history is about to be opened, and not when a round began:
    whoever serves the model could otherwise move the moments over the time that the work takes, and
    so measure it.

    Parameters
    ----------
    work
        What takes a time that nobody should know.
    instead
        What counts where the work is not done after `LONGEST`.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    working = asyncio.ensure_future(asyncio.to_thread(work))
    done, _ = await asyncio.wait({working}, timeout=LONGEST)
    if not done:
        return await asyncio.to_thread(instead)
    await asyncio.sleep(rung(clock() - started) - (clock() - started))
    return working.result()
