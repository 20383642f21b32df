"""The file of a backup: a ZIP archive of parts, and a manifest with the SHA-256 of each."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hedgerow.errors import DataError

FORMAT = "hedgerow backup, version 1"

MANIFEST = "manifest.json"

TABLES, BLOBS, KEYS = "tables/", "blobs/", "keys/"
"""With what the names of parts begin."""

LARGEST_MANIFEST = 256 << 20
"""Bytes; a manifest has about 150 for each part."""

_CHUNK = 1 << 20

_BROKEN = (
    *(OSError, EOFError, ValueError, struct.error, zlib.error, zipfile.BadZipFile),
    # What `zipfile` cannot do, such as passwords.
    RuntimeError,
)
"""What reading a damaged archive may raise."""


@dataclass(frozen=True)
class Part:
    """What the manifest says of one part."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Parameters
    ----------
    role
        ``coordinator`` or ``helper``: whose it is.
    schema
        Version of the tables.
    created
        When it was made, in seconds since 1970.
    parts
        By their names.
    """

    role: str
    schema: str
    created: float
    parts: Mapping[str, Part] = field(default_factory=dict)

    def under(self, folder: str) -> list[str]:
        """Return the names of the parts of a folder, without it."""
        return [name.removeprefix(folder) for name in self.parts if name.startswith(folder)]


class Writer:
    """Writes parts one after the other.

    Parameters
    ----------
    archive
        Open for writing.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts: dict[str, Part] = {}

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Add a part."""
        digest, length = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                length += len(piece)
        self._parts[name] = Part(digest.hexdigest(), length)

    def finish(self, role: str, schema: str, created: float) -> Manifest:
        """Add the manifest and return it."""
        found = Manifest(role, schema, created, self._parts)
        self._archive.writestr(MANIFEST, json.dumps({"format": FORMAT, **asdict(found)}))
        return found


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Give what writes an archive, seen whole and on the disk at the end or not at all.

    Raises
    ------
    DataError
        There is such a file.
    """
    if path.exists():
        raise DataError(f"There is a file {path} already; choose another name.")
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        # Nobody else may read it.
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


class Reader:
    """Reads an archive whose parts have all been checked.

    Parameters
    ----------
    archive
        Open for reading.

    Raises
    ------
    DataError
        It is damaged, or no backup.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = _manifest(archive)
        if sorted(archive.namelist()) != sorted([*self.manifest.parts, MANIFEST]):
            raise damaged("it does not hold what its manifest names")
        for name in self.manifest.parts:
            for _ in self.pieces(name):
                pass

    def pieces(self, name: str) -> Iterator[bytes]:
        """Give a part piece by piece, and refuse it at the end where it is damaged."""
        part = self.manifest.parts.get(name)
        if part is None:
            raise damaged(f"it has no part {name}")
        digest, length = hashlib.sha256(), 0
        with _explained(name), self._archive.open(name) as file:
            while length <= part.bytes and (piece := file.read(_CHUNK)):
                digest.update(piece)
                length += len(piece)
                yield piece
        if (digest.hexdigest(), length) != (part.sha256, part.bytes):
            raise damaged(f"the part {name} is not what was written")

    def whole(self, name: str) -> bytes:
        """Return a part."""
        return b"".join(self.pieces(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Give a part line by line."""
        rest = b""
        for piece in self.pieces(name):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            raise damaged(f"the part {name} ends within a line")


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Give what reads an archive.

    Raises
    ------
    DataError
        There is none, or it is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise DataError(f"The file {path} cannot be read as a backup.") from error
    with archive:
        yield Reader(archive)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        with _explained(MANIFEST), archive.open(MANIFEST) as file:
            values = json.loads(file.read(LARGEST_MANIFEST))
        if values.pop("format") != FORMAT:
            raise damaged("it is of another format")
        parts = {name: Part(**part) for name, part in values.pop("parts").items()}
        return Manifest(**values, parts=parts)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise damaged("its manifest cannot be read") from error


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise damaged(f"the part {name} cannot be read") from error


def damaged(why: str) -> DataError:
    """Return the error of a backup that is not as it was written."""
    return DataError(f"The backup is damaged: {why}; take another one.")
