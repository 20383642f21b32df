"""Messages on the wire: frozen dataclasses as canonical CBOR maps, read back strictly.

A message is the map of its fields and of ``"type"``, its class's name in kebab case (or its class
variable ``kind``). A field's annotation says what it may hold: ``int`` (from 0 to 2**64 - 1),
``bytes``, `Payload`, ``str``, ``bool``, another dataclass (a map of its fields), ``tuple[T, ...]``
of these, or ``Annotated[T, Between(least, most)]``, which bounds an integer's value or a length.
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

_MEASURES: dict[Any, Callable[[Any], int]] = {int: int, str: lambda text: len(text.encode())}
"""What `Between` bounds; of all others their length."""


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
    reader = cbor.Reader(data)
    try:
        found = _whole(cast("Hashable", cls))(reader)
        reader.finish()
    except ProtocolError:
        cbor.decode(data)  # whatever else is wrong, what is not canonical is refused as that
        raise
    return cast("T", found)


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
        return _bounded(int, Between(0, LARGEST))
    if hint == Payload:
        return _payload
    if hint in (bytes, str, bool):
        return _exactly(hint)
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        return _tuple(_reader(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _message(hint, {}, f"A message holds no whole {kind(hint)} where one belongs.")
    raise TypeError(f"a message cannot have a field of type {hint}")


def _exactly(expected: type[Any]) -> Read:
    def read(reader: Reader) -> Any:
        value = reader.value()
        if type(value) is not expected:
            raise _bad(f"{type(value).__name__} where {expected.__name__} belongs")
        return value

    return read


def _bounded(inner: Any, bounds: Between) -> Read:
    least, most = bounds.least, bounds.most
    if inner is bytes and 0 < least == most:
        return _fixed(least)
    measure = _MEASURES.get(inner, len)
    what = "a number" if inner is int else "a length"
    read_inner = _exactly(int) if inner is int else _reader(inner)

    def read(reader: Reader) -> Any:
        found = read_inner(reader)
        if not least <= measure(found) <= most:
            raise _bad(f"{what} of {measure(found)} outside {least} to {most}")
        return found

    return read


def _payload(reader: Reader) -> Any:
    found = reader.view()
    if found is None:
        raise _bad("something else where bytes belong")
    return found


def _fixed(size: int) -> Read:
    """Return the function that reads byte strings of one length, whose head is always the same."""
    head = cbor.encode(bytes(size))[:-size]

    def read(reader: Reader) -> Any:
        if reader.passes(head):
            return reader.take(size)
        raise _bad(f"something else where {size} bytes belong")

    return read


def _tuple(read_item: Read) -> Read:
    def read(reader: Reader) -> Any:
        count = reader.count()
        if count is None:
            raise _bad("something else where a list belongs")
        return tuple([read_item(reader) for _ in range(count)])

    return read


def _message(cls: Any, fixed: Mapping[str, str], sentence: str) -> Read:
    """Return the function that reads the map of a dataclass's fields and of fixed entries.

    Only the values differ between two such maps. So the bytes around them are made once, as those
    of a map with None for each value, and compared.
    """
    hints = get_type_hints(cls, include_extras=True)
    blank = cbor.encode({**fixed, **{field.name: None for field in fields(cls)}})
    *before, after = blank.split(cbor.encode(None))
    values = 2 * (len(fixed) + len(before))
    names = [name for name in cast("Mapping[str, Any]", cbor.decode(blank)) if name not in fixed]
    steps = [(*step, _reader(hints[step[1]])) for step in zip(before, names, strict=True)]

    def read(reader: Reader) -> Any:
        reader.expect(values)
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
