"""Federated averaging and Adam on the server, against the published update rules."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, random_block, states_of, trained_in_order, with_weights

from hedgerow.errors import ConfigError
from hedgerow.models.factorization import ADAM_DECAYS, ADAM_FLOOR, Factorization
from hedgerow.models.local_sgd import draw_examples

BLOCK = random_block(users=20)


def client_changes(recipe, state, block):
    """Return each client's change of the whole item table, shape (users, items, dimension)."""
    vectors = state.arrays["vectors"]
    changes = np.zeros((len(block), *vectors.shape))
    for user in range(len(block)):
        device = block[user : user + 1]
        examples = draw_examples(device, recipe.loss, int(state.arrays["seed"]), state.round)
        _, moved = trained_in_order(vectors, examples, recipe.epochs)
        np.add.at(changes[user], examples.items, moved)
        if examples.against is not None:
            np.subtract.at(changes[user], examples.against, moved)
    return changes


@pytest.mark.parametrize("loss", ["bce", "bpr"])
@pytest.mark.parametrize("block", [BLOCK, with_weights(BLOCK)], ids=["plain", "weighted"])
def test_the_sum_is_of_all_clients_changes(loss, block):
    recipe = Factorization(dimension=4, loss=loss, rounds=3, proximal=0.2)
    for state in states_of(recipe, block)[:-1]:
        step = recipe.step(state)
        weights = np.random.default_rng(0).uniform(0, 1, len(block))
        total = step.contributions(block).sum(weights)
        changes = client_changes(recipe, state, block)
        wanted = np.einsum("u,uid->id", weights, changes)
        assert_allclose(total["change"], wanted, rtol=1e-4, atol=1e-6)
        assert_allclose(total["users"], weights.sum())


def test_averaging_adds_the_mean_change():
    recipe = Factorization(dimension=4, rounds=3, server="average", server_rate=1.0, local_rate=0.5)
    states = states_of(recipe, BLOCK)
    for before, after in itertools.pairwise(states):
        # Clients of equal weight: the mean of the clients' tables is the new table.
        tables = before.arrays["vectors"] + client_changes(recipe, before, BLOCK)
        assert_allclose(after.arrays["vectors"], tables.mean(0), rtol=1e-4, atol=1e-6)
        assert not after.server


def test_adam_follows_algorithm_2_of_reddi():
    recipe = Factorization(dimension=4, rounds=4, server_rate=0.1, local_rate=0.5)
    beta1, beta2 = ADAM_DECAYS
    states = states_of(recipe, BLOCK)
    first = second = np.zeros(states[0].arrays["vectors"].shape)
    for before, after in itertools.pairwise(states):
        delta = client_changes(recipe, before, BLOCK).mean(0)
        first = beta1 * first + (1 - beta1) * delta
        second = beta2 * second + (1 - beta2) * delta**2
        moved = 0.1 * first / (np.sqrt(second) + ADAM_FLOOR)
        assert_allclose(after.arrays["vectors"] - before.arrays["vectors"], moved, atol=2e-5)
        assert_allclose(after.server["first"], first, rtol=1e-4, atol=1e-7)


def test_a_round_without_anybody_moves_nothing():
    recipe = Factorization(dimension=4, server="average")
    state = recipe.start(catalog_of(5), 0)
    step = recipe.step(state)
    after = step.update(step.schema.zeros())
    assert_array_equal(after.arrays["vectors"], state.arrays["vectors"])


def test_initial_vectors_depend_on_the_seed():
    recipe = Factorization(dimension=4)
    one, two, again = (recipe.start(catalog_of(9), s).arrays["vectors"] for s in (0, 1, 0))
    assert_array_equal(one, again)
    assert not np.array_equal(one, two)


def test_momenta_are_not_broadcast():
    state = states_of(Factorization(dimension=4, rounds=2), BLOCK)[-1]
    assert set(state.arrays) == {"vectors", "seed"}
    assert set(state.server) == {"first", "second"}


@pytest.mark.parametrize(
    "options",
    [
        {"dimension": 0},
        {"loss": "mse"},
        {"server": "sgd"},
        {"rounds": 0},
        {"local_epochs": 0},
        {"local_rate": 0},
        {"server_rate": 0},
        {"proximal": -1},
        {"fold_in_epochs": 0},
    ],
    ids=str,
)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        Factorization(**options)
