"""The chain of hashes behind the audit log, as a value: lines, a signed head, and their check.

Each line is canonical JSON and holds the SHA-256 of the line before; the head is the coordinator's
signature over the number and the hash of the newest line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import identity

_HEAD = b"hedgerow/audit-head/v1\0"
_TYPES = {"int": int, "str": str}
_MOST = 2**63 - 1

T = TypeVar("T", "Line", "Head")


@dataclass(frozen=True)
class Line:
    """A line of the log: an event, when (milliseconds since 1970), and the hash of the line before.

    Numbers count from 1; before the first line is the empty text.
    """

    number: int
    at: int
    who: str
    what: str
    on: str
    outcome: str
    previous: str


@dataclass(frozen=True)
class Head:
    """The coordinator's word on which line is the newest; hash and signature in hexadecimal."""

    number: int
    hash: str
    signature: str


def sign(key: Ed25519PrivateKey, number: int, line: str) -> Head:
    """Return the signed head of a log whose newest line has this number and hash."""
    return Head(number, line, key.sign(_to_sign(number, line)).hex())


def verify(
    found: Iterable[bytes], newest: Head, key: bytes, *, earlier: Head | None = None
) -> list[Line]:
    """Check a log from end to end.

    Parameters
    ----------
    found
        Its lines in order.
    newest
        Its head.
    key
        The coordinator's Ed25519 public key.
    earlier
        A head that was kept elsewhere, which the log has to contain.

    Returns
    -------
    list of Line
        What the log says.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``: a line was edited, taken out, put in or moved, or the log was cut off;
        ``bad-signature``: the head is not the coordinator's.
    """
    for signed in (newest, earlier or newest):
        _check_signature(signed, key)
    read_lines: list[Line] = []
    hashes = [""]
    for number, data in enumerate(found, start=1):
        line = read(Line, data, f"Line {number}")
        if line.number != number or line.previous != hashes[-1]:
            raise damaged(f"The audit log was changed at or before line {number}")
        read_lines.append(line)
        hashes.append(digest(data))
    if newest.number != len(read_lines) or newest.hash != hashes[-1]:
        raise damaged(
            f"The audit log has {len(read_lines)} lines, and its head is signed for {newest.number}"
            " that end otherwise"
        )
    if earlier is not None and hashes[earlier.number : earlier.number + 1] != [earlier.hash]:
        raise damaged("The audit log does not go on from the earlier head")
    return read_lines


def canonical(value: Line | Head) -> bytes:
    """Return the one form of a line or a head in bytes: JSON with sorted keys, in ASCII."""
    return json.dumps(asdict(value), sort_keys=True, separators=(",", ":")).encode()


def read(cls: type[T], data: bytes, what: str) -> T:
    """Return a line or a head from its canonical form.

    Parameters
    ----------
    cls
        `Line` or `Head`.
    data
        Its bytes.
    what
        What to call it where it is damaged.

    Raises
    ------
    ProtocolError
        ``bad-audit-log``: it is in any other form.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        found = cls(**values)
        typed = all(type(values[f.name]) is _TYPES[str(f.type)] for f in fields(cls))
        if typed and 0 < found.number <= _MOST and canonical(found) == data:
            return found
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise damaged(f"{what} of the audit log was changed")


def digest(line: bytes) -> str:
    """Return a line's SHA-256 in hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def damaged(why: str) -> ProtocolError:
    """Return the error of a log that is not as it was written."""
    return ProtocolError("bad-audit-log", f"{why}; compare it with an earlier export or a backup.")


def _check_signature(signed: Head, key: bytes) -> None:
    try:
        signature = bytes.fromhex(signed.signature)
    except ValueError:
        signature = b""
    if signature.hex() != signed.signature:
        signature = b""
    sentence = "The head of the audit log is not signed by the coordinator."
    identity.verify(key, _to_sign(signed.number, signed.hash), signature, sentence)


def _to_sign(number: int, line: str) -> bytes:
    return _HEAD + number.to_bytes(8, "big") + line.encode()
