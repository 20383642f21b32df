"""Plans spend what is allowed, no more, and split it as the steps ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, PolicyError
from hedgerow.privacy.accounting import default_delta
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.privacy.planning import NORMS_SHARE, plan_noise
from hedgerow.privacy.policy import MODES, Policy
from hedgerow.privacy.releases import Release, epsilon_spent

charge_lists = st.lists(
    st.builds(Charge, share=st.floats(0.01, 10), bound=st.none() | st.floats(0.01, 10)),
    min_size=1,
    max_size=6,
)


@given(charge_lists, st.sampled_from(MODES), st.sampled_from([0.3, 1.0, 4.0]))
def test_all_releases_together_spend_what_is_allowed_and_hardly_less(charges, mode, epsilon):
    plan = plan_noise(Policy(epsilon=epsilon, secure=mode), charges, 1000, 1000)
    spent = epsilon_spent(plan.releases, plan.delta)
    assert 0.998 * epsilon <= spent <= epsilon * (1 + 1e-9)


@given(charge_lists)
def test_steps_get_noise_by_the_root_of_their_share(charges):
    plan = plan_noise(Policy(epsilon=1.0), charges, 1000, 1000)
    whole = sum(charge.share for charge in charges)
    for charge, step in zip(charges, plan.steps, strict=True):
        precision = step.multiplier**-2 + (step.norms_multiplier or float("inf")) ** -2
        assert precision * plan.combined**2 == pytest.approx(charge.share / whole)
        if charge.bound is None:
            ratio = (step.multiplier / step.norms_multiplier) ** 2
            assert ratio == pytest.approx(NORMS_SHARE / (1 - NORMS_SHARE))


def test_no_promise_means_no_noise_and_no_release():
    plan = plan_noise(Policy(secure="split"), evenly(3), 50, 50)
    assert [s.multiplier for s in plan.steps] == [0, 0, 0]
    assert plan.releases == ()
    assert plan.combined == plan.delta == 0


def test_a_clip_saves_the_histogram():
    found = plan_noise(Policy(epsilon=1.0), evenly(1), 50, 50).steps[0]
    given_ = plan_noise(Policy(epsilon=1.0, clip=3.0), evenly(1), 50, 50).steps[0]
    assert given_.bound == 3.0
    assert given_.norms_multiplier is None
    assert given_.multiplier < found.multiplier


def test_a_bound_of_the_steps_own_goes_before_the_clip():
    plan = plan_noise(Policy(epsilon=1.0, clip=3.0), (Charge(bound=0.5),), 50, 50)
    assert plan.steps[0].bound == 0.5


def test_silos_need_a_clip_whatever_the_steps_bound():
    charges = (Charge(bound=1.0),)
    with pytest.raises(ConfigError, match="clip of a silo"):
        plan_noise(Policy(epsilon=1.0, unit="silo"), charges, 500, 5)
    plan = plan_noise(Policy(epsilon=1.0, unit="silo", clip=40.0), charges, 500, 5)
    assert plan.steps[0].bound == 40.0


@pytest.mark.parametrize(("unit", "units"), [("user", 10**6), ("silo", 10**5)])
def test_the_default_delta_follows_the_number_of_units(unit, units):
    policy = Policy(epsilon=1.0, unit=unit, clip=1.0)
    assert plan_noise(policy, evenly(1), 10**6, 10**5).delta == default_delta(units)


@pytest.mark.parametrize("mode", MODES)
def test_a_run_gets_what_others_left_of_the_budget(mode):
    first = plan_noise(Policy(epsilon=1.0, secure=mode), evenly(2), 1000, 1000)
    policy = Policy(epsilon=2.0, secure=mode)
    second = plan_noise(policy, evenly(3), 1000, 1000, spent=first.releases)
    both = epsilon_spent([*first.releases, *second.releases], second.delta)
    assert 0.99 * 2 <= both <= 2 * (1 + 1e-9)
    assert second.combined > plan_noise(policy, evenly(3), 1000, 1000).combined


def test_a_spent_budget_stops_a_run_before_it_starts():
    done = plan_noise(Policy(epsilon=2.0), evenly(2), 1000, 1000)
    with pytest.raises(PolicyError, match="spent already"):
        plan_noise(Policy(epsilon=2.0), evenly(2), 1000, 1000, spent=done.releases)


def test_an_unknown_mechanism_is_not_guessed_at():
    with pytest.raises(PolicyError, match="laplace"):
        epsilon_spent([Release("laplace", 1.0)], 1e-5)
