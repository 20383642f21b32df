"""The search of messages: it finds what is there, wherever it stands, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.privacy.audits.wire import SHOWN, Search, searchable, shortest_name, windows
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import cbor

RANDOM = np.random.default_rng(5)
KEY = RANDOM.bytes(32)
NAMES = {"B0017": "the item id", "7": "the item id", "someone@example.org": "the user id"}


def search():
    return Search(NAMES, shortest_name(len(NAMES), 1 << 40))


@given(st.integers(0, 200), st.integers(0, 60), st.sampled_from([8, 13, 16, 32, 64]))
def test_a_secret_is_found_wherever_it_stands(before, after, length):
    rng = np.random.default_rng(before)
    secret = rng.bytes(length)
    looking = search()
    looking.hide(secret, "the seed")
    looking.look(rng.bytes(before) + secret + rng.bytes(after), "a report")
    assert looking.findings == [f"the seed stands in a report at byte {before}"]


def test_a_part_of_a_secret_is_no_finding():
    looking = search()
    looking.hide(KEY, "the key")
    for part in (KEY[:-1], KEY[1:], KEY[:8], KEY[8:16] * 4, b"", b"\x01"):
        looking.look(part, "a report")
    assert looking.found == 0
    assert looking.messages == 6


def test_random_bytes_hold_nothing():
    looking = search()
    for _ in range(2000):
        looking.hide(RANDOM.bytes(16), "a key")
    looking.look(RANDOM.bytes(1 << 21), "a report")
    assert looking.found == 0
    assert looking.searched == 1 << 21


def test_short_names_are_looked_for_as_values_only():
    looking = search()
    looking.look(cbor.encode({"type": "report", "item": "B0017", "words": b"xx7xx B0017 xx"}), "it")
    looking.look(cbor.encode({"type": "7", "7": 3, "list": [b"7", {"deep": "7"}]}), "that")
    assert looking.findings[0] == "the item id 'B0017' stands in it as a value of its own"
    assert looking.found == 3


def test_long_names_are_looked_for_anywhere():
    looking = search()
    looking.look(b"\xff\xfe mail to someone@example.org", "a report")
    assert looking.findings == ["the user id 'someone@example.org' stands in a report at byte 11"]


def test_names_are_long_where_chance_is_slim():
    assert shortest_name(1, 1) == 8
    for names, searched in ((3_000, 1 << 40), (10**7, 1 << 50)):
        length = shortest_name(names, searched)
        assert (
            names * searched * 256.0**-length < 2**-20 <= names * searched * 256.0 ** (1 - length)
        )


def test_a_clear_vector_is_found_and_a_masked_one_is_not():
    ring = Ring(21)
    clear = ring.encode(RANDOM.integers(-1000, 1000, 5000))
    mask = RANDOM.integers(0, 1 << 21, 5000).astype(np.uint32)
    looking = search()
    looking.hide_vector(ring.pack(clear), "the vector of client 3")
    looking.look(cbor.encode({"masked": ring.pack(clear + mask)}), "a report")
    assert looking.found == 0
    looking.look(cbor.encode({"masked": ring.pack(clear)}), "a report")
    assert "the vector of client 3 stands in a report" in looking.findings[0]


def test_stretches_without_variety_are_left_out():
    assert list(windows(bytes(10_000))) == []
    assert list(windows(b"\xff\x00" * 500)) == []
    varied = RANDOM.bytes(64)
    assert list(windows(bytes(640) + varied + bytes(640))) == [varied]
    assert len(list(windows(RANDOM.bytes(100_000)))) == 16


def test_findings_are_counted_beyond_those_shown():
    looking = search()
    looking.hide(KEY, "the key")
    for _ in range(100):
        looking.look(KEY * 2, "a report")
    assert len(looking.findings) == SHOWN
    assert looking.found == 100


def test_words_of_the_protocol_are_no_names():
    assert searchable(["masked", "mask", "", "B1"], ["masked", "report"]) == ["B1"]


@pytest.mark.parametrize("message", [b"", b"\xff", b"\x81" * 40])
def test_what_is_not_cbor_is_searched_all_the_same(message):
    looking = search()
    looking.look(message, "noise")
    assert looking.found == 0
