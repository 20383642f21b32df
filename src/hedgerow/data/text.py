"""Text tables: how they are packed and written, what parts their columns, which have names."""

from __future__ import annotations

import codecs
import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hedgerow.data.columns import role_of
from hedgerow.errors import DataError

SEPARATORS = {".tsv": "\t", ".data": "\t", ".csv": ",", ".txt": ","}
"""What parts the columns where the text itself does not show it, by the file's suffix."""

TRIED = ",;\t|"

LOOKED_AT = 64 << 10
"""Bytes at the beginning that are looked at."""

LARGEST = 8 << 30
"""Bytes that a packed file may hold."""

PIECE = 16 << 20


@dataclass(frozen=True)
class Text:
    """A text table, ready to be read.

    Parameters
    ----------
    body
        Where it is, or all of it in UTF-8 where it was packed or written in another encoding.
    separator
        What parts its columns.
    header
        Whether its first row names the columns.
    padded
        Whether blanks stand beside separators.
    notes
        What was found out, a short sentence each.
    """

    body: Path | bytes
    separator: str
    header: bool
    padded: bool
    notes: tuple[str, ...]


def look_at(path: Path) -> Text:
    """Find out how a text table is written.

    Parameters
    ----------
    path
        A text file, packed with gzip or alone in a zip archive, or neither; in UTF-8, UTF-16 with
        its mark, or else taken for Windows-1252, of which Latin-1 is a part.

    Raises
    ------
    DataError
        It is no text, or an archive of several files or of too much.
    """
    name, body = _unpacked(path)
    body, notes = _in_utf8(body, path.name)
    head = body[:LOOKED_AT] if isinstance(body, bytes) else _head(body)
    lines = _lines(head)
    separator = _separator(lines, SEPARATORS.get(Path(name).suffix.lower(), ","))
    first = [cell.strip().strip('"') for cell in lines[0].split(separator)]
    header = any(role_of(cell) for cell in first) or not any(_is_number(cell) for cell in first)
    padded = any(f"{separator} " in line or f" {separator}" in line for line in lines)
    if separator.isspace():
        padded = False
    if not header:
        notes = (*notes, "the first row holds values, so columns are called 1, 2, 3, ...")
    return Text(body, separator, header, padded, notes)


def _unpacked(path: Path) -> tuple[str, Path | bytes]:
    """Return the name without what it says of packing, and the file or what was packed in it."""
    with path.open("rb") as file:
        mark = file.read(4)
    if mark[:2] == b"\x1f\x8b":
        with gzip.open(path) as packed:
            return path.name.removesuffix(".gz"), _bounded(packed, path.name)
    if mark == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            files = [
                one
                for one in archive.infolist()
                if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
            if len(files) != 1:
                raise DataError(
                    f"{path.name} holds {len(files)} files; pack the table of interactions alone."
                )
            with archive.open(files[0]) as packed:
                return files[0].filename, _bounded(packed, path.name)
    return path.name, path


def _bounded(packed: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    """Read what is packed, but no more than there is sense in."""
    parts, size = [], 0
    while part := packed.read(PIECE):
        size += len(part)
        if size > LARGEST:
            raise DataError(f"{name} unpacks to over {LARGEST >> 30} GiB; give it as Parquet.")
        parts.append(part)
    if not size:
        raise DataError(f"{name} is empty; give a file with at least one interaction.")
    return b"".join(parts)


def _pieces(body: Path | bytes) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    with body.open("rb") as file:
        while part := file.read(PIECE):
            yield part


def _in_utf8(body: Path | bytes, name: str) -> tuple[Path | bytes, tuple[str, ...]]:
    """Return a text in UTF-8, and a note where it was not."""
    head = body[:4] if isinstance(body, bytes) else _head(body)[:4]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = b"".join(_pieces(body)).decode("utf-16", errors="replace")
        return text.encode(), ("read as UTF-16",)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for part in _pieces(body):
            if b"\0" in part:
                raise DataError(
                    f"{name} is no text; give a CSV, TSV or Parquet file, or one of these packed."
                )
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        whole = b"".join(_pieces(body))
        try:
            text, as_what = whole.decode("cp1252"), "Windows-1252"
        except UnicodeDecodeError:
            text, as_what = whole.decode("latin-1"), "Latin-1"
        return text.encode(), (f"it is not in UTF-8, and was read as {as_what}",)
    return body, ()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LOOKED_AT)


def _lines(head: bytes) -> list[str]:
    """Return the first whole lines that are not blank, without what stands in quotes."""
    text = head.decode("utf-8-sig", errors="ignore")
    lines = text.splitlines()
    whole = lines if len(head) < LOOKED_AT else lines[:-1]
    found = [line for line in whole if line.strip()][:50]
    if not found:
        raise DataError(
            "The file has no line of a table at its beginning; give one interaction per line."
        )
    return found


def _separator(lines: list[str], usual: str) -> str:
    """Return what stands equally often in every line; the usual one where several do, or none."""
    counts = {mark: {_bare(line).count(mark) for line in lines} for mark in TRIED}
    steady = [mark for mark, found in counts.items() if len(found) == 1 and 0 not in found]
    if usual in steady or not steady:
        return usual
    return max(steady, key=lambda mark: min(counts[mark]))


def _bare(line: str) -> str:
    """Return a line without what stands in quotes."""
    return "".join(line.split('"')[::2])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
