"""What privacy costs: the kinds of steps, their bytes, and that measuring leaves no trace."""

from dataclasses import replace

import pytest
from small_comparisons import small_comparison

from hedgerow.comparison.costs import kind_of
from hedgerow.comparison.result import Plan
from hedgerow.federation.clients import Participation
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.models.sequence import Sequence
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

BARE = Plan(contenders=(), watch=False)
POLICY = Policy(epsilon=4.0, clip=2.0)
SMALL = Sequence(dimensions=(4, 3), decays=(0.5, 0.8), fourier=5, vector_rounds=3)


def test_rounds_of_one_kind_are_told_by_their_names():
    assert kind_of("improve item vectors (3 of 12)") == "improve item vectors"
    assert kind_of("component 1: read out") == "component 1: read out"
    assert kind_of("count (1 of 2) things") == "count (1 of 2) things"


def test_each_kind_of_step_is_measured_once():
    found = small_comparison(SMALL, policy=POLICY, plan=BARE)
    names = [kind_of(r.step) for r in found.contenders["federated"].rounds]
    assert [cost.step for cost in found.costs] == list(dict.fromkeys(names))
    assert {cost.step: cost.sums for cost in found.costs} == {n: names.count(n) for n in names}
    for cost in found.costs:
        assert min(cost.seconds, cost.plain_seconds, cost.seconds_as_run) > 0
        assert cost.bytes_up == cost.plain_bytes > 0


def test_the_ledger_holds_what_the_run_released_and_no_more():
    ledger = Ledger()
    found = small_comparison(ALS(dimension=4, rounds=3), policy=POLICY, plan=BARE, ledger=ledger)
    assert found.costs
    assert tuple(ledger.entries) == found.releases
    assert len(found.releases) == 3


def test_a_clip_that_has_to_be_found_sends_more():
    found = small_comparison(Popularity(), policy=replace(POLICY, clip=None), plan=BARE)
    (cost,) = found.costs
    assert len(found.releases) == 2
    assert cost.bytes_up > cost.plain_bytes


@pytest.mark.parametrize(
    "policy",
    [replace(POLICY, secure="split"), Policy(secure="pairwise", clip=9.0)],
    ids=lambda policy: policy.secure,
)
def test_secured_sums_are_those_of_the_run(policy):
    found = small_comparison(Popularity(), policy=policy, plan=BARE)
    (cost,), (happened,) = found.costs, found.contenders["federated"].rounds
    assert cost.seconds == cost.seconds_as_run == happened.seconds
    assert cost.bytes_up == happened.bytes_up
    assert cost.plain_bytes == 4 * (20 + 1)


def test_a_sum_over_several_cohorts_is_one_sum():
    third = Participation(share=0.5, seed=1)
    found = small_comparison(Popularity(), policy=POLICY, plan=BARE, participation=third)
    assert len(found.contenders["federated"].rounds) == 2
    assert [cost.sums for cost in found.costs] == [1]


def test_without_a_policy_there_is_nothing_to_measure():
    assert small_comparison(Popularity(), plan=BARE).costs == ()
