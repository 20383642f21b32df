"""Counting again: the estimate of three counts, and what a small population keeps by it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block
from test_private_sequence import BLOCK, features_of, federated, ndcg, noisy_states

from hedgerow.comparison.warnings import chance
from hedgerow.data.catalog import Catalog
from hedgerow.data.shop import Shop
from hedgerow.data.split import LastOut
from hedgerow.models.popularity import SameForAll
from hedgerow.models.private_sequence import SHARES, PrivateSequence
from hedgerow.models.recount import CountNext
from hedgerow.models.smoothing import popularity_of
from hedgerow.privacy.accounting import multiplier_for
from hedgerow.statistics import Statistics

RECIPE = PrivateSequence()


def test_it_counts_what_comes_next_each_user_with_length_one():
    block = random_block(users=30)
    state = noisy_states(RECIPE, block, catalog_of(block.n_items), 50.0)[1]
    step = RECIPE.step(state)
    assert isinstance(step, CountNext)
    wanted = np.zeros(block.n_items)
    for history in histories_of(block):
        followed = np.bincount(history[1:], minlength=block.n_items)
        wanted += followed / max(np.linalg.norm(followed), 1)
    found = step.contributions(block).sum(np.ones(len(block)))["next"]
    assert_allclose(found[:, 0], wanted, rtol=1e-5, atol=1e-6)
    assert (step.contributions(block).norms() <= 1).all()


@pytest.mark.parametrize("known", [True, False])
def test_counts_are_joined_as_precisely_as_their_noise_lets_them(known):
    """By least squares of all that was released, each divided by its noise."""
    rng, noise = np.random.default_rng(0), 50.0
    recipe, state = RECIPE, RECIPE.start(features_of(40) if known else catalog_of(40), 0)
    counts, sigmas = [], []
    while (step := recipe.step(state)) is not None:
        sigma = noise / np.sqrt(SHARES[state.round])
        shapes = {name: field.shape for name, field in step.schema.fields.items()}
        released = {name: 9 + sigma * rng.standard_normal(shape) for name, shape in shapes.items()}
        if isinstance(step, CountNext) or state.round == 0:
            counts.append(next(iter(released.values())).ravel())
            sigmas.append(sigma)
        state = step.update(Statistics(released, sigma))
    assert len(counts) == (2 if known else 3)
    design = 1 / np.array(sigmas)[:, None]
    joined = np.linalg.lstsq(design, np.array(counts) * design, rcond=None)[0][0]
    left = float(np.linalg.inv(design.T @ design)[0, 0] ** 0.5)
    assert_allclose(state.arrays["popularity"], popularity_of(joined, left), rtol=1e-5)
    if not known:
        # The whole budget went into them.
        assert left == pytest.approx(noise)
        assert_array_equal(state.arrays["weights2"], 0)
        scores = recipe.scorer(state).scores(BLOCK)
        assert_array_equal(np.argsort(scores[0]), np.argsort(joined))


def noisy_popularity(log, fold, epsilon, seed):
    """Return NDCG@10 of counts, each user with length 1, under the whole budget's noise."""
    step = RECIPE.step(RECIPE.start(log.catalog, 0))
    counts = step.contributions(fold.history).sum(np.ones(len(fold)))["counts"]
    drawn = np.random.default_rng(seed).standard_normal(counts.shape)
    return ndcg(SameForAll(counts + multiplier_for(epsilon, 1e-5) * drawn), fold)


@pytest.mark.parametrize("bare", [False, True], ids=["catalog", "bare"])
@pytest.mark.parametrize("customers", [80, 500])
def test_few_people_keep_what_noisy_popularity_and_chance_have(customers, bare):
    """At any epsilon, but for what so few people scatter by."""
    log = Shop(customers=customers, products=400, seed=1).interactions().distinct()
    if bare:
        log = log.__class__(log.users, Catalog(log.catalog.ids), log.block)
    fold = LastOut().test(log.block)
    for epsilon in (4.0, 1.0, 0.2):
        private = [federated(RECIPE, log, fold, epsilon, seed) for seed in range(5)]
        popular = [noisy_popularity(log, fold, epsilon, seed) for seed in range(5)]
        # A hit is worth about a half: so many standard errors of 5 trainings on these people.
        random = chance(fold, 10, repeats=False)
        level = max(np.mean(popular), random)
        scatter = 2 * (0.5 * level / len(fold)) ** 0.5
        assert np.mean(private) > level - scatter
        if not bare:
            assert np.mean(private) > 1.3 * level
