"""The keys of a deployment, each in the folder of who holds it.

``enrolment`` holds the keys that say who takes part, apart from the coordinator; ``coordinator``
and ``helper`` what each signs and opens with; ``public`` is for everyone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.errors import ConfigError
from hedgerow.server.security import files

_Secret = Ed25519PrivateKey | X25519PrivateKey

SECRET_BYTES = 32
"""Of the token secret."""

ENROLMENT_KEY = "enrolment/enrolment.key"
COORDINATOR_KEY = "coordinator/signing.key"
TOKEN_SECRET = "coordinator/token.secret"  # noqa: S105 - the name of a file
HELPER_KEY = "helper/signing.key"
SEALING_KEY = "helper/sealing.key"

_PUBLIC_HALVES = {
    ENROLMENT_KEY: "public/enrolment.pub",
    COORDINATOR_KEY: "public/coordinator.pub",
    HELPER_KEY: "public/helper.pub",
    SEALING_KEY: "public/helper-sealing.pub",
}

FILES = (*_PUBLIC_HALVES, *_PUBLIC_HALVES.values(), TOKEN_SECRET)
"""All that `create` writes."""


@dataclass(frozen=True)
class CoordinatorKeys:
    """What the coordinator holds: its signing key, and the secret under its tokens (32 bytes)."""

    signing: Ed25519PrivateKey = field(repr=False)
    token_secret: bytes = field(repr=False)


@dataclass(frozen=True)
class HelperKeys:
    """What the helper holds: its signing key, and the key that seeds are sealed to."""

    signing: Ed25519PrivateKey = field(repr=False)
    sealing: X25519PrivateKey = field(repr=False)


@dataclass(frozen=True)
class PublicKeys:
    """What everyone knows; 32 bytes each, Ed25519 but for ``helper_sealing``, which is X25519."""

    enrolment: bytes
    coordinator: bytes
    helper: bytes
    helper_sealing: bytes


def create(folder: Path) -> None:
    """Draw all keys of a deployment.

    Parameters
    ----------
    folder
        The deployment's.

    Raises
    ------
    ConfigError
        A key is there already.
    """
    for part in ("enrolment", "public", "coordinator", "helper"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)
    for place, public_half in _PUBLIC_HALVES.items():
        key: _Secret = (
            X25519PrivateKey.generate() if place == SEALING_KEY else Ed25519PrivateKey.generate()
        )
        files.write_once(folder / place, _secret_pem(key))
        files.write_once(folder / public_half, public_pem(key.public_key()), files.PUBLIC)
    files.write_once(folder / TOKEN_SECRET, secrets.token_bytes(SECRET_BYTES))


def load_coordinator(folder: Path) -> CoordinatorKeys:
    """Return the coordinator's keys from a deployment's folder.

    Raises
    ------
    ConfigError
        One is missing or damaged.
    """
    secret = files.read(folder / TOKEN_SECRET)
    if len(secret) != SECRET_BYTES:
        raise ConfigError(f"The file {folder / TOKEN_SECRET} does not hold {SECRET_BYTES} bytes.")
    return CoordinatorKeys(_signing(folder / COORDINATOR_KEY), secret)


def load_helper(folder: Path) -> HelperKeys:
    """Return the helper's keys from a deployment's folder.

    Raises
    ------
    ConfigError
        One is missing or damaged.
    """
    path = folder / SEALING_KEY
    sealing = _loaded(path, _load_secret)
    if not isinstance(sealing, X25519PrivateKey):
        raise _another(path)
    return HelperKeys(_signing(folder / HELPER_KEY), sealing)


def load_enrolment(folder: Path) -> Ed25519PrivateKey:
    """Return the key of the enrolment authority from a deployment's folder.

    Raises
    ------
    ConfigError
        It is missing or damaged.
    """
    return _signing(folder / ENROLMENT_KEY)


def load_public(folder: Path) -> PublicKeys:
    """Return the public keys from a deployment's folder.

    Raises
    ------
    ConfigError
        One is missing or damaged.
    """
    path = folder / _PUBLIC_HALVES[SEALING_KEY]
    sealing = _loaded(path, serialization.load_pem_public_key)
    if not isinstance(sealing, X25519PublicKey):
        raise _another(path)
    return PublicKeys(
        enrolment=read_public(folder / _PUBLIC_HALVES[ENROLMENT_KEY]),
        coordinator=read_public(folder / _PUBLIC_HALVES[COORDINATOR_KEY]),
        helper=read_public(folder / _PUBLIC_HALVES[HELPER_KEY]),
        helper_sealing=sealing.public_bytes_raw(),
    )


def read_public(path: Path) -> bytes:
    """Return the Ed25519 public key of a PEM file, 32 bytes.

    Raises
    ------
    ConfigError
        There is no such key in it.
    """
    key = _loaded(path, serialization.load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise _another(path)
    return key.public_bytes_raw()


def public_pem(key: Ed25519PublicKey | X25519PublicKey) -> bytes:
    """Return a public key as PEM, as `read_public` reads it."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def derive(secret: bytes, purpose: str) -> bytes:
    """Return a key of 32 bytes for one purpose (HKDF-SHA256, RFC 5869).

    What is signed for one purpose then counts for no other.
    """
    info = f"hedgerow/{purpose}/v1".encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


def _signing(path: Path) -> Ed25519PrivateKey:
    key = _loaded(path, _load_secret)
    if not isinstance(key, Ed25519PrivateKey):
        raise _another(path)
    return key


def _load_secret(data: bytes) -> object:
    return serialization.load_pem_private_key(data, password=None)


def _loaded(path: Path, load: Callable[[bytes], object]) -> object:
    try:
        return load(files.read(path))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"The key file {path} is damaged.") from error


def _another(path: Path) -> ConfigError:
    return ConfigError(f"The key file {path} holds another kind of key.")


def _secret_pem(key: _Secret) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
