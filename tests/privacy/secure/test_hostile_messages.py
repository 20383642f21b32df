"""Four megabytes that are no message cost no more than to be looked at, whatever was expected."""

import math
import time
import tracemalloc
from dataclasses import fields, is_dataclass
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation import invitation
from hedgerow.federation.ask import Ask
from hedgerow.privacy.secure import cbor, messages, receipt, session
from hedgerow.privacy.secure.pairwise import revealing
from hedgerow.privacy.secure.split import messages as split
from hedgerow.privacy.secure.wire import TYPE, Payload, from_wire, kind

SIZE = 4_000_000
SECONDS, BYTES = 0.1, 5 << 20

KINDS = [
    value
    for module in (messages, receipt, session, split, invitation, revealing)
    for value in vars(module).values()
    if is_dataclass(value) and value.__module__ == module.__name__ and value is not session.Floor
]


def example(hint):
    """The smallest value of an annotation."""
    if get_origin(hint) is Annotated:
        inner, bounds = get_args(hint)
        if get_origin(inner) is tuple:
            return [example(get_args(inner)[0])] * bounds.least
        return {int: bounds.least, bytes: bytes(bounds.least), str: "x" * bounds.least}[inner]
    if is_dataclass(hint):
        return fields_of(hint)
    return {int: 2, bool: False, Payload: b""}[hint]


def fields_of(cls):
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: example(hints[field.name]) for field in fields(cls)}


def head(major, count):
    """The head of so many values or bytes."""
    return bytes([major << 5 | 26]) + count.to_bytes(4, "big")


def repeated(item, by=1):
    """A list of some encoded values, of about four megabytes; or a map of them."""
    count = SIZE // len(item)
    return head(4 if by == 1 else 5, count // by) + item * (count // by * by)


def bodies():
    """Canonical but for a byte too many, about four megabytes each, and hard in some way."""
    hard = {
        "zeros": bytes(SIZE),
        "numbers": repeated(b"\x00"),
        "long numbers": repeated(b"\x1b" + b"\xff" * 8),
        "lists": repeated(b"\x80"),
        "lists in lists": b"\x81" * SIZE,
        "maps": repeated(b"\xa0"),
        "pairs": repeated(b"\x00", 2),
        "empty bytes": repeated(b"\x40"),
        "short texts": repeated(b"\x61a"),
        "one text": head(3, SIZE) + b"a" * SIZE,
        "a wide text": head(3, SIZE) + b"\xf0\x90\x80\x80" + b"a" * (SIZE - 4),
        "one byte string": head(2, SIZE) + bytes(SIZE),
        "keys": repeated(b"\x58\x20" + bytes(32)),
    }
    return [(what, body + b"\0") for what, body in hard.items()]


def inside(cls):
    """Each body in the place of each field of a message that is whole up to there."""
    whole = cbor.encode({TYPE: kind(cls), **fields_of(cls)})
    names = cbor.decode(whole)
    for name, value in names.items():
        encoded = cbor.encode(name) + cbor.encode(value)
        at = whole.index(encoded)
        for what, body in bodies():
            yield f"{what} as {name}", whole[:at] + cbor.encode(name) + body


def cost(read, body):
    """Return the seconds and the bytes that it takes to refuse a body."""
    with pytest.raises((ProtocolError, ConfigError)) as problem:
        read(body)
    assert len(str(problem.value)) < 400
    seconds = math.inf
    for _ in range(3):
        started = time.process_time()
        with pytest.raises((ProtocolError, ConfigError)):
            read(body)
        seconds = min(seconds, time.process_time() - started)
        # A busy machine takes longer; what costs too much does so each time.
        if seconds <= SECONDS:
            break
    tracemalloc.start()
    with pytest.raises((ProtocolError, ConfigError)):
        read(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak


def costly(read, hostile, times=1, more=1):
    """Those bodies that cost more than they may, and what they cost."""
    costs = {what: cost(read, body) for what, body in hostile}
    return {
        what: found
        for what, found in costs.items()
        if found[0] > times * SECONDS or found[1] > more * BYTES
    }


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_four_megabytes_are_refused_at_once(cls):
    assert costly(lambda body: from_wire(cls, body), [*bodies(), *inside(cls)]) == {}


@pytest.mark.parametrize("cls", [messages.Opening, split.Forward, split.Verdicts])
def test_what_is_right_up_to_its_end_costs_as_much_as_an_honest_message(cls):
    """The longest list of the smallest members, and then something else."""
    values, hints = fields_of(cls), get_type_hints(cls, include_extras=True)
    for name, hint in hints.items():
        if get_origin(hint) is Annotated and get_origin(get_args(hint)[0]) is tuple:
            inner, bounds = get_args(hint)
            values[name] = [example(get_args(inner)[0])] * bounds.most
    whole = cbor.encode({TYPE: kind(cls), **values})
    assert isinstance(from_wire(cls, whole), cls)
    damaged = whole[:-1] + bytes([whole[-1] ^ 0x80])
    assert costly(lambda body: from_wire(cls, body), [("damaged", damaged + b"\0")], 2, 8) == {}


def test_values_of_any_kind_are_bounded_too():
    assert costly(cbor.decode, bodies(), 2, 8) == {}


@pytest.mark.parametrize("text", ["[" * 65_000, '{"a":' * 10_000, "1" * 65_000, '"' + "x" * 65_000])
def test_an_ask_that_cannot_be_read_is_one_sentence(text):
    assert costly(Ask.from_json, [("ask", text)]) == {}
