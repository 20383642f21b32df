"""Messages come back as they went; anything else is refused with its reason."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.secure import cbor
from hedgerow.privacy.secure.wire import (
    Between,
    Key32,
    Payload,
    Text,
    from_wire,
    kind,
    largest,
    to_wire,
)


@dataclass(frozen=True)
class Leaf:
    name: Text
    key: Key32


@dataclass(frozen=True)
class TwoWords:
    count: int
    small: Annotated[int, Between(-5, 5)]
    flag: bool
    data: Annotated[bytes, Between(0, 1000)]
    leaf: Leaf
    leaves: Annotated[tuple[Leaf, ...], Between(0, 9)]
    few: Annotated[tuple[int, ...], Between(1, 3)]
    word: Annotated[str, Between(1, 4)] = "word"


@dataclass(frozen=True)
class Named:
    kind: ClassVar[str] = "some-other-name"
    ring: int

    def __post_init__(self):
        if self.ring == 3:
            raise ConfigError("a ring of 3")
        if self.ring == 4:
            raise ValueError("a ring of 4")
        if self.ring == 5:
            raise ProtocolError("bad-ring", "A ring of 5.")


LEAF = Leaf("é", bytes(range(32)))
EXAMPLE = TwoWords(7, -5, True, b"xyz", LEAF, (LEAF, LEAF), (1, 2))

leaves = st.builds(Leaf, st.text(), st.binary(min_size=32, max_size=32))
messages = st.builds(
    TwoWords,
    st.integers(0, (1 << 64) - 1),
    st.integers(-5, 5),
    st.booleans(),
    st.binary(),
    leaves,
    st.lists(leaves, max_size=3).map(tuple),
    st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple),
)


@given(messages)
def test_messages_come_back(message):
    data = to_wire(message)
    found = from_wire(TwoWords, data)
    assert found == message
    assert isinstance(found.leaves, tuple)
    assert to_wire(found) == data


def test_the_form_on_the_wire():
    assert kind(TwoWords) == "two-words"
    assert cbor.decode(to_wire(Named(2))) == {"type": "some-other-name", "ring": 2}
    assert cbor.decode(to_wire(LEAF)) == {"type": "leaf", "name": "é", "key": LEAF.key}
    assert cbor.decode(to_wire(EXAMPLE))["leaf"] == {"name": "é", "key": LEAF.key}


@pytest.mark.parametrize(
    "change",
    [
        {"type": "leaf"},
        {"type": None},
        {"more": 1},
        {"count": True},
        {"count": -1},
        {"count": "7"},
        {"count": None},
        {"flag": 1},
        {"flag": None},
        {"small": 6},
        {"small": False},
        {"data": "xyz"},
        {"data": [1]},
        {"leaf": [1]},
        {"leaf": {"name": "é"}},
        {"leaf": {"name": "é", "key": bytes(31)}},
        {"leaf": {"name": "é", "key": bytes(32), "type": "leaf"}},
        {"leaves": b""},
        {"leaves": {}},
        {"leaves": [1]},
        {"few": []},
        {"few": [1, 2, 3, 4]},
        {"few": [True]},
        {"word": ""},
        {"word": "words"},
        {"word": "éüö"},
    ],
)
def test_other_fields_are_refused(change):
    with pytest.raises(ProtocolError) as problem:
        from_wire(TwoWords, cbor.encode(cbor.decode(to_wire(EXAMPLE)) | change))
    assert problem.value.code == "bad-message"


@pytest.mark.parametrize("missing", ["type", "count", "leaf", "few"])
def test_missing_fields_are_refused(missing):
    found = cbor.decode(to_wire(EXAMPLE))
    del found[missing]
    with pytest.raises(ProtocolError, match="message"):
        from_wire(TwoWords, cbor.encode(found))


@pytest.mark.parametrize("value", [1, [], "leaf", None, {}, {1: 2}])
def test_what_is_no_message_is_refused(value):
    with pytest.raises(ProtocolError, match="not of the type"):
        from_wire(Leaf, cbor.encode(value))


@pytest.mark.parametrize(
    ("ring", "code"), [(3, "bad-message"), (4, "bad-message"), (5, "bad-ring")]
)
def test_a_message_that_refuses_its_fields(ring, code):
    with pytest.raises(ProtocolError) as problem:
        from_wire(Named, cbor.encode({"type": "some-other-name", "ring": ring}))
    assert problem.value.code == code


@dataclass(frozen=True)
class Empty:
    pass


@dataclass(frozen=True)
class Nest:
    empty: Empty
    zebra: Annotated[tuple[Empty, ...], Between(0, 9)]


def test_messages_without_fields_and_fields_after_the_type():
    for message in (Empty(), Nest(Empty(), ()), Nest(Empty(), (Empty(), Empty()))):
        data = to_wire(message)
        assert from_wire(type(message), data) == message
        with pytest.raises(ProtocolError, match="CBOR: bytes follow"):
            from_wire(type(message), data + b"\0")


def test_the_first_thing_that_is_wrong_is_named():
    data = to_wire(EXAMPLE)
    with pytest.raises(ProtocolError, match="follow the end"):
        from_wire(TwoWords, data + b"\0")
    with pytest.raises(ProtocolError, match="a number of 9"):
        from_wire(TwoWords, cbor.encode(cbor.decode(data) | {"small": 9}) + b"\0")


def test_no_message_is_larger_than_its_bounds_allow():
    big = TwoWords(
        2**64 - 1, -5, False, bytes(1000), full := Leaf("x" * 1024, bytes(32)), (full,) * 9,
        (2**64 - 1,) * 3, "word",
    )  # fmt: skip
    data = to_wire(big)
    assert from_wire(TwoWords, data) == big
    assert len(data) <= largest(TwoWords) < len(data) + 300
    with pytest.raises(ProtocolError, match=f"more than the {largest(TwoWords)} bytes") as problem:
        from_wire(TwoWords, data + bytes(300))
    assert problem.value.code == "bad-message"


@dataclass(frozen=True)
class Heavy:
    payload: Payload


def test_only_a_payload_has_no_bound():
    assert largest(Heavy) is None
    assert from_wire(Heavy, to_wire(Heavy(bytes(9)))).payload == bytes(9)
    for hint in (bytes, str, tuple[int, ...], float):
        wrong = dataclass(frozen=True)(type("Wrong", (), {"__annotations__": {"value": hint}}))
        with pytest.raises(TypeError, match="bounds"):
            from_wire(wrong, cbor.encode({"type": "wrong", "value": 1}))


def means_itself_or_refused(data):
    try:
        found = from_wire(TwoWords, data)
    except ProtocolError as problem:
        return problem.code in {"bad-encoding", "bad-message"}
    return to_wire(found) == data


def test_damaged_messages_are_refused_or_mean_themselves():
    data = to_wire(EXAMPLE)
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            assert means_itself_or_refused(bytes(damaged))
        with pytest.raises(ProtocolError):
            from_wire(TwoWords, data[:at])
