"""Terms, their name, the keys that hang on it, and what a client insists on."""

import dataclasses
import hmac

import pytest

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.secure.parameters import Assumptions
from hedgerow.privacy.secure.session import (
    MOST_CLIENTS,
    Floor,
    Terms,
    derive,
    pairwise_terms,
    sid,
)
from hedgerow.privacy.secure.wire import from_wire, to_wire

ASSUMED = Assumptions(0.2, 0.1, semi_malicious=True)
FLOOR = Floor(minimum=500, adversaries=0.2, dropouts=0.1)
TERMS = pairwise_terms(
    task="als",
    round=7,
    words=101,
    bits=32,
    clients=1_000,
    minimum=500,
    model=b"m" * 32,
    config=b"c" * 32,
    assumptions=ASSUMED,
)
SPLIT = dataclasses.replace(TERMS, mode="split", neighbours=0, threshold=0)


def refusal(call, *args):
    with pytest.raises(ProtocolError) as refused:
        call(*args)
    return refused.value.code


def test_terms_pass_the_wire():
    assert from_wire(Terms, to_wire(TERMS)) == TERMS
    assert (TERMS.neighbours, TERMS.threshold) == (140, 104)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Terms)])
def test_every_term_is_in_the_name(field):
    changes = {
        "mode": SPLIT,
        "task": "other",
        "minimum": 499,
        "neighbours": 142,
        "threshold": 105,
        "consistency": True,
        "model": b"M" * 32,
        "config": b"C" * 32,
        "clients": 1_001,
        "bits": 33,
    }
    value = changes.get(field, 9)
    other = value if field == "mode" else dataclasses.replace(TERMS, **{field: value})
    assert len(sid(TERMS)) == 32
    assert sid(other) != sid(TERMS)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "plain"},
        {"words": 1},
        {"bits": 8},
        {"bits": 65},
        {"minimum": 1},
        {"minimum": 1_001},
        {"model": b"short"},
        {"neighbours": 141},
        {"neighbours": 1_000},
        {"threshold": 0},
        {"threshold": 141},
        {"mode": "split"},
        {"clients": MOST_CLIENTS + 1},
    ],
)
def test_terms_that_contradict_themselves(change):
    assert refusal(lambda: dataclasses.replace(TERMS, **change)) == "bad-terms"


def hkdf(secret, salt, info, length):
    """RFC 5869 with nothing but HMAC."""
    key = hmac.digest(salt, secret, "sha256")
    first = hmac.digest(key, info + b"\1", "sha256")
    return (first + hmac.digest(key, first + info + b"\2", "sha256"))[:length]


@pytest.mark.parametrize("length", [32, 64])
def test_keys_are_derived_as_rfc_5869_says(length):
    session = sid(TERMS)
    info = b"hedgerow/derive/v1\0purpose\0context"
    assert derive(b"s" * 16, session, "purpose", b"context", length) == hkdf(
        b"s" * 16, session, info, length
    )


def test_no_two_uses_have_a_key_in_common():
    session, other = sid(TERMS), sid(SPLIT)
    keys = {
        derive(b"s" * 16, session, "a"),
        derive(b"s" * 16, session, "b"),
        derive(b"s" * 16, session, "a", b"context"),
        derive(b"s" * 16, other, "a"),
        derive(b"t" * 16, session, "a"),
        # alike in their first, and in their last, 32 bits
        derive(b"s" * 15 + b"t", session, "a"),
        derive(b"t" + b"s" * 15, session, "a"),
    }
    assert len(keys) == 7


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"minimum": 499}, "weak-minimum"),
        ({"threshold": 103}, "weak-threshold"),
        ({"neighbours": 138, "threshold": 101}, "weak-threshold"),
        ({"neighbours": 20, "threshold": 19}, "weak-threshold"),
    ],
)
def test_weaker_terms_are_refused(change, code):
    FLOOR.check(TERMS)
    assert refusal(FLOOR.check, dataclasses.replace(TERMS, **change)) == code


def test_stronger_terms_are_taken():
    FLOOR.check(dataclasses.replace(TERMS, threshold=110, minimum=600))
    FLOOR.check(dataclasses.replace(TERMS, neighbours=150, threshold=115))
    Floor(minimum=2, adversaries=0.2, dropouts=0.1, semi_malicious=False).check(TERMS)


def test_the_floor_looks_at_the_roster_too():
    FLOOR.check(TERMS, 1_000)
    FLOOR.check(TERMS, 900)
    assert refusal(FLOOR.check, TERMS, 499) == "bad-roster"
    assert refusal(FLOOR.check, TERMS, 1_001) == "bad-roster"


def test_modes_and_consistency():
    FLOOR.check(SPLIT)
    only_pairwise = dataclasses.replace(FLOOR, modes=("pairwise",))
    assert refusal(only_pairwise.check, SPLIT) == "weak-mode"
    signed = dataclasses.replace(FLOOR, consistency=True)
    assert refusal(signed.check, TERMS) == "weak-consistency"
    signed.check(dataclasses.replace(TERMS, consistency=True))


def test_more_contributors_than_clients_cannot_be():
    with pytest.raises(ConfigError, match="needs more"):
        pairwise_terms(
            task="t",
            round=0,
            words=2,
            bits=32,
            clients=10,
            minimum=11,
            model=bytes(32),
            config=bytes(32),
        )
