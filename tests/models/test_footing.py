"""What a private model says that it stands on, as noise takes one thing after the other."""

import numpy as np
import pytest
from support import catalog_of, states_of
from test_private_sequence import BLOCK, features_of, noisy_states

from hedgerow.models.footing import SENTENCES, footing
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence

RECIPE = PrivateSequence()


def found(noise, catalog, seed=0):
    return footing(RECIPE, noisy_states(RECIPE, BLOCK, catalog, noise, seed)[-1])


def test_a_model_without_noise_or_with_little_says_nothing():
    assert [found(noise, features_of(40)) for noise in (0.0, 1.0)] == ["", ""]


@pytest.mark.parametrize("seed", range(3))
def test_what_stands_in_is_said(seed):
    known = noisy_states(RECIPE, BLOCK, features_of(40), 6.0, seed)[-1]
    # However little of likeness was found: let it be what the catalog says.
    popularity, vectors = known.arrays["popularity"], known.arrays["vectors2"]
    weights = popularity[:, None] * vectors
    arrays = dict(known.arrays, weights2=weights)
    assert footing(RECIPE, type(known)(arrays, known.round)) == SENTENCES["alike and popular"]
    assert found(1e5, features_of(40), seed) == SENTENCES["alike"]
    assert found(1e5, catalog_of(40), seed) == SENTENCES["nothing"]


def test_popularity_alone_is_said_where_weights_are_nothing_beside_it():
    state = noisy_states(RECIPE, BLOCK, features_of(40), 6.0)[-1]
    arrays = dict(state.arrays, weights2=np.zeros_like(state.arrays["weights2"]))
    assert footing(RECIPE, type(state)(arrays, state.round)) == SENTENCES["popular"]


def test_unfinished_and_other_models_say_nothing():
    states = noisy_states(RECIPE, BLOCK, features_of(40), 1e6)
    assert [footing(RECIPE, state) for state in states[:3]] == [""] * 3
    assert footing(Popularity(), states_of(Popularity(), BLOCK)[-1]) == ""
