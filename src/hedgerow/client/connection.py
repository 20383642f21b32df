"""How an agent reaches its coordinator: a URL, and files for TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import httpx

from hedgerow.addresses import check_url
from hedgerow.answers import bounded_async
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


def reach(url: str, tls: Tls) -> httpx.AsyncClient:
    """Return a connection to a coordinator, one outbound and through a proxy where one is set.

    Parameters
    ----------
    url
        Where it is.
    tls
        Who vouches for its certificate, and which one this client shows.

    Raises
    ------
    ConfigError
        Others could stand in for the URL, see `check_url`; or a file cannot be used.
    """
    check_url(url)
    context = trusting(tls.ca)
    if tls.certificate is not None:
        try:
            context.load_cert_chain(tls.certificate, tls.key)
        except OSError as error:
            raise ConfigError(
                f"The certificate {tls.certificate} and its key {tls.key} cannot be used "
                f"({error.strerror or error})."
            ) from error
    return bounded_async(httpx.AsyncClient(base_url=url, verify=context))


def trusting(authority: str | None) -> ssl.SSLContext:
    """Return what checks a coordinator's certificate.

    Parameters
    ----------
    authority
        PEM file of who vouches for it; the system's where None.

    Raises
    ------
    ConfigError
        The file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise ConfigError(
            f"The authority's file {authority} cannot be used ({error.strerror or error}); name "
            "the deployment's ca.pem."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
