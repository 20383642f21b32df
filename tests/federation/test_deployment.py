"""Who the servers are: one file, one fingerprint, and nothing that is nearly it."""

import hashlib
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.federation.deployment import KEYS, Deployment, digits_of

KNOWN = Deployment("https://shop.example:8443", *(bytes([n]) * 32 for n in range(1, 5)))
ALONE = Deployment("https://shop.example:8443", KNOWN.authority, KNOWN.coordinator)


@pytest.mark.parametrize("one", [KNOWN, ALONE])
def test_it_is_read_back_as_it_was_written(one):
    assert Deployment.from_json(one.to_json()) == one


def test_the_fingerprint_is_a_hash_of_the_canonical_form():
    fields = [f'"{name}":"{getattr(KNOWN, name).hex()}"' for name in sorted(KEYS)]
    fields.insert(1, '"audience":"https://shop.example:8443"')
    canonical = "{" + ",".join(sorted(fields)) + "}"
    found = hashlib.sha256(b"hedgerow/deployment/v1\0" + canonical.encode()).hexdigest()
    assert KNOWN.fingerprint.replace(" ", "") == found
    assert re.fullmatch(r"([0-9a-f]{4} ){15}[0-9a-f]{4}", KNOWN.fingerprint)


def test_every_part_is_in_the_fingerprint():
    others = [replace(KNOWN, **{name: bytes([9]) * 32}) for name in KEYS]
    others += [replace(KNOWN, audience="https://shop.example"), ALONE]
    assert len({one.fingerprint for one in [KNOWN, *others]}) == len(others) + 1
    for other in others:
        with pytest.raises(ConfigError, match="offers other keys"):
            other.check(KNOWN.fingerprint)


@given(st.sampled_from(["", " ", ":", "-", "\n", " - "]), st.booleans())
def test_a_fingerprint_may_be_written_as_people_do(between, upper):
    text = between.join(KNOWN.fingerprint.split())
    KNOWN.check(text.upper() if upper else text)


@pytest.mark.parametrize("text", ["", "ab", "z" * 64, "0" * 63, "0" * 65, "٠" * 64])
def test_what_is_no_fingerprint_is_refused(text):
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        digits_of(text)


@pytest.mark.parametrize(
    "change",
    [
        {"authority": None},
        {"coordinator": "ab"},
        {"coordinator": "AB" * 32},
        {"helper": None},
        {"sealing": 7},
        {"audience": ""},
        {"audience": None},
        {"more": 1},
        {"helper": "02" * 32},
    ],
)
def test_what_is_nearly_a_deployment_is_refused(change):
    with pytest.raises(ConfigError):
        Deployment.from_json(json.dumps({**KNOWN.to_values(), **change}))


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", "{", "[" * 10_000, b"\xff"])
def test_what_is_no_deployment_is_refused(text):
    with pytest.raises(ConfigError, match="not the deployment"):
        Deployment.from_json(text)
