"""Requests are read no faster than they are asked for, and their heads are short and quick."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD, BODY = 8 << 10, 256 << 10
"""The most bytes that are read at a time of a request's beginning, and of the rest of its body."""

LARGEST_HEAD, SLOWEST_HEAD = 64 << 10, 20.0
"""Bytes, and seconds, after which a head that is not over is given up."""

_READ = memoryview(bytearray(BODY))
"""What is read is handed on before anything else is read, so that one is enough for all."""

_BODY = frozenset({b"content-length", b"transfer-encoding"})


class PatientProtocol(HttpToolsProtocol, asyncio.BufferedProtocol):
    """HTTP that leaves a body in the network's buffers until it is asked for.

    A server reads on while an application thinks; of a thousand uploads at once, which wait for
    room or are about to be refused, that would be most of each in memory. A head, which nobody asks
    for, may have so many bytes and take so many seconds.
    """

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget_head()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the network's bytes go, and how many are taken at most."""
        # There is no cycle yet before the first request.
        beginning = getattr(self.cycle, "response_complete", True)
        return _READ[: HEAD if beginning else BODY]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self.data_received(bytes(_READ[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Parse what was read, and give up a head that is too long."""
        awaited = self._head_timer
        super().data_received(data)
        # What was read is of a head where that was awaited before and still is.
        if awaited is not None and self._head_timer is awaited:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Wait for a head, also after another request."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """Begin a request, and stop reading its body; it goes on when the application receives."""
        self._forget_head()
        super().on_headers_complete()
        if not _BODY.isdisjoint(name for name, _ in self.headers):
            self.flow.pause_reading()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
