"""Single terms: their lengths, and that they are the parts of a clipped sum."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, random_block

from hedgerow.data.split import Fold, LastOut
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.terms import unit_terms
from hedgerow.models.registry import make
from hedgerow.statistics import Field, Rows, Schema

N_ITEMS = 9
DATA = LastOut().test(random_block(users=20, n_items=N_ITEMS))
MODELS = {
    "popularity": {},
    "transitions": {},
    "als": {"dimension": 3},
    "private_sequence": {},
}
every_model = pytest.mark.parametrize("name", MODELS)
every_bound = pytest.mark.parametrize("bound", [0.3, 2.0, 1e6])


def step_of(name):
    recipe = make(name, MODELS[name])
    return OnHistory(recipe.step(recipe.start(catalog_of(N_ITEMS), 0)))


def plain_terms(step, data):
    """Return every user's term, unbounded."""
    parts = [data[user : user + 1] for user in range(len(data))]
    return [step.schema.flatten(step.contributions(p).sum(np.ones(1))).astype(float) for p in parts]


def onto_ball(vector, bound):
    length = np.sqrt((vector**2).sum())
    return vector if length <= bound else vector * (bound / length)


@every_model
@every_bound
def test_users_terms_are_their_own_cut_to_the_bound(name, bound):
    step = step_of(name)
    found = list(unit_terms(step, DATA, bound, "user"))
    wanted = [onto_ball(term, bound) for term in plain_terms(step, DATA)]
    assert len(found) == len(DATA)
    for term, expected in zip(found, wanted, strict=True):
        assert term.shape == (step.schema.size,)
        assert term.dtype == np.float64
        assert np.linalg.norm(term) <= bound * (1 + 1e-5)
        assert_allclose(term, expected, atol=1e-4 * max(1, np.abs(expected).max()))
    assert_allclose(sum(found), sum(wanted), atol=1e-3 * max(1, np.abs(sum(wanted)).max()))


@every_model
@every_bound
def test_a_silo_has_one_term_cut_to_the_bound(name, bound):
    step = step_of(name)
    (found,) = unit_terms(step, DATA, bound, "silo")
    wanted = onto_ball(sum(plain_terms(step, DATA)), bound)
    assert found.dtype == np.float64
    assert np.linalg.norm(found) <= bound * (1 + 1e-12)
    assert_allclose(found, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("name", ["popularity", "private_sequence"])
def test_one_who_has_nothing_contributes_zeros_and_nobody_nothing(name):
    step = step_of(name)
    empty = DATA.take(np.flatnonzero(DATA.history.lengths == 0)[:1])
    assert len(empty) == 1
    (user,) = unit_terms(step, empty, 1.0, "user")
    (silo,) = unit_terms(step, empty, 1.0, "silo")
    assert_array_equal(user, silo)
    assert list(unit_terms(step, DATA[:0], 1.0, "user")) == []
    (nobody,) = unit_terms(step, DATA[:0], 1.0, "silo")
    assert_array_equal(nobody, np.zeros(step.schema.size))


@dataclass(frozen=True)
class Broken:
    """A step of which one user's term is not a number."""

    name = "break"
    additive = True
    schema = Schema({"values": Field((2,))})

    def contributions(self, data):
        rows = np.ones((len(data), 2))
        rows[-1, 0] = np.nan
        return Rows(self.schema, rows)

    def update(self, total):
        return total


@pytest.mark.parametrize("unit", ["user", "silo"])
def test_a_term_that_is_not_a_number_is_never_handed_out(unit):
    with pytest.raises(ValueError, match="not finite"):
        list(unit_terms(Broken(), Fold(DATA.history[:3], DATA.targets[:3]), 1.0, unit))
