"""Certificates of TLS: X.509 (RFC 5280), ECDSA over P-256, signed by each server's own authority.

It is made for those who have no authority of their own. A certificate of TLS lets a connection in;
who somebody is, an Ed25519 key says.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hedgerow.errors import ConfigError
from hedgerow.server.security import files

Clock = Callable[[], float]
"""Seconds since 1970 in UTC."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
"""What every server's certificate names besides its own hosts."""

AUTHORITY_DAYS, CERTIFICATE_DAYS = 3650, 397
"""How long certificates are valid: the authority's own, and those that it signs."""

CA_KEY, CA = "ca.key", "ca.pem"
"""In a party's folder: the key and the certificate of who signs its certificates."""

KEY, CERTIFICATE = "tls.key", "tls.pem"
"""In a party's folder: its key, and its certificate."""

FILES = (CA_KEY, CA, KEY, CERTIFICATE)
"""What `create` writes into a party's folder."""

_ISSUER = "coordinator"
"""Which party lets silos in by certificates of TLS."""

_SERVES, _CALLS = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_SKEW = timedelta(hours=1)
"""How far a peer's clock may be behind when a certificate is fresh."""


def create(folder: Path, role: str, names: Sequence[str] = (), clock: Clock = time.time) -> None:
    """Make an authority for one server, and the server's certificate.

    Parameters
    ----------
    folder
        Which the party's folder is made in, or is in already.
    role
        The party: the name of its folder.
    names
        Host names and addresses of the server besides `LOCAL_NAMES`.
    clock
        Gives the time.

    Raises
    ------
    ConfigError
        A key is there already, or a name is not a host's.
    """
    hosts = _hosts((*LOCAL_NAMES, *names))
    own = folder / role
    own.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _Authority(_named(f"Hedgerow {role} authority"), key, clock())
    built = (
        authority.builder(authority.subject, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    files.write_once(own / CA_KEY, _secret_pem(key))
    files.write_once(own / CA, _pem(built), files.PUBLIC)
    authority.issue(own, role, hosts, (_SERVES,))


def issue_client(folder: Path, name: str, clock: Clock = time.time) -> Path:
    """Make a key and a certificate with which a silo connects.

    Parameters
    ----------
    folder
        The coordinator's, with its authority's key.
    name
        The silo's: lower-case letters, digits, dots, hyphens and underscores.
    clock
        Gives the time.

    Returns
    -------
    Path
        The folder ``clients/{name}`` with the key, the certificate and the authority's.

    Raises
    ------
    ConfigError
        There is a folder for the silo, the name is not as said, or the authority's key is missing.
    """
    target = folder / "clients" / files.checked_name(name)
    alternative = [x509.UniformResourceIdentifier(f"urn:hedgerow:client:{name}")]

    own = folder / _ISSUER
    authority = _load(own, clock)

    def fill(draft: Path) -> None:
        authority.issue(draft, name, alternative, (_CALLS,))
        files.write_once(draft / "ca.pem", files.read(own / CA), files.PUBLIC)

    files.make_whole(target, fill)
    return target


@dataclass(frozen=True)
class _Authority:
    """Who signs, with which key, and when (seconds since 1970)."""

    subject: x509.Name
    key: ec.EllipticCurvePrivateKey
    at: float

    def issue(
        self,
        target: Path,
        name: str,
        alternative: Sequence[x509.GeneralName],
        purposes: Sequence[x509.ObjectIdentifier],
    ) -> None:
        """Write a fresh key and its certificate into a folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = (
            self.builder(_named(name), key.public_key(), CERTIFICATE_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        files.write_once(target / KEY, _secret_pem(key))
        files.write_once(target / CERTIFICATE, _pem(built), files.PUBLIC)

    def builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        """Return what all certificates have in common."""
        now = datetime.fromtimestamp(self.at, UTC)
        signer = self.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False
            )
        )


def _load(folder: Path, clock: Clock) -> _Authority:
    try:
        certificate = x509.load_pem_x509_certificate(files.read(folder / CA))
        key = serialization.load_pem_private_key(files.read(folder / CA_KEY), password=None)
    except ValueError as error:
        raise ConfigError(f"The certificate authority in {folder} is damaged.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"The key {folder / CA_KEY} is not of an elliptic curve.")
    return _Authority(certificate.subject, key, clock())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _hosts(names: Sequence[str]) -> list[x509.GeneralName]:
    """Tell addresses from names, each once."""
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(files.checked_host(name)))
    return found


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _secret_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
