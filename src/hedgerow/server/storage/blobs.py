"""Blobs: large bytes under a name, in a folder or an object store such as S3.

A blob is written once and whole, or not at all; nothing is changed in place.
"""

from __future__ import annotations

import errno
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from hedgerow.errors import ConfigError, StorageError

LONGEST = 200
"""Characters in a name."""

MOST_PARTS = 512
"""How many parts are written at a time; systems take at least 1024."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*")

_UNFINISHED = ".new"
"""The folder of files that are still being written; no blob's name begins with a dot."""

_ABANDONED = 3600
"""Seconds after which a file that is still being written was left behind by a crash."""


class Blobs(Protocol):
    """Bytes by name, such as ``model/0f3a``: lower-case letters, digits and ``_.-``, in folders."""

    def put(self, name: str, *parts: bytes) -> None:
        """Store a blob, whole and lastingly before it returns, in place of one of that name.

        Its parts stand in it one after the other.
        """
        ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a blob, or its ``length`` bytes from ``start`` on.

        Raises
        ------
        StorageError
            It does not exist, or has not that many bytes.
        """
        ...

    def exists(self, name: str) -> bool:
        """Return whether there is a blob of that name."""
        ...

    def size(self, name: str) -> int:
        """Return how many bytes a blob has.

        Raises
        ------
        StorageError
            It does not exist.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a blob where there is one."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return the names of all blobs in a folder and the folders in it, sorted."""
        ...


class FolderBlobs:
    """Blobs as files, which nobody but their owner reads.

    Parameters
    ----------
    folder
        Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _explained(folder):
            self._make(folder / _UNFINISHED)
            for left in (folder / _UNFINISHED).iterdir():
                if left.stat().st_mtime < time.time() - _ABANDONED:
                    left.unlink(missing_ok=True)

    def put(self, name: str, *parts: bytes) -> None:
        """Write a blob elsewhere, and move it to its place when it is on the disk."""
        path = self._path(name)
        unfinished = self._folder / _UNFINISHED / uuid.uuid4().hex
        with _explained(path):
            self._make(path.parent)
            try:
                file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    _write(file, parts)
                    os.fsync(file)
                finally:
                    os.close(file)
                unfinished.replace(path)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            _sync(path.parent)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Read a blob or a part of it."""
        path = self._path(name)
        with _explained(path), path.open("rb") as file:
            file.seek(start)
            content = file.read(-1 if length is None else length)
        return _whole(name, content, length)

    def exists(self, name: str) -> bool:
        """Return whether there is a blob of that name."""
        return self._path(name).is_file()

    def size(self, name: str) -> int:
        """Return how many bytes a blob has."""
        path = self._path(name)
        with _explained(path):
            return path.stat().st_size

    def delete(self, name: str) -> None:
        """Remove a blob where there is one."""
        path = self._path(name)
        with _explained(path):
            path.unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """Return the names of all blobs in a folder and the folders in it, sorted."""
        found = (path for path in self._path(folder).rglob("*") if path.is_file())
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)

    def _make(self, folder: Path) -> None:
        """Make a folder that outlasts a power failure; its parents as well."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync(folder.parent)


class ObjectBlobs:
    """Blobs in an object store, by its address.

    Parameters
    ----------
    url
        ``s3://bucket/prefix`` and the like; who may use it is read from the environment, as is
        usual for the provider (``AWS_ACCESS_KEY_ID`` and so on).

    Raises
    ------
    ConfigError
        The address is of no store that is known, or the extra dependency is missing.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore import store
        except ModuleNotFoundError as error:
            raise ConfigError(
                "Blobs in an object store need a package: pip install 'hedgerow[s3]'."
            ) from error
        self._obstore = obstore
        try:
            self._store = store.from_url(url)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise ConfigError(
                f"The address {url!r} of an object store cannot be used; it looks like "
                "s3://bucket/prefix."
            ) from error

    def put(self, name: str, *parts: bytes) -> None:
        """Store a blob; an object store shows it whole or not at all."""
        with self._said(name):
            self._obstore.put(self._store, checked(name), b"".join(parts))

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Fetch a blob or a part of it."""
        checked(name)
        with self._said(name):
            if length is None:
                return bytes(self._obstore.get(self._store, name).bytes())[start:]
            content = self._obstore.get_range(self._store, name, start=start, length=length)
        return _whole(name, bytes(content), length)

    def exists(self, name: str) -> bool:
        """Return whether there is a blob of that name."""
        checked(name)
        with self._said(name):
            try:
                self._obstore.head(self._store, name)
            except FileNotFoundError:
                return False
        return True

    def size(self, name: str) -> int:
        """Return how many bytes a blob has."""
        checked(name)
        with self._said(name):
            return int(self._obstore.head(self._store, name)["size"])

    def delete(self, name: str) -> None:
        """Remove a blob where there is one."""
        checked(name)
        with self._said(name):
            try:
                self._obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        """Return the names of all blobs in a folder and the folders in it, sorted."""
        with self._said(checked(folder)):
            pages = self._obstore.list(self._store, folder)
            return sorted(blob["path"] for page in pages for blob in page)

    @contextmanager
    def _said(self, name: str) -> Iterator[None]:
        """Say in one sentence what went wrong."""
        with _explained(name):
            try:
                yield
            except self._obstore.exceptions.BaseError as error:
                said = str(error).partition("\n")[0]
                raise StorageError(
                    f"The object store cannot be used now ({said}).", transient=True
                ) from error


def open_blobs(where: str) -> Blobs:
    """Open a folder by its path or ``file:///`` address, or an object store by its address."""
    if "://" not in where:
        return FolderBlobs(Path(where))
    parts = urlsplit(where)
    if parts.scheme == "file":
        return FolderBlobs(Path(unquote(parts.path)))
    return ObjectBlobs(where)


def checked(name: str) -> str:
    """Return a name that can be a blob's.

    Raises
    ------
    StorageError
        It cannot; it might lead out of the folder.
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise StorageError(f"{name[:LONGEST]!r} cannot be the name of a blob.")
    return name


def _whole(name: str, content: bytes, length: int | None) -> bytes:
    if length is not None and len(content) != length:
        raise StorageError(f"The blob {name} is cut short; restore it from a backup.")
    return content


@contextmanager
def _explained(what: Path | str) -> Iterator[None]:
    """Say in one sentence that a file is missing or the disk is not to be used."""
    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(f"The blob {what} is missing; restore it from a backup.") from error
    except OSError as error:
        raise StorageError(
            f"The blob {what} cannot be used ({error.strerror}); see to the disk and its rights.",
            transient=True,
        ) from error


def _write(file: int, parts: Sequence[bytes]) -> None:
    """Write parts one after the other, in one call for most, without joining them first."""
    for n in range(0, len(parts), MOST_PARTS):
        some = parts[n : n + MOST_PARTS]
        if os.writev(file, some) != sum(map(len, some)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync(folder: Path) -> None:
    """Wait until a folder's list of files is on the disk."""
    if os.name == "nt":  # Windows opens no folders, and writes their lists through.
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
