"""Downloading a publisher's archive: over HTTPS, checked, unpacked safely, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from hedgerow.errors import DataError

_TIMEOUT = 60
_BLOCK = 1 << 20
_LARGEST = 4 << 30
"""Bytes, packed or unpacked, beyond which an archive is refused."""


@dataclass(frozen=True)
class Archive:
    """A publisher's ZIP archive.

    Parameters
    ----------
    url
        Where it is published.
    members
        The files that are needed: their names in the archive, and their names once unpacked.
    sha256
        The archive's SHA-256 in hexadecimal; None where the publisher changes it over time.
    size
        Its length in bytes; None where the publisher changes it.
    """

    url: str
    members: Mapping[str, str]
    sha256: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """The archive's file name."""
        return PurePosixPath(urlsplit(self.url).path).name


def fetch(archive: Archive, folder: Path, sha256: str | None = None) -> tuple[str, ...]:
    """Download an archive and unpack its members into ``folder``.

    An archive that its publisher changes is trusted on first use: the SHA-256 found then is
    written beside the folder, and later downloads must have the same one.

    Parameters
    ----------
    archive
        What to download.
    folder
        Where the members go; made if missing.
    sha256
        The SHA-256 that is expected, instead of the archive's own or the one recorded.

    Returns
    -------
    tuple
        A note on each thing that the caller should know.

    Raises
    ------
    DataError
        The publisher cannot be reached, or what came is not what was expected.
    """
    if sha256 is not None:
        archive = replace(archive, sha256=sha256.lower(), size=None)
    record = folder.parent / f"{folder.name}.sha256"
    recorded = record.read_text("ascii").strip() if record.is_file() else None
    expected = archive.sha256 or recorded
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as name:
        packed = Path(name) / "archive.zip"
        found = _download(archive, packed, folder)
        if expected is not None and found != expected:
            raise DataError(
                f"{archive.url} has SHA-256 {found} instead of {expected}; if its publisher "
                f"confirms that it was renewed, pass the new one, or {_by_hand(archive, folder)}."
            )
        unpacked = Path(name) / "unpacked"
        unpack(packed, archive.members, unpacked)
        folder.mkdir(exist_ok=True)
        for member in unpacked.iterdir():
            member.replace(folder / member.name)
    if expected is not None:
        return ()
    record.write_text(found + "\n", "ascii")
    return (f"{archive.name} taken on trust at first use, SHA-256 {found}",)


def unpack(packed: Path, members: Mapping[str, str], folder: Path) -> None:
    """Unpack the named members of a ZIP archive into a new folder, under the given names.

    Raises
    ------
    DataError
        The archive is damaged, too large, lacks a member or names a path outside itself.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(packed) as archive:
            outside = [name for name in archive.namelist() if _leads_outside(name)]
            if outside:
                raise DataError(
                    f"The archive names the path {outside[0][:80]!r} outside itself and is not "
                    "unpacked; get it from its publisher."
                )
            for name, given in members.items():
                if archive.getinfo(name).file_size > _LARGEST:
                    raise DataError(f"{name} of the archive is too large to be what it should be.")
                with archive.open(name) as source, (folder / given).open("wb") as target:
                    while block := source.read(_BLOCK):
                        target.write(block)
    except KeyError as error:
        raise DataError(f"The archive lacks a file: {error.args[0]}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise DataError(f"The archive cannot be unpacked ({error}); download it again.") from error


def _download(archive: Archive, target: Path, folder: Path) -> str:
    """Write the archive to ``target`` and return its SHA-256."""
    _require_secure(archive.url)
    digest = hashlib.sha256()
    length = 0
    try:
        with (
            urllib.request.urlopen(archive.url, timeout=_TIMEOUT) as response,  # noqa: S310
            target.open("wb") as file,
        ):
            _require_secure(response.url)
            announced = response.headers.get("Content-Length", "")
            while block := response.read(_BLOCK):
                length += len(block)
                if length > (archive.size or _LARGEST):
                    break
                digest.update(block)
                file.write(block)
    except (OSError, http.client.HTTPException) as error:
        raise DataError(
            f"{archive.url} cannot be downloaded ({error}); {_by_hand(archive, folder)}."
        ) from error
    wanted = archive.size or (int(announced) if announced.isdigit() else length)
    if length != wanted:
        raise DataError(
            f"{archive.url} gave {'over ' if length > wanted else ''}{min(length, wanted):,} bytes "
            f"where {wanted:,} were expected; try again, or {_by_hand(archive, folder)}."
        )
    return digest.hexdigest()


def _require_secure(url: str) -> None:
    """Allow HTTPS, and plain HTTP from this very machine only."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise DataError(f"{url} is not an HTTPS address; data is downloaded over HTTPS only.")


def _by_hand(archive: Archive, folder: Path) -> str:
    return (
        f"get {archive.name} from its publisher in another way and put "
        f"its {', '.join(archive.members.values())} into {folder}"
    )


def _leads_outside(name: str) -> bool:
    plain = name.replace("\\", "/")
    path = PurePosixPath(plain)
    return path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1])
