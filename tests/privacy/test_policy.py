"""A policy says what it promises, refuses what makes no sense, and survives being written down."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.privacy.policy import MODES, MOST_CLIENTS, Policy

shares = st.floats(0, 0.49)
policies = st.builds(
    Policy,
    epsilon=st.floats(1e-3, 1e3),
    delta=st.none() | st.floats(1e-12, 0.5),
    secure=st.sampled_from(MODES),
    unit=st.just("user"),
    clients_per_person=st.integers(1, MOST_CLIENTS),
    clip=st.none() | st.floats(1e-6, 1e6),
    minimum=st.integers(2, 10_000),
    adversaries=shares,
    dropouts=shares,
    semi_malicious=st.booleans(),
)


@given(policies)
def test_it_is_the_same_after_being_written_as_json(policy):
    again = Policy.from_json(json.loads(json.dumps(policy.to_json())))
    assert again == policy
    assert again.digest() == policy.digest()


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("epsilon", 3.0),
        ("delta", 1e-7),
        ("secure", "split"),
        ("unit", "silo"),
        ("clients_per_person", 2),
        ("clip", 2.0),
        ("minimum", 21),
        ("adversaries", 0.3),
        ("dropouts", 0.3),
        ("semi_malicious", False),
    ],
)
def test_every_part_changes_the_digest(part, other):
    policy = Policy(epsilon=2.0)
    assert {f.name for f in fields(Policy)} >= {part}
    assert replace(policy, **{part: other}).digest() != policy.digest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon": 0.0},
        {"epsilon": -1.0},
        {"epsilon": float("nan")},
        {"epsilon": float("inf")},
        {"epsilon": 1.0, "delta": 0.0},
        {"epsilon": 1.0, "delta": 1.0},
        {"epsilon": 1.0, "delta": float("nan")},
        {"delta": 1e-5},
        {"secure": "masks"},
        {"unit": "household"},
        {"clip": 0.0},
        {"clip": float("inf")},
        {"minimum": 1},
        {"clients_per_person": 0},
        {"clients_per_person": 101},
        {"clients_per_person": 1.5},
        {"clients_per_person": True},
        {"unit": "silo", "clients_per_person": 2},
        {"adversaries": 1.0},
        {"dropouts": -0.1},
        {"adversaries": 0.6, "dropouts": 0.5},
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(wrong):
    with pytest.raises(ConfigError) as refused:
        Policy(**wrong)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("change", [{"epsilon": None, "budget": 3}, {"epsilon": "two"}])
def test_a_file_with_other_parts_or_types_is_refused(change):
    with pytest.raises(ConfigError, match="policy"):
        Policy.from_json({**Policy().to_json(), **change})


def test_a_part_that_is_missing_is_refused():
    with pytest.raises(ConfigError, match="epsilon"):
        Policy.from_json({k: v for k, v in Policy().to_json().items() if k != "epsilon"})


@pytest.mark.parametrize(
    ("mode", "maker"), [("none", "server"), ("pairwise", "clients"), ("split", "servers")]
)
def test_nobody_is_trusted_with_more_noise_than_the_mode_trusts(mode, maker):
    assert Policy(secure=mode).noise_by == maker
