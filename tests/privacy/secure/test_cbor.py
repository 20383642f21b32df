"""One value, one encoding; hostile bytes end in a named error."""

import time
from dataclasses import dataclass

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import cbor

integers = st.integers(-(1 << 64), (1 << 64) - 1)
keys = st.one_of(integers, st.binary(max_size=40), st.text(max_size=40))
scalars = st.one_of(keys, st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)

# Appendix A of RFC 8949, without what a message cannot hold.
APPENDIX = {
    "00": 0,
    "17": 23,
    "1818": 24,
    "1903e8": 1000,
    "1a000f4240": 1_000_000,
    "1b000000e8d4a51000": 1_000_000_000_000,
    "1bffffffffffffffff": 18446744073709551615,
    "3bffffffffffffffff": -18446744073709551616,
    "20": -1,
    "3863": -100,
    "f4": False,
    "f5": True,
    "f6": None,
    "40": b"",
    "4401020304": b"\x01\x02\x03\x04",
    "60": "",
    "6449455446": "IETF",
    "62c3bc": "ü",
    "64f0908591": "\U00010151",
    "80": [],
    "8301820203820405": [1, [2, 3], [4, 5]],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": list(range(1, 26)),
    "a0": {},
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
}


@pytest.mark.parametrize(("encoded", "value"), APPENDIX.items())
def test_the_examples_of_the_rfc(encoded, value):
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == value


def test_keys_are_in_the_bytewise_order_of_the_rfc():
    # The example of section 4.2.1, as far as keys go that a message can have.
    keys_in_order = [10, 100, -1, "z", "aa"]
    encoded = cbor.encode(dict.fromkeys(reversed(keys_in_order), 0))
    assert encoded.hex() == "a50a0018640020" + "00" + "617a" + "00" + "626161" + "00"
    assert list(cbor.decode(encoded)) == keys_in_order


@given(values)
def test_values_come_back_and_another_library_reads_them(value):
    encoded = cbor.encode(value)
    assert cbor.decode(encoded) == value
    assert cbor2.loads(encoded) == value


def canonical_or_refused(data):
    try:
        value = cbor.decode(data)
    except ProtocolError as problem:
        return problem.code == "bad-encoding" and str(problem).endswith(".")
    return cbor.encode(value) == data


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_canonical_or_refused(data):
    assert canonical_or_refused(data)


@given(values, st.data())
def test_a_damaged_message_is_canonical_or_refused(value, data):
    encoded = bytearray(cbor.encode(value))
    at = data.draw(st.integers(0, len(encoded) - 1))
    if data.draw(st.booleans()):
        encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del encoded[at:]
    assert canonical_or_refused(bytes(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        "",  # nothing
        "0000",  # two values
        "1817",  # 23 in two bytes
        "1900ff",  # 255 in three
        "1a0000ffff",
        "1b00000000ffffffff",
        "5803010203",  # a length that is too long
        "5f4101ff",  # indefinite lengths
        "7f6161ff",
        "9f01ff",
        "bf616101ff",
        "ff",
        "1c",  # reserved
        "a2616201616101",  # keys out of order
        "a2616101616102",  # a key twice
        "a2626161016162" + "02",  # the longer key first
        "a18001",  # keys that are lists, booleans, nothing
        "a1f501",
        "a1f601",
        "c249010000000000000000",  # tags: a big number, a date, a regular expression, sharing
        "c074323031332d30332d32315432303a30343a30305a",
        "d823632e2a2a",
        "d81c80",
        "f90000",  # floats
        "fa47c35000",
        "fb3ff199999999999a",
        "f7",  # undefined
        "f0",  # simple values
        "f818",
        "f814",
        "61ff",  # not UTF-8
        "63eda080",  # a surrogate
        "41",  # too short
        "8101" + "01",
        "8201",
        "5b1000000000000000",  # 2**60 bytes
        "9b1000000000000000",  # 2**60 values
        "bb8000000000000000",  # 2**63 pairs
        "bb1000000000000000" + "00" * 100,
        "81" * 17 + "00",  # too deep
        "81" * 100_000,
        "a100" * 100_000,
    ],
)
def test_what_is_not_canonical_is_refused(encoded):
    with pytest.raises(ProtocolError) as problem:
        cbor.decode(bytes.fromhex(encoded))
    assert problem.value.code == "bad-encoding"


def test_values_are_counted_however_they_are_nested():
    inner = b"\x99" + (1 << 15).to_bytes(2, "big") + bytes(1 << 15)
    with pytest.raises(ProtocolError, match="more than"):
        cbor.decode(b"\x85" + inner * 5)


@dataclass(frozen=True)
class Pair:
    longer: object
    key: object = None


def test_a_dataclass_is_the_map_of_its_fields():
    value = [Pair(Pair(b"x"), (1, Pair(2)))]
    inner = {"key": [1, {"key": None, "longer": 2}], "longer": {"key": None, "longer": b"x"}}
    assert cbor.encode(value) == cbor.encode([inner])
    for wrong in (Pair, Pair(1.0), Pair({1, 2})):
        with pytest.raises(TypeError):
            cbor.encode(wrong)


def test_a_reader_stays_where_it_meets_something_else():
    reader = cbor.Reader(cbor.encode([7, "x"]))
    assert not reader.passes(b"\x81")
    assert reader.head(cbor.LIST) == 2
    assert reader.head(cbor.LIST) is None
    assert reader.head(cbor.UNSIGNED) == 7
    with pytest.raises(ProtocolError, match="follow"):
        reader.finish()
    assert reader.value() == "x"
    reader.finish()


@pytest.mark.parametrize(
    "value",
    [1.0, 1 << 64, -(1 << 64) - 1, {1.0: 1}, {True: 1}, {None: 1}, {(): 1}, object(), {1, 2}],
)
def test_what_has_no_place_is_not_written(value):
    with pytest.raises((TypeError, ValueError)):
        cbor.encode(value)
    with pytest.raises((TypeError, ValueError)):
        cbor.encode([value])


def test_a_list_in_itself_is_not_written():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="deeper"):
        cbor.encode(value)


def test_large_payloads_cost_a_copy():
    value = {"payload": bytes(16_000_000)}
    started = time.process_time()
    assert cbor.decode(cbor.encode(value)) == value
    assert time.process_time() - started < 0.5
