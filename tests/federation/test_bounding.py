"""Bounded steps: norms and sums as vectors cut one by one have them, and the histogram of norms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, random_block

from hedgerow.data.split import LastOut
from hedgerow.federation.bounding import Clipped, MeasureNorms
from hedgerow.federation.contribute import OnHistory
from hedgerow.models.registry import make
from hedgerow.privacy.adaptive_clipping import BINS, EDGES
from hedgerow.statistics import Statistics

N_ITEMS = 9
DATA = LastOut().test(random_block(users=40, n_items=N_ITEMS, weighted=True))
MODELS = {
    "popularity": {},
    "transitions": {},
    "als": {"dimension": 3},
    "factorization": {"dimension": 3},
    "private_sequence": {},
}
every_model = pytest.mark.parametrize("name", MODELS)
every_bound = pytest.mark.parametrize("bound", [0.3, 2.0, 1e6])


def step_of(name):
    recipe = make(name, MODELS[name])
    return OnHistory(recipe.step(recipe.start(catalog_of(N_ITEMS), 0)))


def terms_of(step, data=DATA):
    """Return every user's flat term, computed alone."""
    parts = [data[user : user + 1] for user in range(len(data))]
    flat = [step.schema.flatten(step.contributions(p).sum(np.ones(1))) for p in parts]
    return np.array(flat, float).reshape(len(data), step.schema.size)


def cut(terms, bound):
    return np.array([t * min(1, bound / max(np.linalg.norm(t), 1e-12)) for t in terms])


def close(found, wanted):
    assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * max(1, np.abs(wanted).max(initial=0)))


@every_model
@every_bound
def test_norms_and_sums_are_those_of_terms_cut_one_by_one(name, bound):
    step = step_of(name)
    bounded, wanted = Clipped(step, bound), cut(terms_of(step), bound)
    contributions = bounded.contributions(DATA)
    assert len(contributions) == len(DATA)
    assert contributions.schema == bounded.schema == step.schema
    norms = contributions.norms()
    assert (norms <= bound).all()
    close(norms, np.linalg.norm(wanted, axis=1))
    close(terms_of(bounded), wanted)
    assert (np.linalg.norm(terms_of(bounded), axis=1) <= bound * (1 + 1e-4)).all()
    weights = np.random.default_rng(0).uniform(0, 1, len(DATA))
    weights[::3] = 0
    close(step.schema.flatten(contributions.sum(weights)), weights @ wanted)


@every_model
def test_a_wide_bound_changes_nothing(name):
    step, ones = step_of(name), np.ones(len(DATA))
    plain = step.contributions(DATA).sum(ones)
    bounded = Clipped(step, 1e12).contributions(DATA).sum(ones)
    assert_array_equal(step.schema.flatten(bounded), step.schema.flatten(plain))


@every_model
def test_a_bounded_step_is_otherwise_the_step(name):
    step = step_of(name)
    bounded = Clipped(step, 1.0)
    assert (bounded.name, bounded.additive) == (step.name, step.additive)
    total = bounded.contributions(DATA).sum(np.ones(len(DATA)))
    for noise in (0.0, 2.0):
        noised = Statistics(total, noise)
        one, other = bounded.update(noised), step.update(noised)
        for key, array in one.arrays.items():
            assert_array_equal(array, other.arrays[key])


@every_model
def test_everyone_is_in_the_one_bin_of_their_norm(name):
    step = step_of(name)
    measure = MeasureNorms(step, 0.8)
    contributions = measure.contributions(DATA)
    norms = np.linalg.norm(terms_of(step), axis=1)
    terms = terms_of(measure)
    assert measure.schema.size == BINS
    assert len(contributions) == len(DATA)
    assert_array_equal(contributions.norms(), 1)
    assert_array_equal(np.sort(terms, axis=1)[:, -2:], np.tile([0, 1], (len(DATA), 1)))
    for norm, term in zip(norms, terms, strict=True):
        place = int(term.argmax())
        assert place == 0 or EDGES[place] <= norm * (1 + 1e-4)
        assert place == BINS - 1 or norm <= EDGES[place + 1] * (1 + 1e-4)
    weights = np.random.default_rng(0).uniform(0, 1, len(DATA))
    assert_allclose(contributions.sum(weights)["bins"], weights @ terms, atol=1e-12)


@every_model
@pytest.mark.parametrize("quantile", [0.5, 0.8, 1.0])
def test_the_clip_that_is_found_leaves_as_many_whole_as_asked(name, quantile):
    step = step_of(name)
    data = DATA.take(np.flatnonzero(DATA.history.lengths > 0))
    measure = MeasureNorms(step, quantile)
    assert step.name in measure.name
    assert measure.additive == step.additive
    clip = measure.update(measure.contributions(data).sum(np.ones(len(data))))
    norms = np.sort(np.linalg.norm(terms_of(step, data), axis=1))
    wanted = norms[int(np.ceil(quantile * len(norms))) - 1]
    # A bin's edges are a factor of 1.38 apart.
    assert wanted / 1.4 <= clip <= max(wanted * 1.4, EDGES[1])


def test_nobody_contributes_nothing():
    step = step_of("popularity")
    for bounded in (Clipped(step, 1.0), MeasureNorms(step, 0.8)):
        contributions = bounded.contributions(DATA[:0])
        assert len(contributions) == 0
        assert contributions.norms().shape == (0,)
        total = bounded.schema.flatten(contributions.sum(np.zeros(0)))
        assert_array_equal(total, np.zeros(bounded.schema.size))
