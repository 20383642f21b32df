"""Liars among the clients of a small shop: the attack does what the printed table says of it."""

import numpy as np
import pytest
from lying_aims import Audience, aimed
from lying_clients import KINDS, least_popular, pushed
from lying_sums import Liars

from hedgerow import Shop
from hedgerow.models import Popularity, Transitions


@pytest.fixture(scope="module")
def shop():
    return Shop(customers=150, products=80, seed=3).interactions().distinct()


def test_one_that_keeps_to_nothing_puts_an_item_before_everybody(shop):
    for epsilon in (None, 2.0):
        assert pushed(Popularity(), shop, KINDS["1 ring"], epsilon, 0) == 1


def test_one_that_keeps_to_its_clip_drowns_in_the_noise(shop):
    reached = [pushed(Popularity(), shop, KINDS["1 norm"], 2.0, seed) for seed in range(10)]
    nobody = [pushed(Popularity(), shop, Liars(0), 2.0, seed) for seed in range(10)]
    # The item is on top by chance alone: in 10 of 80 lists, here in all of a run or in none.
    assert np.mean(reached) <= np.mean(nobody) + 0.2


def test_without_liars_nobody_sees_the_item(shop):
    assert pushed(Popularity(), shop, Liars(0), None, 0) == 0


def test_more_liars_reach_more_people(shop):
    none, one, nine = (pushed(Transitions(), shop, Liars(n), None, 0) for n in (0, 1, 9))
    assert none < one < nine


def test_what_a_ring_takes_is_more_than_what_all_may_send():
    honest = np.full(40, 7.0)
    assert Liars(3).reach(2.0, 0.0, honest, 100) == 6
    within = Liars(1, ring=True).reach(2.0, 0.0, honest, 100)
    assert within + 7 >= 101 * 2


def test_a_vector_is_aimed_at_those_within_reach():
    gains = np.eye(4)
    lacking = np.array([0.5, 0.5, 0.5, 50.0])
    found = aimed(gains, lacking, 1.0)
    assert np.linalg.norm(found) <= 1 + 1e-9
    np.testing.assert_array_equal(gains @ found > lacking, [True, True, True, False])


def test_exposure_counts_those_who_have_not_met_the_item(shop):
    target = least_popular(shop)
    audience = Audience(shop.block, target)
    scores = np.zeros((len(shop.users), len(shop.catalog)), np.float32)
    assert audience.exposure(scores) == 0
    scores[:, target] = 1
    assert audience.exposure(scores) == 1
    assert len(audience.newcomers) == len(shop.users) - (shop.block.items == target).sum()
