"""Quality against epsilon: what is trained, what is made of it, and that nothing is charged."""

import statistics
from dataclasses import replace

import pytest
from small_comparisons import small_comparison

from hedgerow.comparison.curve import Point
from hedgerow.comparison.result import Plan
from hedgerow.errors import ConfigError
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.accounting import multiplier_for
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

POLICY = Policy(epsilon=2.0, delta=1e-5, clip=3.0)
PLAN = Plan(contenders=(), watch=False, curve=(1.0, 8.0, 2.0), curve_seeds=3)
BARE = replace(PLAN, curve=())


@pytest.fixture(scope="module")
def curve():
    return small_comparison(Popularity(), policy=POLICY, plan=PLAN, seed=4).curve


def test_every_epsilon_is_trained_for_every_seed_the_largest_first(curve):
    assert [point.epsilon for point in curve.points] == [8.0, 2.0, 1.0]
    assert curve.without.epsilon is None
    assert curve.seeds == (4, 5, 6)
    for point in (curve.without, *curve.points):
        assert set(point.values) == {"ndcg@5", "hr@5"}
        assert all(len(values) == 3 for values in point.values.values())


def test_the_noise_is_what_the_accountant_asks_for(curve):
    assert curve.delta == 1e-5
    assert curve.without.multiplier == 0
    for point in curve.points:
        assert point.multiplier == pytest.approx(multiplier_for(point.epsilon, 1e-5))


def test_noise_differs_by_seed_and_plain_counting_does_not(curve):
    assert len(set(curve.without.values["ndcg@5"])) == 1
    assert len(set(curve.points[-1].values["ndcg@5"])) > 1


def test_without_noise_it_is_what_a_run_without_a_policy_reaches(curve):
    plain = small_comparison(Popularity(), plan=BARE, seed=4)
    reached = plain.contenders["federated"].evaluation.values
    for name in ("ndcg@5", "hr@5"):
        assert curve.without.values[name][0] == pytest.approx(reached[f"full/{name}"])


def test_the_mean_and_its_interval_are_those_of_student():
    values = (0.10, 0.13, 0.11)
    point = Point(1.0, 3.7, {"ndcg@5": values, "hr@5": (0.2,)})
    # The 97.5 % point of Student's t with two degrees of freedom, from printed tables.
    half = 4.30265 * statistics.stdev(values) / 3**0.5
    middle = statistics.fmean(values)
    assert point.mean("ndcg@5") == pytest.approx(middle)
    assert point.interval("ndcg@5") == pytest.approx((middle - half, middle + half), rel=1e-5)
    assert point.interval("hr@5") is None


def test_nothing_of_it_is_charged(tmp_path):
    files = []
    for name, plan in (("with", PLAN), ("bare", BARE)):
        ledger = Ledger(tmp_path / f"{name}.jsonl")
        found = small_comparison(
            Popularity(), policy=POLICY, plan=plan, ledger=ledger, noise_seed=5
        )
        files.append((found, Ledger(tmp_path / f"{name}.jsonl").entries))
    (traced, charged), (bare, expected) = files
    assert [(e.name, e.epsilon) for e in charged] == [(e.name, e.epsilon) for e in expected]
    assert len(charged) == len(traced.releases) == 1
    assert (
        traced.contenders["federated"].evaluation.values
        == bare.contenders["federated"].evaluation.values
    )
    assert bare.curve is None


def test_the_server_adds_its_noise_whatever_secures_the_run(curve):
    secured = replace(POLICY, secure="split")
    found = small_comparison(Popularity(), policy=secured, plan=PLAN, seed=4)
    assert found.policy.secure == "split"
    assert found.curve == curve


def test_a_curve_needs_no_promise():
    found = small_comparison(ALS(dimension=4, rounds=2), plan=replace(PLAN, curve_seeds=1))
    assert found.releases == ()
    assert [len(p.values["hr@5"]) for p in found.curve.points] == [1, 1, 1]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"curve": (2.0, -1.0)}, "above 0"),
        ({"curve": (2.0, float("nan"))}, "above 0"),
        ({"curve": (2.0, 2.0)}, "twice"),
        ({"curve": (2.0,), "curve_seeds": 0}, "at least one seed"),
        ({"curve": (2.0,), "patience": 2}, "does not go with a patience"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Plan(**asked)


def test_a_budget_that_cannot_be_planned_is_refused_before_anything_is_trained(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(ConfigError, match="clip"):
        small_comparison(Popularity(), policy=Policy(unit="silo"), plan=PLAN, ledger=ledger)
    assert not ledger.entries
