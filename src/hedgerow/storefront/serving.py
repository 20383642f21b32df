"""Running the shop's server beside other work of the process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from hedgerow.errors import ConfigError

HOST = "127.0.0.1"

STOPPING = 2
"""Seconds for which requests may go on when the shop closes."""


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Take a port of this computer; any that is free where it is 0.

    Raises
    ------
    ConfigError
        Somebody else has it.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(
            f"The port {port} cannot be used ({error.strerror}); choose another with --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def served(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Answer requests in a thread until the end of the block."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOPPING,
    )
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="storefront")
    running.start()
    try:
        yield
    finally:
        server.should_exit = True
        running.join()
