"""How an agent reaches its coordinator: a URL, and files for TLS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from hedgerow.errors import ConfigError


@dataclass(frozen=True)
class Tls:
    """Files for connections, in PEM.

    Parameters
    ----------
    ca
        Certificates of who vouches for the coordinator; the system's where None.
    certificate, key
        This client's own, where the coordinator asks silos for one.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        paths = (self.ca, self.certificate, self.key)
        if not all(path is None or isinstance(path, str) for path in paths):
            raise ConfigError("Files for TLS are named by text.")
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("A client's certificate for TLS goes with its key; name both.")


def check_url(url: str) -> None:
    """Refuse a coordinator that others could stand in for.

    Raises
    ------
    ConfigError
        It is no URL, holds a password, or is reached without TLS from another computer.
    """
    try:
        parts = urlsplit(url)
        host, _ = str(parts.hostname or ""), parts.port
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"The coordinator {str(url)[:80]!r} is not a URL: {error}.") from error
    if not host:
        raise ConfigError(
            f"The coordinator {url[:80]!r} is not a URL such as https://coordinator:8443."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError("The coordinator is reached by https, other than on this computer.")
    if parts.username or parts.password:
        raise ConfigError("The coordinator's URL holds no name and no password.")


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
