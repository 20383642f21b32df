"""Uploads are read no sooner than there is room for them."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PatientProtocol(HttpToolsProtocol):
    """HTTP that leaves an upload's body in the network's buffers until it is asked for.

    A server reads on while an application thinks; of a thousand uploads at once, which wait for
    room, that would be most of each in memory.
    """

    def on_headers_complete(self) -> None:
        """Begin a request, and stop reading; it goes on when the application receives."""
        super().on_headers_complete()
        if self.scope.get("method") == "PUT":
            self.flow.pause_reading()
