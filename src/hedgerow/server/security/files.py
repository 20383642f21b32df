"""Key files: each is written once, and read by nobody but its owner."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from hedgerow.errors import ConfigError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")

SECRET, PUBLIC = 0o600, 0o644
"""Modes of files: for their owner alone, and for everyone to read."""


def write_once(path: Path, data: bytes, mode: int = SECRET) -> None:
    """Write a file that is not there yet, on disk when this returns.

    Parameters
    ----------
    path
        In a folder that exists.
    data
        All that the file holds.
    mode
        `SECRET` or `PUBLIC`.

    Raises
    ------
    ConfigError
        There is such a file; it stays as it is.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise ConfigError(
            f"There is a file {path} already, and keys are not overwritten."
        ) from None
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)


def read(path: Path) -> bytes:
    """Return what a key file holds.

    Raises
    ------
    ConfigError
        There is none, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The key file {path} cannot be read; hedgerow init makes such files."
        ) from error


def make_whole(folder: Path, fill: Callable[[Path], object]) -> None:
    """Make a folder that is seen with all its files or not at all.

    Parameters
    ----------
    folder
        Where it will be: nothing is there, or an empty folder.
    fill
        Writes the files into the folder that it is given.

    Raises
    ------
    ConfigError
        The folder is there and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"There is something in {folder} already; choose another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}.{os.getpid()}.draft"
    draft.mkdir(mode=0o700)
    try:
        fill(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def checked_name(name: str) -> str:
    """Return a name that is safe as a file's, or refuse it.

    Raises
    ------
    ConfigError
        It is not 1 to 63 lower-case letters, digits, dots, hyphens and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"The name {name!r} is not 1 to 63 lower-case letters, digits, dots, hyphens and "
            "underscores that begin with a letter or a digit."
        )
    return name


def checked_host(name: str) -> str:
    """Return a host's name (RFC 1123), or refuse it.

    Raises
    ------
    ConfigError
        It is not one, such as an address with a port or a URL.
    """
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise ConfigError(f"{name!r} is not the name or the address of a host.")
    return name
