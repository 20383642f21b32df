"""Listening on a silo's own network, where asked: the only thing of an agent that takes calls."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.addresses import is_loopback
from hedgerow.client.endpoint import Current, make_app
from hedgerow.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn


@dataclass(frozen=True)
class Listener:
    """A server in a thread of this process.

    Parameters
    ----------
    address
        Host and port on which it listens.
    """

    address: tuple[str, int]
    _server: uvicorn.Server
    _thread: threading.Thread

    def stop(self) -> None:
        """Answer what has come in, and stop."""
        self._server.should_exit = True
        self._thread.join()


def listen(
    current: Current,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    token: str | None = None,
    tls: tuple[Path, Path] | None = None,
) -> Listener:
    """Begin to listen; connections are taken when this returns.

    Parameters
    ----------
    current
        What recommends.
    host, port
        Where; 0 takes a free port.
    token
        Which every request has to show; it may be None on this computer alone.
    tls
        Files of the certificate and its key, in PEM.

    Raises
    ------
    ConfigError
        The address cannot be listened on, or is reached from elsewhere and has no token.
    """
    if token is None and not is_loopback(host):
        raise ConfigError(f"On {host} others can ask as well: give a token, or use 127.0.0.1.")
    app = make_app(current, token)
    import uvicorn

    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        app,
        host=host,
        # Request lines name users, so they are not logged.
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        server_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    try:
        config.load()
        taken = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise ConfigError(f"{host}, port {port}, cannot be listened on: {error}.") from error
    server = uvicorn.Server(config)
    # The socket takes connections from here on; the thread answers them when it runs.
    thread = threading.Thread(target=server.run, args=([taken],), name="listen", daemon=True)
    thread.start()
    return Listener((host, int(taken.getsockname()[1])), server, thread)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
