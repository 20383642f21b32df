"""Messages on the wire: frozen dataclasses as canonical CBOR maps, read back strictly.

A message is the map of its fields and of ``"type"``, its class's name in kebab case (or its class
variable ``kind``). A field's annotation says what it may hold: ``int`` (from 0 to 2**64 - 1),
``bool``, `Payload`, another dataclass (a map of its fields), or ``Annotated[T, Between(least,
most)]``, which bounds an integer's value or the length of ``bytes``, ``str`` or ``tuple[U, ...]``.

What has a length has bounds, which are checked before anything of that length is built; and the
first thing that is wrong ends the reading. So hostile bytes cost no more than honest ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.privacy.secure import cbor
from hedgerow.privacy.secure.cbor import Reader

T = TypeVar("T")
Read = Callable[[Reader], Any]

TYPE = "type"
LARGEST = (1 << 64) - 1

_HEAD = 9
"""Bytes of a value's head at most: of a number, or of a length."""

_FLAGS = tuple((value, cbor.encode(value)) for value in (False, True))


@dataclass(frozen=True)
class Between:
    """Bounds, both included, on an integer's value or on the length of bytes or a tuple.

    The length of a text is that of its UTF-8, as in CDDL.
    """

    least: int
    most: int


Key32 = Annotated[bytes, Between(32, 32)]
"""A key, a hash or a seed."""

Payload = bytes | memoryview
"""Many bytes; what is read is a view into the message that holds them, and nothing is copied."""

Text = Annotated[str, Between(0, 1024)]
"""A name."""

Bitmap = Annotated[bytes, Between(0, 1 << 17)]
"""A bit for each client of a roster, of which there are 2**20 at most."""

Tap = Callable[[str, bytes], None]
"""Sees the type and the bytes of every message that passes."""

Signature = Annotated[bytes, Between(64, 64)]
"""An Ed25519 signature."""


def kind(cls: type[Any]) -> str:
    """Return what a message of this class calls itself on the wire."""
    return _kind(cast("Hashable", cls))


@cache
def _kind(cls: Any) -> str:
    named = getattr(cls, "kind", None)
    if isinstance(named, str):
        return named
    return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


def to_wire(message: object) -> bytes:
    """Return a message's one encoding.

    Raises
    ------
    TypeError, ValueError
        A field holds what no message can.
    """
    return cbor.encode({TYPE: kind(type(message)), **vars(message)})


def from_wire(cls: type[T], data: bytes) -> T:
    """Return the message that some bytes hold.

    Raises
    ------
    ProtocolError
        ``bad-encoding``: they are not canonical CBOR. ``bad-message``: they hold another kind of
        message, or fields that its class does not have, lacks, or cannot take.
    """
    read, most = _whole(cast("Hashable", cls)), largest(cls)
    if most is not None and len(data) > most:
        raise _bad(f"more than the {most} bytes of any {kind(cls)}")
    reader = cbor.Reader(data)
    found = read(reader)
    reader.finish()
    return cast("T", found)


def largest(cls: type[Any]) -> int | None:
    """Return how many bytes a message of a class has at most; None where it holds a `Payload`."""
    return _largest(cast("Hashable", cls))


@cache
def _largest(cls: Any) -> int | None:
    most = _most(cls)
    return None if most is None else most + len(cbor.encode([TYPE, kind(cls)]))


@cache
def _most(hint: Hashable) -> int | None:
    """Return the most bytes that a value of an annotation takes; None where there is no bound."""
    if hint == Payload:
        return None
    if get_origin(hint) is Annotated:
        inner, bounds = get_args(hint)
        if get_origin(inner) is not tuple:
            return _HEAD + (0 if inner is int else cast("Between", bounds).most)
        item = _most(get_args(inner)[0])
        return None if item is None else _HEAD + cast("Between", bounds).most * item
    if not is_dataclass(hint):
        return _HEAD
    hints = get_type_hints(hint, include_extras=True)
    parts = [_most(hints[field.name]) for field in fields(hint)]
    names = len(cbor.encode([field.name for field in fields(hint)]))
    return None if None in parts else _HEAD + names + sum(cast("list[int]", parts))


@cache
def _whole(cls: Any) -> Read:
    """Return the function that reads a message with its type."""
    return _message(
        cls,
        {TYPE: kind(cls)},
        f"A message is not of the type {kind(cls)!r}, complete and in order.",
    )


@cache
def _reader(hint: Hashable) -> Read:
    """Return the function that reads what an annotation allows."""
    if get_origin(hint) is Annotated:
        inner, bounds = get_args(hint)
        return _bounded(inner, bounds)
    if hint is int:
        return _integer(Between(0, LARGEST))
    if hint is bool:
        return _flag
    if hint == Payload:
        return _payload
    if isinstance(hint, type) and is_dataclass(hint):
        return _message(hint, {}, f"A message holds no whole {kind(hint)} where one belongs.")
    raise TypeError(f"a message cannot have a field of type {hint}, or not without bounds")


def _bounded(inner: Any, bounds: Between) -> Read:
    if inner is int:
        return _integer(bounds)
    if inner is bytes and 0 < bounds.least == bounds.most:
        return _fixed(bounds.least)
    if inner is bytes:
        return _sized(cbor.BYTES, "a byte string", bounds, Reader.take)
    if inner is str:
        return _sized(cbor.TEXT, "a text", bounds, Reader.text)
    if get_origin(inner) is tuple and get_args(inner)[1:] == (Ellipsis,):
        return _tuple(_reader(get_args(inner)[0]), bounds)
    raise TypeError(f"a message cannot bound a field of type {inner}")


def _integer(bounds: Between) -> Read:
    least, most = bounds.least, bounds.most

    def read(reader: Reader) -> Any:
        found = reader.head(cbor.UNSIGNED)
        if found is None:
            negative = reader.head(cbor.NEGATIVE)
            if negative is None:
                raise _bad("something else where a number belongs")
            found = -1 - negative
        if not least <= found <= most:
            raise _bad(f"a number of {found} outside {least} to {most}")
        return found

    return read


def _flag(reader: Reader) -> Any:
    for value, encoded in _FLAGS:
        if reader.passes(encoded):
            return value
    raise _bad("something else where true or false belongs")


def _payload(reader: Reader) -> Any:
    size = reader.head(cbor.BYTES)
    if size is None:
        raise _bad("something else where bytes belong")
    return reader.view(size)


def _sized(major: int, what: str, bounds: Between, take: Callable[[Reader, int], Any]) -> Read:
    """Return the function that reads bytes or a text, once their length is seen to be right."""
    least, most = bounds.least, bounds.most

    def read(reader: Reader) -> Any:
        size = reader.head(major)
        if size is None or not least <= size <= most:
            raise _unfit(size, what, bounds)
        return take(reader, size)

    return read


def _fixed(size: int) -> Read:
    """Return the function that reads byte strings of one length, whose head is always the same."""
    head = cbor.encode(bytes(size))[:-size]

    def read(reader: Reader) -> Any:
        if reader.passes(head):
            return reader.take(size)
        raise _bad(f"something else where {size} bytes belong")

    return read


def _tuple(read_item: Read, bounds: Between) -> Read:
    def read(reader: Reader) -> Any:
        count = reader.head(cbor.LIST)
        if count is None or not bounds.least <= count <= bounds.most:
            raise _unfit(count, "a list", bounds)
        return tuple([read_item(reader) for _ in range(count)])

    return read


def _unfit(length: int | None, what: str, bounds: Between) -> ProtocolError:
    if length is None:
        return _bad(f"something else where {what} belongs")
    return _bad(f"a length of {length} outside {bounds.least} to {bounds.most}")


def _message(cls: Any, fixed: Mapping[str, str], sentence: str) -> Read:
    """Return the function that reads the map of a dataclass's fields and of fixed entries.

    Only the values differ between two such maps. So the bytes around them are made once, as those
    of a map with None for each value, and compared.
    """
    hints = get_type_hints(cls, include_extras=True)
    blank = cbor.encode({**fixed, **{field.name: None for field in fields(cls)}})
    *before, after = blank.split(cbor.encode(None))
    names = [name for name in cast("Mapping[str, Any]", cbor.decode(blank)) if name not in fixed]
    steps = [(*step, _reader(hints[step[1]])) for step in zip(before, names, strict=True)]

    def read(reader: Reader) -> Any:
        found = {}
        for expected, name, read_field in steps:
            if not reader.passes(expected):
                raise ProtocolError("bad-message", sentence)
            found[name] = read_field(reader)
        if not reader.passes(after):
            raise ProtocolError("bad-message", sentence)
        try:
            return cls(**found)
        except ProtocolError:
            raise
        except (HedgerowError, ValueError) as problem:
            raise _bad(f"a {kind(cls)} in which {problem}") from None

    return read


def _bad(why: str) -> ProtocolError:
    return ProtocolError("bad-message", f"A message holds {why}.")
