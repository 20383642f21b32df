"""The inbox: many messages at once are stored by one thread, together.

Waiting for the disk is what storing a message costs. While one batch is being stored the next one
gathers, so that under load a wait is shared by many messages, and alone a message waits for none.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from hedgerow.errors import StorageError
from hedgerow.server.room import Room
from hedgerow.server.storage.messages import Messages
from hedgerow.server.storage.receipts import Incoming, Receipt, Refused

BATCH, BATCH_BYTES = 512, 12 << 20
"""The most messages in a batch, and the bytes after which it takes no more."""

WAITING_BYTES = 256 << 20
"""The most bytes that wait to be stored; beyond, clients are sent away for a while."""

BUSY = Refused(503, "busy", "The server is busy; send it again a little later.")

Answer: TypeAlias = Receipt | Refused | Exception


@dataclass(frozen=True)
class _Waiting:
    """A message and who waits for its receipt, where."""

    message: Incoming
    future: asyncio.Future[Receipt | Refused]
    loop: asyncio.AbstractEventLoop


class Inbox:
    """Stores messages as they come, in batches, from when it is entered until it is left.

    Parameters
    ----------
    messages
        Where they are stored.
    clock
        Gives the time in seconds since 1970.

    Attributes
    ----------
    room
        For the bodies that are being read.
    """

    def __init__(self, messages: Messages, clock: Callable[[], float] = time.time) -> None:
        self._messages = messages
        self._clock = clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._open = False
        self.room = Room()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def __enter__(self) -> Self:
        self._open = True
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Store what has come so far, and take no more."""
        with self._lock:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    async def put(self, message: Incoming) -> Receipt | Refused:
        """Return when the message is stored so that it outlasts a crash, or is refused.

        Raises
        ------
        StorageError
            It could not be stored, or the inbox is closed; the message may be sent again.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt | Refused] = loop.create_future()
        with self._lock:
            if not self._open:
                raise StorageError("The server is stopping; send it again later.", transient=True)
            if self._waiting_bytes > WAITING_BYTES:
                return BUSY
            self._waiting_bytes += len(message.body)
            self._queue.put(_Waiting(message, future, loop))
        return await future

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._gather()
            if not batch:
                continue
            answers: Iterable[Answer]
            try:
                answers = self._messages.accept([each.message for each in batch], self._clock())
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread lives
                answers = [error] * len(batch)
            with self._lock:
                self._waiting_bytes -= sum(len(each.message.body) for each in batch)
            _tell(list(zip(batch, answers, strict=True)))

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Wait for a message, and take along those that wait as well; False after the last."""
        batch: list[_Waiting] = []
        size = 0
        waiting = self._queue.get()
        while waiting is not None:
            batch.append(waiting)
            size += len(waiting.message.body)
            if len(batch) == BATCH or size > BATCH_BYTES:
                return batch, True
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False


def _tell(answers: list[tuple[_Waiting, Answer]]) -> None:
    """Hand out answers, with one call for each event loop."""
    for loop in {each.loop for each, _ in answers}:
        own = [(each.future, answer) for each, answer in answers if each.loop is loop]
        # A loop that was closed has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, own)


def _resolve(own: list[tuple[asyncio.Future[Receipt | Refused], Answer]]) -> None:
    for future, answer in own:
        if future.done():  # Whoever waited has gone.
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
