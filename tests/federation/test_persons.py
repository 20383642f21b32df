"""One person at several clients: what is promised holds for all their terms together."""

import math

import numpy as np
import polars as pl
import pytest
from support import catalog_of, structured_block

from hedgerow.data.split import LastOut
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Serial
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.setting import Noise, Setting
from hedgerow.models.registry import make
from hedgerow.privacy.charges import evenly
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.policy import MODES, Policy
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.releases import Release, epsilon_spent

DELTA, CLAIM = 1e-5, 2.0
CLIENTS = 400
MODEL = bytes(32)


def policy_of(secure, persons):
    return Policy(
        epsilon=CLAIM, delta=DELTA, secure=secure, clip=1.5, clients_per_person=persons, minimum=5
    )


def setting_of(policy, steps=1, size=50):
    plan = plan_noise(policy, evenly(steps), CLIENTS, CLIENTS)
    noise = Noise("run/0", 1.5, plan.steps[0].multiplier)
    return Setting.of(policy, noise, size, [(CLIENTS, CLIENTS)], MODEL), plan


def suffered(setting, plan, terms):
    """Return the epsilon of somebody with so many terms in each sum, by the noise that there is."""
    length = terms * setting.quantizer.sensitivity
    size = setting.quantizer.size
    skellam = Release("skellam", setting.deviation / length, length, size, CLIENTS)
    gaussian = Release("gaussian", setting.deviation / length)
    release = skellam if plan.mechanism == "skellam" else gaussian
    return epsilon_spent([release] * len(plan.steps), DELTA)


def test_a_promise_for_one_client_is_weaker_for_who_is_at_two_or_three():
    setting, plan = setting_of(policy_of("split", 1))
    found = [suffered(setting, plan, terms) for terms in (1, 2, 3)]
    assert found == pytest.approx([2.0, 4.39, 7.08], abs=0.005)


@pytest.mark.parametrize("secure", MODES)
@pytest.mark.parametrize("persons", [1, 2, 3, 7])
@pytest.mark.parametrize("steps", [1, 4])
def test_it_holds_for_all_terms_of_a_person_where_the_policy_reckons_with_them(
    secure, persons, steps
):
    setting, plan = setting_of(policy_of(secure, persons), steps)
    assert 0.97 * CLAIM <= suffered(setting, plan, persons) <= CLAIM * (1 + 1e-9)
    assert suffered(setting, plan, persons + 1) > CLAIM


@pytest.mark.parametrize("persons", [1, 2, 5])
def test_the_worst_person_is_within_the_sensitivities_that_skellam_noise_is_accounted_for(persons):
    setting, _ = setting_of(policy_of("pairwise", persons), size=30)
    quantizer, stream = setting.quantizer, Stream.seeded("persons", persons)
    spread = np.full(30, 1.5 / math.sqrt(30))
    peak = np.zeros(30)
    peak[3] = 1.5
    for vector in (spread, peak):
        whole = sum(quantizer.quantize(vector, stream) for _ in range(persons))
        assert np.linalg.norm(whole) <= setting.sensitivity
        assert np.abs(whole).sum() <= math.sqrt(30) * setting.sensitivity


@pytest.mark.parametrize("persons", [1, 3])
def test_rounding_stays_hidden_in_the_noise_and_the_ring_holds_the_sum(persons):
    setting, _plan = setting_of(policy_of("pairwise", persons))
    assert setting.sensitivity >= 1024
    assert 0.0202 * setting.deviation**2 >= CLIENTS / 4
    most = CLIENTS * setting.quantizer.bound
    assert setting.ring.bound >= most + 6 * math.sqrt(CLIENTS * setting.share.variance)
    # A person's terms take no wider a ring together than they would alone.
    alone, _ = setting_of(policy_of("pairwise", 1))
    assert setting.ring.bits <= alone.ring.bits + 1


@pytest.mark.parametrize("secure", MODES)
def test_the_pipeline_makes_and_writes_down_that_noise(secure):
    data = LastOut().test(structured_block(users=40, n_items=300))
    clients = Clients.devices(pl.Series(range(len(data))))
    recipe = make("popularity")
    step = OnHistory(recipe.step(recipe.start(catalog_of(300), 0)))
    cohorts = Participation().cohorts(len(clients), 0, additive=True)
    exact = step.contributions(data).sum(np.ones(len(data)))
    noises = {}
    for persons in (1, 3):
        policy, ledger = policy_of(secure, persons), Ledger()
        charges = recipe.charges
        pipeline = Pipeline.of(
            policy, charges, clients, ledger=ledger, run="run", account="a", seed=3
        )
        found = pipeline.sum(Group(Serial(data), clients, cohorts), step, 0, MODEL).total
        residual = step.schema.flatten(found) - step.schema.flatten(exact)
        entry = ledger.entries[-1]
        noises[persons] = (float(residual.std()), entry)
        assert entry.clients_per_person == persons
        assert entry.epsilon <= CLAIM * (1 + 1e-9)
        assert entry.sigma == pytest.approx(persons * entry.clip * entry.release.multiplier)
        # Who makes it makes more than is counted on, never less.
        assert found.noise >= 0.99 * entry.sigma
        assert residual.std() == pytest.approx(found.noise, rel=0.2)
    assert noises[3][1].sigma == pytest.approx(3 * noises[1][1].sigma, rel=1e-6)
    assert noises[3][0] == pytest.approx(3 * noises[1][0], rel=0.3)
