"""Messages on the wire: frozen dataclasses as canonical CBOR maps, read back strictly.

A message is the map of its fields and of ``"type"``, its class's name in kebab case (or its class
variable ``kind``). A field's annotation says what it may hold: ``int`` (from 0 to 2**64 - 1),
``bytes``, ``str``, ``bool``, another dataclass (a map of its fields), ``tuple[T, ...]`` of these,
or ``Annotated[T, Between(least, most)]``, which bounds an integer's value or a length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.privacy.secure import cbor

T = TypeVar("T")
Read = Callable[[Any], Any]

TYPE = "type"
LARGEST = (1 << 64) - 1


@dataclass(frozen=True)
class Between:
    """Bounds, both included, on an integer's value or on the length of bytes or a tuple.

    The length of a text is that of its UTF-8, as in CDDL.
    """

    least: int
    most: int


Key32 = Annotated[bytes, Between(32, 32)]
"""A key, a hash or a seed."""

Tap = Callable[[str, bytes], None]
"""Sees the type and the bytes of every message that passes."""

Signature = Annotated[bytes, Between(64, 64)]
"""An Ed25519 signature."""


def kind(cls: type[Any]) -> str:
    """Return what a message of this class calls itself on the wire."""
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
    return cbor.encode({TYPE: kind(type(message))} | _plain(message))


def from_wire(cls: type[T], data: bytes) -> T:
    """Return the message that some bytes hold.

    Raises
    ------
    ProtocolError
        ``bad-encoding``: they are not canonical CBOR. ``bad-message``: they hold another kind of
        message, or fields that its class does not have, lacks, or cannot take.
    """
    found = cbor.decode(data)
    if not isinstance(found, dict) or found.pop(TYPE, None) != kind(cls):
        raise ProtocolError("bad-message", f"A message is not of the type {kind(cls)!r}.")
    return cast("T", _reader(cast("Hashable", cls))(found))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    names = _names(cast("Hashable", type(value)))
    return {name: _plain(getattr(value, name)) for name in names} if names else value


@cache
def _names(cls: Any) -> tuple[str, ...]:
    """Return the names of a message's fields; none for what is no message."""
    return tuple([field.name for field in fields(cls)]) if is_dataclass(cls) else ()


@cache
def _reader(hint: Hashable) -> Read:
    """Return the function that checks a decoded value against an annotation and builds from it."""
    if get_origin(hint) is Annotated:
        inner, bounds = get_args(hint)
        return _bounded(inner, bounds)
    if hint is int:
        return _bounded(int, Between(0, LARGEST))
    if hint in (bytes, str, bool):
        return _exactly(hint)
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        return _tuple(_reader(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _message(hint)
    raise TypeError(f"a message cannot have a field of type {hint}")


def _exactly(expected: type[Any]) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not expected:
            raise _bad(f"{type(value).__name__} where {expected.__name__} belongs")
        return value

    return read


def _bounded(inner: Any, bounds: Between) -> Read:
    read_inner = _exactly(int) if inner is int else _reader(inner)

    def read(value: Any) -> Any:
        found = read_inner(value)
        size = found if inner is int else len(found.encode() if inner is str else found)
        if not bounds.least <= size <= bounds.most:
            what = "a number" if inner is int else "a length"
            raise _bad(f"{what} of {size} outside {bounds.least} to {bounds.most}")
        return found

    return read


def _tuple(read_item: Read) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise _bad(f"{type(value).__name__} where a list belongs")
        return tuple([read_item(item) for item in value])

    return read


def _message(cls: Any) -> Read:
    hints = get_type_hints(cls, include_extras=True)
    readers = {field.name: _reader(hints[field.name]) for field in fields(cls)}

    def read(value: Any) -> Any:
        if type(value) is not dict or value.keys() != readers.keys():
            raise _bad(f"a {kind(cls)} without exactly the fields {', '.join(readers)}")
        found = {name: read_field(value[name]) for name, read_field in readers.items()}
        try:
            return cls(**found)
        except ProtocolError:
            raise
        except (HedgerowError, ValueError) as problem:
            raise _bad(f"a {kind(cls)} in which {problem}") from None

    return read


def _bad(why: str) -> ProtocolError:
    return ProtocolError("bad-message", f"A message holds {why}.")
