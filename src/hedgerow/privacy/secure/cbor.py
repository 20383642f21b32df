"""Deterministic CBOR (RFC 8949, section 4.2.1): one value, one encoding.

What is signed and hashed must have one form only, so a decoder here takes the canonical form and
nothing else. It is written out, not a lenient library's result checked afterwards: it never builds
what it would refuse, whatever the sender claims about sizes, nesting or tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

import cbor2

from hedgerow.errors import ProtocolError

Key: TypeAlias = int | bytes | str
Value: TypeAlias = "Key | bool | Sequence[Value] | Mapping[Key, Value] | None"

DEPTH = 16
"""How deep lists and maps may be nested."""

ITEMS = 1 << 17
"""How many values `decode` builds; large payloads are byte strings, which count as one."""

UNSIGNED, NEGATIVE, BYTES, TEXT, LIST, _MAP, _TAG, SIMPLE = range(8)
"""The major types (RFC 8949, section 3.1)."""

_SCALARS = frozenset({bytes, str, bool, type(None)})
_LEAST, _MOST = -(1 << 64), (1 << 64) - 1
_KEYS = frozenset({int, bytes, str})
_SIMPLE_VALUES = {20: False, 21: True, 22: None}


def encode(value: object) -> bytes:
    """Return the one encoding of a value.

    Parameters
    ----------
    value
        Integers from -2**64 to 2**64 - 1, byte strings (or views), text, booleans, None, and
        lists, tuples and maps of these; a map's keys are integers, byte strings or text. A
        dataclass is the map of its fields.

    Raises
    ------
    TypeError, ValueError
        The value holds something else.
    """
    return cbor2.dumps(_ordered(value, DEPTH))


def _ordered(value: Any, depth: int) -> Value:
    """Return the value with its maps in the order of their encoded keys, and checked."""
    kind = type(value)
    if kind in _SCALARS:
        return cast("Value", value)
    if kind is memoryview:
        return bytes(value)
    if kind is int:
        if not _LEAST <= value <= _MOST:
            raise ValueError(f"{value} does not fit in 64 bits")
        return cast("int", value)
    if depth == 0:
        raise ValueError(f"values are nested deeper than {DEPTH}")
    if kind is list or kind is tuple:
        return [_ordered(item, depth - 1) for item in value]
    if kind is dict:
        if not _KEYS.issuperset(map(type, value)):
            raise TypeError("a map's keys are integers, byte strings or text")
        return {key: _ordered(value[key], depth - 1) for key in _in_order(tuple(value))}
    if is_dataclass(kind):
        return {name: _ordered(getattr(value, name), depth - 1) for name in _names(kind)}
    raise TypeError(f"{kind.__name__} has no place in a message")


@lru_cache(maxsize=1024)
def _in_order(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return a map's keys in the order of their encodings; messages have always the same few."""
    return tuple(sorted(keys, key=lambda key: cbor2.dumps(_ordered(key, 0))))


@cache
def _names(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in the order of their encodings."""
    return cast("tuple[str, ...]", _in_order(tuple([field.name for field in fields(cls)])))


def decode(data: bytes) -> Value:
    """Return the value of a canonical encoding; lists come back as lists, maps as dicts.

    Raises
    ------
    ProtocolError
        ``bad-encoding``: the bytes are not the canonical encoding of exactly one value that
        `encode` takes.
    """
    reader = Reader(data)
    value = reader.value()
    reader.finish()
    return value


def _bad(why: str) -> ProtocolError:
    return ProtocolError("bad-encoding", f"A message is not canonical CBOR: {why}.")


class Reader:
    """A place in the bytes of a message, from which values are read.

    All that it does raises ``bad-encoding`` where the bytes are not canonical.

    Parameters
    ----------
    data
        The whole message.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = ITEMS
        self._at = 0

    def passes(self, expected: bytes) -> bool:
        """Return whether these bytes come next, and go past them if so."""
        if not self._data.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def finish(self) -> None:
        """Refuse bytes that follow the last value."""
        if self._at != len(self._data):
            raise _bad("bytes follow the end")

    def head(self, major: int) -> int | None:
        """Go past the head of a value, and return its argument; None for what is of another type.

        Parameters
        ----------
        major
            `UNSIGNED`, `NEGATIVE`, `BYTES`, `TEXT`, `LIST` or `SIMPLE`.
        """
        start = self._at
        found, argument = self._head()
        if found == major:
            return argument
        self._at = start
        return None

    def view(self, size: int) -> memoryview:
        """Read so many bytes, where they lie."""
        first = self._at
        self._at = end = first + size
        if end > len(self._data):
            raise _bad("it ends too early")
        return memoryview(self._data)[first:end]

    def text(self, size: int) -> str:
        """Read so many bytes of UTF-8."""
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise _bad("a text is not UTF-8") from None

    def value(self, depth: int = DEPTH) -> Value:
        """Read one value, nested at most so deep."""
        major, argument = self._head()
        if major == BYTES:
            return self.take(argument)
        if major == UNSIGNED:
            return argument
        if major == TEXT:
            return self.text(argument)
        if major == NEGATIVE:
            return -1 - argument
        if major == SIMPLE:
            if argument not in _SIMPLE_VALUES:
                raise _bad("it holds a float or an unassigned simple value")
            return _SIMPLE_VALUES[argument]
        if major == _TAG:
            raise _bad("it holds a tag")
        if depth == 0:
            raise _bad(f"values are nested deeper than {DEPTH}")
        return self._list(argument, depth) if major == LIST else self._map(argument, depth)

    def _list(self, count: int, depth: int) -> list[Value]:
        self._expect(count)
        return [self.value(depth - 1) for _ in range(count)]

    def _map(self, count: int, depth: int) -> dict[Key, Value]:
        self._expect(2 * count)
        found: dict[Key, Value] = {}
        previous = b""
        for _ in range(count):
            start = self._at
            key = self.value(0)
            if type(key) not in _KEYS:
                raise _bad("a map's key is not an integer, a byte string or text")
            encoded = self._data[start : self._at]
            if encoded <= previous:
                raise _bad("a map's keys are not in ascending order or not distinct")
            previous = encoded
            found[cast("Key", key)] = self.value(depth - 1)
        return found

    def _expect(self, count: int) -> None:
        """Note that so many values follow, before any of them is built."""
        self._items -= count
        if self._items < 0:
            raise _bad(f"it holds more than {ITEMS} values")

    def _head(self) -> tuple[int, int]:
        """Read a value's major type and argument (RFC 8949, section 3), in its shortest form."""
        at = self._at
        if at >= len(self._data):
            raise _bad("it ends too early")
        first = self._data[at]
        self._at = at + 1
        major, short = first >> 5, first & 31
        if short < 24:
            return major, short
        if short > 27:
            raise _bad("it holds an indefinite length or a reserved value")
        size = 1 << (short - 24)
        argument = int.from_bytes(self.take(size), "big")
        if argument < (24 if size == 1 else 1 << (4 * size)):
            raise _bad("a number is not in its shortest form")
        return major, argument

    def take(self, size: int) -> bytes:
        """Read so many bytes as they are."""
        start = self._at
        self._at = end = start + size
        if end > len(self._data):
            raise _bad("it ends too early")
        return self._data[start:end]
