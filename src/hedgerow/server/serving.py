"""Running a process of a deployment: from its settings to its last answer."""

from __future__ import annotations

import gc
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import anyio.to_thread
import uvicorn

from hedgerow.errors import ConfigError
from hedgerow.server.assembly import application
from hedgerow.server.operations import logs
from hedgerow.server.operations.draining import Draining
from hedgerow.server.security import certificates
from hedgerow.server.security.reading import PatientProtocol
from hedgerow.server.security.tls import server_context
from hedgerow.server.settings import Settings

THREADS = 8
"""How many requests are looked up at a time; each thread keeps some MB, and gains nothing where the
interpreter is busy."""

DRAIN = 30
"""Seconds for which requests may go on when the process is stopped."""


def serve(settings: Settings) -> None:
    """Answer requests until the process is told to stop.

    Raises
    ------
    ConfigError
        A setting does not fit, or the address is taken.
    """
    logs.configure()
    with application(settings) as made:
        # What was imported stays for good; looking through it again and again took a tenth of the
        # time of uploads.
        gc.freeze()
        config = uvicorn.Config(
            made.app,
            http=PatientProtocol,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN,
            timeout_keep_alive=60,
            h11_max_incomplete_event_size=64 << 10,
            **_transport(settings),
        )
        with _listening(settings) as listener:
            _Server(config, made.draining).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Works with few threads, and sends away who waits for news before it stops."""

    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._draining.begin()
        # Not uvicorn's own, which in the end lets the signal kill the process, with its leases
        # not released.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=2048,
        )
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}); "
            "choose another port."
        ) from error
    with listener:
        yield listener


def _transport(settings: Settings) -> dict[str, Any]:
    if settings.plain:
        return {}
    own = settings.folder / settings.role
    context = server_context(
        own / certificates.CERTIFICATE,
        own / certificates.KEY,
        authority=own / certificates.CA,
        clients=settings.clients,
    )

    def made(_config: object, _default: object) -> ssl.SSLContext:
        return context

    return {"ssl_context_factory": made}
