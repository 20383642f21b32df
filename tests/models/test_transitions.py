"""Windowed item-to-item counts against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from support import catalog_of, histories_of, random_block, states_of

from hedgerow.data.block import Block
from hedgerow.errors import ConfigError
from hedgerow.models.transitions import Transitions

N_ITEMS = 5
histories = st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=9), max_size=5)


def naive_counts(lists, window, fade, weights=None):
    counts = np.zeros((N_ITEMS, N_ITEMS))
    for user, history in enumerate(lists):
        for p, first in enumerate(history):
            for distance, second in enumerate(history[p + 1 : p + 1 + window], start=1):
                weight = 1 if weights is None else weights[user]
                counts[first, second] += weight * fade ** (distance - 1)
    return counts


@given(histories, st.integers(1, 12), st.sampled_from([1.0, 0.8, 0.3]))
def test_counts_norms_and_weighted_sums(lists, window, fade):
    recipe = Transitions(window=window, fade=fade)
    block = Block.of(lists, N_ITEMS)
    contributions = recipe.step(recipe.start(catalog_of(N_ITEMS), 0)).contributions(block)
    weights = np.random.default_rng(len(lists)).uniform(0, 1, len(lists))
    wanted = naive_counts(lists, window, fade, weights)
    assert_allclose(contributions.sum(weights)["counts"], wanted, rtol=1e-5, atol=1e-6)
    norms = [np.linalg.norm(naive_counts([h], window, fade)) for h in lists]
    assert_allclose(contributions.norms(), norms, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("normalization", [0.0, 0.5, 1.0])
def test_scores_are_normalised_counts_of_the_decayed_history(normalization):
    recipe = Transitions(window=4, fade=0.9, decay=0.5, normalization=normalization)
    block = random_block(users=30, n_items=N_ITEMS + 1)
    lists = [[i for i in h if i < N_ITEMS] for h in histories_of(block)]
    block = Block.of(lists, N_ITEMS)
    counts = naive_counts(lists, 4, 0.9)
    naive = np.zeros((len(lists), N_ITEMS))
    for user, history in enumerate(lists):
        for place, item in enumerate(history):
            row = counts[item] / max(counts[item].sum(), 1) ** normalization
            naive[user] += 0.5 ** (len(history) - 1 - place) * row
    scores = recipe.scorer(states_of(recipe, block)[-1]).scores(block)
    assert_allclose(scores, naive, rtol=1e-4, atol=1e-5)


def test_direction_matters():
    recipe = Transitions(window=1)
    block = Block.of([[0, 1]] * 5, 3)
    scorer = recipe.scorer(states_of(recipe, block)[-1])
    scores = scorer.scores(Block.of([[0], [1]], 3))
    assert scores[0, 1] == 1
    assert (scores[1] == 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0},
        {"fade": 0},
        {"fade": 1.1},
        {"decay": 0},
        {"decay": 2},
        {"normalization": -0.1},
        {"normalization": 1.1},
    ],
    ids=str,
)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        Transitions(**options)
