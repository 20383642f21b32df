"""The secret keys of each party, in a folder of its own that nobody else ever holds.

The *helper* draws what it signs and opens seeds with, the *authority* what it enrols clients with,
the *coordinator* what it signs and logs clients in with. They exchange public halves alone; see
`hedgerow.server.security.parties`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.split.helper import HelperKeys
from hedgerow.server.security import files

_Secret = Ed25519PrivateKey | X25519PrivateKey

SECRET_BYTES = 32
"""Of the token secret."""

AUTHORITY_KEY = "authority/signing.key"
COORDINATOR_KEY = "coordinator/signing.key"
TOKEN_SECRET = "coordinator/token.secret"  # noqa: S105 - the name of a file
HELPER_KEY = "helper/signing.key"
SEALING_KEY = "helper/sealing.key"

FILES = {
    "helper": (HELPER_KEY, SEALING_KEY),
    "authority": (AUTHORITY_KEY,),
    "coordinator": (COORDINATOR_KEY, TOKEN_SECRET),
}
"""What `create` writes, by party."""


@dataclass(frozen=True)
class CoordinatorKeys:
    """What the coordinator holds: its signing key, and the secret under its tokens (32 bytes)."""

    signing: Ed25519PrivateKey = field(repr=False)
    token_secret: bytes = field(repr=False)


def create(folder: Path, role: str) -> None:
    """Draw the secrets of one party.

    Parameters
    ----------
    folder
        Which the party's folder is made in, or is in already.
    role
        A name in `FILES`.

    Raises
    ------
    ConfigError
        A key is there already.
    """
    (folder / role).mkdir(mode=0o700, exist_ok=True)
    for place in FILES[role]:
        files.write_once(folder / place, _drawn(place))


def load_coordinator(folder: Path) -> CoordinatorKeys:
    """Return the coordinator's keys from its folder.

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
    """Return the helper's keys from its folder.

    Raises
    ------
    ConfigError
        One is missing or damaged.
    """
    path = folder / SEALING_KEY
    sealing = _loaded(path)
    if not isinstance(sealing, X25519PrivateKey):
        raise _another(path)
    return HelperKeys(_signing(folder / HELPER_KEY), sealing)


def load_authority(folder: Path) -> Ed25519PrivateKey:
    """Return the key of the enrolment authority from its folder.

    Raises
    ------
    ConfigError
        It is missing or damaged.
    """
    return _signing(folder / AUTHORITY_KEY)


def derive(secret: bytes, purpose: str) -> bytes:
    """Return a key of 32 bytes for one purpose (HKDF-SHA256, RFC 5869).

    What is signed for one purpose then counts for no other.
    """
    info = f"hedgerow/{purpose}/v1".encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


def _drawn(place: str) -> bytes:
    if place == TOKEN_SECRET:
        return secrets.token_bytes(SECRET_BYTES)
    sealing = place == SEALING_KEY
    key: _Secret = X25519PrivateKey.generate() if sealing else Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _signing(path: Path) -> Ed25519PrivateKey:
    key = _loaded(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise _another(path)
    return key


def _loaded(path: Path) -> object:
    load: Callable[..., object] = serialization.load_pem_private_key
    try:
        return load(files.read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"The key file {path} is damaged.") from error


def _another(path: Path) -> ConfigError:
    return ConfigError(f"The key file {path} holds another kind of key.")
