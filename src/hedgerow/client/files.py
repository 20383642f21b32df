"""Files of an agent's profile: whole or not there, and for its owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hedgerow.errors import ConfigError


def read(path: Path) -> bytes:
    """Return what a file holds.

    Raises
    ------
    ConfigError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); name a profile's folder, or join first."
        ) from error


def write(path: Path, data: bytes) -> None:
    """Replace a file, on disk when this returns.

    Raises
    ------
    ConfigError
        It cannot be written; the old one stays.
    """
    partial = None
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(partial).replace(path)
        _sync(path.parent)
    except OSError as error:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error


def overwrite(path: Path, data: bytes) -> None:
    """Write over the beginning of a file, on disk when this returns.

    It costs a fiftieth of :func:`write`. What fits into a sector of a disk, 512 bytes, is written
    whole or not at all.

    Raises
    ------
    ConfigError
        It cannot be written.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            file.write(data)
            # The length stays, so that no change of the file's entry need be waited for.
            getattr(os, "fdatasync", os.fsync)(file.fileno())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Replace a key's file (PKCS #8 in PEM).

    Raises
    ------
    ConfigError
        It cannot be written.
    """
    write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read a key.

    Raises
    ------
    ConfigError
        It is missing, damaged, of another kind, or others can read it.
    """
    data = read(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigError(
            f"Others can read the key {path}; let only its owner (chmod 600), or join anew."
        )
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"The key {path} is damaged; restore it, or join anew.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"The key {path} is no Ed25519 key; restore it, or join anew.")
    return key


def _sync(folder: Path) -> None:
    """Make a change of names in a folder last; Windows does so by itself."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
