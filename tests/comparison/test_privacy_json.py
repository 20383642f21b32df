"""The JSON of what was promised, spent and cost: its names, and its numbers as they were."""

import json

import pytest
from small_comparisons import small_comparison

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.result import Plan
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

NAMES = {
    "epsilon",
    "epsilon_allowed",
    "delta",
    "unit",
    "clients_per_person",
    "mechanism",
    "noise_by",
    "noise_multiplier",
    "sampling",
    "accountant",
    "secure",
    "policy",
    "covers",
    "noise_seed",
    "releases",
    "ledger",
    "costs",
    "curve",
    "audit",
}
PROMISED = {"epsilon", "epsilon_allowed", "delta", "unit", "mechanism", "noise_by", "sampling"}
PROMISED |= {"clients_per_person"}


@pytest.fixture(scope="module")
def comparison():
    plan = Plan(contenders=(), watch=False, curve=(4.0, 1.0), curve_seeds=2)
    return small_comparison(ALS(dimension=4, rounds=2), policy=Policy(epsilon=3.0), plan=plan)


@pytest.fixture(scope="module")
def privacy(comparison):
    return as_json(comparison)["privacy"]


def test_the_names_are_those_that_others_rely_on(privacy):
    assert set(privacy) == NAMES
    assert set(privacy["ledger"][0]) == {
        "step",
        "mechanism",
        "noise_by",
        "noise_multiplier",
        "bound",
        "sigma",
        "epsilon",
        "delta",
        "at",
    }
    assert set(privacy["costs"][0]) == {
        "step",
        "sums",
        "plain_seconds",
        "seconds",
        "seconds_as_run",
        "plain_bytes",
        "bytes_up",
    }
    curve = privacy["curve"]
    assert set(curve) == {"delta", "noise_by", "seeds", "points", "without_noise"}
    assert set(curve["points"][0]) == {"epsilon", "noise_multiplier", "metrics"}
    for metrics in (curve["without_noise"], curve["points"][0]["metrics"]):
        assert set(metrics) == {"ndcg@5", "hr@5"}
        assert set(metrics["hr@5"]) == {"mean", "interval", "values"}


def test_the_numbers_are_those_of_the_ledger(comparison, privacy):
    assert privacy["releases"] == len(privacy["ledger"]) == len(comparison.releases) == 3
    for told, entry in zip(privacy["ledger"], comparison.releases, strict=True):
        assert (told["step"], told["epsilon"]) == (entry.step, entry.epsilon)
        assert told["sigma"] == pytest.approx(told["noise_multiplier"] * told["bound"])
    assert privacy["epsilon"] == privacy["ledger"][-1]["epsilon"] <= 3.0
    assert privacy["epsilon_allowed"] == 3.0
    assert (privacy["unit"], privacy["mechanism"], privacy["noise_by"]) == (
        "user",
        "gaussian",
        "server",
    )


def test_the_curve_is_the_one_that_was_measured(comparison, privacy):
    measured, told = comparison.curve, privacy["curve"]
    assert [point["epsilon"] for point in told["points"]] == [4.0, 1.0]
    for point, figures in zip(measured.points, told["points"], strict=True):
        assert figures["metrics"]["hr@5"]["values"] == list(point.values["hr@5"])
        assert figures["metrics"]["hr@5"]["mean"] == point.mean("hr@5")
        assert figures["metrics"]["hr@5"]["interval"] == list(point.interval("hr@5"))


def test_it_survives_the_way_through_json(comparison):
    facts = as_json(comparison)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_what_was_not_promised_is_null():
    plain = as_json(small_comparison(Popularity(), plan=Plan(contenders=())))["privacy"]
    assert set(plain) == NAMES
    assert {plain[name] for name in PROMISED} == {None}
    assert (plain["ledger"], plain["costs"], plain["curve"], plain["audit"]) == ([], [], None, None)
    assert plain["secure"] == "none"


def test_a_budget_shared_by_two_runs_tells_what_both_spent():
    ledger, plan = Ledger(), Plan(contenders=(), watch=False)
    first, second = (
        as_json(
            small_comparison(
                Popularity(),
                policy=Policy(epsilon=epsilon, clip=2.0, delta=1e-5),
                ledger=ledger,
                shared=True,
                plan=plan,
            )
        )["privacy"]
        for epsilon in (1.0, 2.0)
    )
    assert len(ledger.entries) == 2
    assert [len(told["ledger"]) for told in (first, second)] == [1, 1]
    assert first["epsilon"] <= 1.0 < second["epsilon"] <= 2.0
