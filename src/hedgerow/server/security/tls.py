"""TLS of servers and of those who call them: version 1.3 (RFC 8446) and nothing older."""

from __future__ import annotations

import ssl
from enum import Enum
from pathlib import Path

from hedgerow.errors import ConfigError


class Clients(Enum):
    """Whether callers show a certificate."""

    ANYONE = ssl.CERT_NONE
    KNOWN_OR_ANYONE = ssl.CERT_OPTIONAL
    KNOWN = ssl.CERT_REQUIRED


def server_context(
    certificate: Path,
    key: Path,
    *,
    authority: Path | None = None,
    clients: Clients = Clients.ANYONE,
) -> ssl.SSLContext:
    """Return how a server speaks TLS.

    Parameters
    ----------
    certificate, key
        PEM files: its chain, and the key of the first certificate.
    authority
        PEM file of who signs the certificates of callers.
    clients
        Whether callers show one. With `Clients.KNOWN_OR_ANYONE`, browsers connect without, but
        whoever shows one has to show a good one.

    Raises
    ------
    ConfigError
        A file cannot be used, or there is no authority to check callers against.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    _load_chain(context, certificate, key)
    if clients is not Clients.ANYONE:
        if authority is None:
            raise ConfigError("To check clients' certificates, name the authority's file.")
        _trust(context, authority)
    context.verify_mode = ssl.VerifyMode(clients.value)
    return context


def client_context(
    authority: Path | str | None = None,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
) -> ssl.SSLContext:
    """Return how one calls a server: its certificate and host name are checked.

    Parameters
    ----------
    authority
        PEM file, or PEM as text, of the only authority that is trusted; the system's authorities
        by default.
    certificate, key
        PEM files with which the caller shows who it is.

    Raises
    ------
    ConfigError
        A file cannot be used, or one of certificate and key is missing.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _trust(context, authority)
    if (certificate is None) != (key is None):
        raise ConfigError("A client's certificate and its key go together; name both.")
    if certificate is not None and key is not None:
        _load_chain(context, certificate, key)
    return context


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def _load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The certificate {certificate} cannot be used with the key {key}: "
            "see that both are there and belong together."
        ) from error


def _trust(context: ssl.SSLContext, authority: Path | str) -> None:
    try:
        if isinstance(authority, str):
            context.load_verify_locations(cadata=authority)
        else:
            context.load_verify_locations(authority)
    except OSError as error:
        raise ConfigError(
            f"The authority's certificate {authority} cannot be read; name a PEM file."
        ) from error
