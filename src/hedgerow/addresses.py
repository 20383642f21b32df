"""Addresses of servers: which of them nobody else can stand in for."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hedgerow.errors import ConfigError


def check_url(url: str, who: str = "coordinator") -> None:
    """Refuse the address of a server that others could stand in for.

    Parameters
    ----------
    url
        Its address.
    who
        What the server is called in what is said of it.

    Raises
    ------
    ConfigError
        It is no URL, holds a password, or is reached without TLS from another computer.
    """
    try:
        parts = urlsplit(url)
        host, _ = str(parts.hostname or ""), parts.port
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"The {who} {str(url)[:80]!r} is not a URL: {error}.") from error
    if not host:
        raise ConfigError(f"The {who} {url[:80]!r} is not a URL such as https://{who}:8443.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(f"The {who} is reached by https, other than on this computer.")
    if parts.username or parts.password:
        raise ConfigError(f"The {who}'s URL holds no name and no password.")


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
