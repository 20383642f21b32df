"""Uploads are read no sooner than there is room for them."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD, BODY = 8 << 10, 256 << 10
"""The most bytes that are read at a time of a request's beginning, and of the rest of its body."""

_READ = memoryview(bytearray(BODY))
"""What is read is handed on before anything else is read, so that one is enough for all."""


class PatientProtocol(HttpToolsProtocol, asyncio.BufferedProtocol):
    """HTTP that leaves an upload's body in the network's buffers until it is asked for.

    A server reads on while an application thinks; of a thousand uploads at once, which wait for
    room, that would be most of each in memory.
    """

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the network's bytes go, and how many are taken at most."""
        # There is no cycle yet before the first request.
        beginning = getattr(self.cycle, "response_complete", True)
        return _READ[: HEAD if beginning else BODY]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self.data_received(bytes(_READ[:nbytes]))

    def on_headers_complete(self) -> None:
        """Begin a request, and stop reading; it goes on when the application receives."""
        super().on_headers_complete()
        if self.scope.get("method") == "PUT":
            self.flow.pause_reading()
