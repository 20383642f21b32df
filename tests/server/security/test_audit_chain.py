"""The audit log's chain: whatever is changed is found, by whoever has the public key alone."""

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.identity import public
from hedgerow.server.security import audit_chain, audit_log
from hedgerow.server.security.audit_chain import Head, Line, canonical, digest, sign, verify

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (4, 5))
PUBLIC = public(KEY)


def chain(count, who="anna"):
    lines = []
    for number in range(1, count + 1):
        previous = digest(lines[-1]) if lines else ""
        event = (who, "enrol-client", f"client {number} \u00e9\n", "done")
        lines.append(canonical(Line(number, 1000 * number, *event, previous)))
    return lines


def headed(lines, key=KEY):
    return sign(key, len(lines), digest(lines[-1]))


LINES = chain(6)
HEAD = headed(LINES)
FILE = b"".join(line + b"\n" for line in [*LINES, canonical(HEAD)])


def check(lines, head=HEAD, **options):
    return verify(lines, head, PUBLIC, **options)


def refused(work, *codes):
    with pytest.raises(ProtocolError) as error:
        work()
    assert error.value.code in (codes or ("bad-audit-log",))


def test_a_log_as_written_is_whole():
    assert [line.number for line in check(LINES)] == [1, 2, 3, 4, 5, 6]
    assert check(LINES)[2].on == "client 3 \u00e9\n"


def test_lines_and_heads_are_as_documented():
    """Against the standard library and the signature scheme alone."""
    for before, line in zip([None, *LINES], LINES, strict=False):
        values = json.loads(line)
        assert line == json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        assert values["previous"] == (hashlib.sha256(before).hexdigest() if before else "")
    signed = b"hedgerow/audit-head/v1\0" + (6).to_bytes(8, "big")
    signed += hashlib.sha256(LINES[-1]).hexdigest().encode()
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(bytes.fromhex(HEAD.signature), signed)


@given(place=st.integers(0, len(FILE) - 1), byte=st.integers(0, 255))
def test_any_byte_that_is_edited_is_found(place, byte):
    if FILE[place] == byte:
        byte ^= 1
    edited = FILE[:place] + bytes([byte]) + FILE[place + 1 :]
    refused(lambda: check(*audit_log.parse(edited)), "bad-audit-log", "bad-signature")


@pytest.mark.parametrize("flip", [1, 32])
def test_every_place_is_covered(flip):
    """Also the case of every letter, which readers of hexadecimal tend to let pass."""
    for place, byte in enumerate(FILE):
        edited = FILE[:place] + bytes([byte ^ flip]) + FILE[place + 1 :]
        refused(lambda e=edited: check(*audit_log.parse(e)), "bad-audit-log", "bad-signature")


@given(place=st.integers(0, len(FILE)), byte=st.integers(0, 255))
def test_any_byte_put_in_or_taken_out_is_found(place, byte):
    for edited in (
        FILE[:place] + bytes([byte]) + FILE[place:],
        FILE[:place] + FILE[place + 1 :],
    ):
        if edited != FILE:
            refused(lambda e=edited: check(*audit_log.parse(e)), "bad-audit-log", "bad-signature")


@pytest.mark.parametrize("number", range(6))
def test_a_line_taken_out_is_found(number):
    refused(lambda: check(LINES[:number] + LINES[number + 1 :]))


@given(st.permutations(range(6)))
def test_another_order_is_found(order):
    if list(order) != sorted(order):
        refused(lambda: check([LINES[number] for number in order]))


@pytest.mark.parametrize("number", range(7))
def test_a_line_put_in_is_found(number):
    extra = canonical(Line(number + 1, 0, "eve", "enrol-client", "a", "done", ""))
    for line in (extra, LINES[0]):
        refused(lambda line=line: check([*LINES[:number], line, *LINES[number:]]))


@pytest.mark.parametrize("kept", range(6))
def test_a_log_cut_off_is_found_by_the_head(kept):
    refused(lambda: check(LINES[:kept]))


def test_a_log_written_anew_is_found_by_the_signature():
    other = chain(6, "eve")
    refused(lambda: check(other))
    refused(lambda: check(other, headed(other, OTHER)), "bad-signature")
    refused(lambda: check(other, replace(HEAD, hash=digest(other[-1]))), "bad-signature")
    refused(lambda: check(LINES[:3], replace(HEAD, number=3)), "bad-signature")


def test_an_earlier_state_is_found_by_a_head_kept_elsewhere():
    """The coordinator itself signed it, so that only what others kept tells."""
    earlier = headed(LINES[:3])
    assert check(LINES, earlier=earlier)
    assert check(LINES, earlier=HEAD)
    assert check(LINES[:3], earlier)
    refused(lambda: check(LINES[:3], earlier, earlier=HEAD))
    other = chain(6, "eve")
    refused(lambda: check(other, headed(other), earlier=earlier))
    refused(lambda: check(LINES, earlier=replace(earlier, number=2)), "bad-signature")


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": -1},
        {"number": 2**70},
        {"number": "6"},
        {"number": 6.0},
        {"number": True},
        {"signature": ""},
        {"signature": HEAD.signature.upper()},
        {"signature": "zz"},
        {"signature": None},
        {"hash": 3},
        {"more": 1},
    ],
)
def test_a_head_of_another_form_is_refused(change):
    data = json.dumps({**vars(HEAD), **change}, sort_keys=True, separators=(",", ":")).encode()
    refused(
        lambda: check(LINES, audit_chain.read(Head, data, "The head")),
        "bad-audit-log",
        "bad-signature",
    )


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"3", b"\xff", b"[" * 100_000, b"1" * 5000, b'{"number":NaN}', b"{}"]
)
def test_what_is_no_line_is_refused(data):
    refused(lambda: audit_chain.read(Line, data, "Line 1"))
    refused(lambda: audit_log.parse(data))
    refused(lambda: audit_log.parse(data + b"\n"))
