"""Messages come back as they went; anything else is refused with its reason."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.secure import cbor
from hedgerow.privacy.secure.wire import Between, Key32, from_wire, kind, to_wire


@dataclass(frozen=True)
class Leaf:
    name: str
    key: Key32


@dataclass(frozen=True)
class TwoWords:
    count: int
    small: Annotated[int, Between(-5, 5)]
    flag: bool
    data: bytes
    leaf: Leaf
    leaves: tuple[Leaf, ...]
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
    zebra: tuple[Empty, ...]


def test_messages_without_fields_and_fields_after_the_type():
    for message in (Empty(), Nest(Empty(), ()), Nest(Empty(), (Empty(), Empty()))):
        data = to_wire(message)
        assert from_wire(type(message), data) == message
        with pytest.raises(ProtocolError, match="CBOR: bytes follow"):
            from_wire(type(message), data + b"\0")


def test_what_is_not_canonical_is_refused_as_that_whatever_else_is_wrong():
    for wrong in ({"type": "leaf"}, {"count": -1}, {"few": []}, {"leaves": 7}):
        data = cbor.encode(cbor.decode(to_wire(EXAMPLE)) | wrong) + b"\0"
        with pytest.raises(ProtocolError) as problem:
            from_wire(TwoWords, data)
        assert problem.value.code == "bad-encoding"


def test_the_entries_of_messages_count_as_values(monkeypatch):
    message = TwoWords(1, 0, True, b"", LEAF, (LEAF, LEAF), (1, 2, 3))
    data = to_wire(message)
    # nine entries, three leaves with two each, and the items of two lists
    monkeypatch.setattr(cbor, "ITEMS", 2 * 9 + 3 * 4 + 2 + 3)
    assert from_wire(TwoWords, data) == message
    monkeypatch.setattr(cbor, "ITEMS", cbor.ITEMS - 1)
    with pytest.raises(ProtocolError, match="more than"):
        from_wire(TwoWords, data)


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


def test_a_class_with_other_types_is_no_message():
    @dataclass(frozen=True)
    class Wrong:
        value: float

    with pytest.raises(TypeError, match="float"):
        from_wire(Wrong, cbor.encode({"type": "wrong", "value": 1}))
