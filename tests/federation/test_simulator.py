"""The round loop: the same model as in one place, honest books, and early stopping."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import (
    assert_same_arrays,
    catalog_of,
    random_block,
    states_of,
    structured_block,
)

from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError, DataError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Processes, Serial
from hedgerow.federation.simulator import Watch, evaluate, train
from hedgerow.models.registry import MODELS, make

N_ITEMS = 16
BLOCK = structured_block(users=80, n_items=N_ITEMS)
DATA = LastOut().test(BLOCK)
CATALOG = catalog_of(N_ITEMS)
DEVICES = Clients.devices(pl.Series(range(len(DATA))))
SILOS = Clients.dirichlet(len(DATA), 6, 1.0, seed=0)
YARDSTICK = Yardstick(np.ones(N_ITEMS), np.eye(N_ITEMS, dtype=np.float32))
PROTOCOL = EvaluationProtocol(k=3, sampled=0, replicates=0)
OPTIONS = {
    "als": {"dimension": 4, "rounds": 4},
    "factorization": {"dimension": 4, "rounds": 4},
    "sequence": {"dimensions": (4, 3), "decays": (0.5, 0.8), "fourier": 5, "vector_rounds": 2},
}
every_model = pytest.mark.parametrize(
    "recipe", [make(name, OPTIONS.get(name)) for name in MODELS], ids=list(MODELS)
)


@every_model
@pytest.mark.parametrize("clients", [DEVICES, SILOS], ids=["devices", "silos"])
def test_with_everyone_the_federated_model_is_the_pooled_one(recipe, clients):
    run = train(recipe, Serial(DATA), CATALOG, clients, seed=5)
    pooled = states_of(recipe, DATA.history, seed=5)[-1]
    assert run.state.round == len(recipe.charges) == len(run.rounds)
    scores = [s.scores(DATA.history) for s in (run.scorer, recipe.scorer(pooled))]
    assert_allclose(scores[0], scores[1], rtol=1e-3, atol=1e-3)


@every_model
def test_training_never_sees_what_is_held_out(recipe):
    """With other targets, the trained model is the same bit for bit."""
    other = type(DATA)(DATA.history, random_block(users=len(DATA) - 4, n_items=N_ITEMS))
    runs = [train(recipe, Serial(data), CATALOG, DEVICES) for data in (DATA, other)]
    assert_same_arrays(runs[0].state.arrays, runs[1].state.arrays)


@every_model
def test_additive_models_do_not_need_everyone_at_once(recipe):
    additive = all(recipe.step(state).additive for state in states_of(recipe, DATA.history)[:-1])
    if not additive:
        pytest.skip("this model improves on the last round's state")
    whole = train(recipe, Serial(DATA), CATALOG, DEVICES)
    parts = train(recipe, Serial(DATA), CATALOG, DEVICES, participation=Participation(share=0.15))
    assert len(parts.rounds) == -(-80 // 12) * len(recipe.charges)
    for name, array in whole.state.arrays.items():
        assert_allclose(parts.state.arrays[name], array, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("clients", [DEVICES, SILOS], ids=["devices", "silos"])
def test_those_who_vanish_are_not_in_the_sum(clients):
    participation = Participation(share=0.4, dropout=0.5, seed=3)
    run = train(make("popularity"), Serial(DATA), CATALOG, clients, participation=participation)
    cohorts = participation.cohorts(len(clients), 0, additive=True)
    answered = np.any([c.present for c in cohorts], axis=0)
    assert 0 < answered.sum() < len(clients)
    there = np.flatnonzero(answered[clients.owner])
    naive = np.zeros(N_ITEMS)
    for user in there:
        naive[np.unique(DATA.history[user : user + 1].items)] += 1
    assert_array_equal(run.state.arrays["counts"], naive)
    assert [r.answered for r in run.rounds] == [int(c.present.sum()) for c in cohorts]
    assert [r.asked for r in run.rounds] == [int(c.asked.sum()) for c in cohorts]
    assert sum(r.users for r in run.rounds) == len(there)


def test_a_share_of_clients_takes_part_in_each_round():
    recipe = make("als", {"dimension": 4, "rounds": 5, "step_size": 0.5})
    seen = []
    run = train(
        recipe,
        Serial(DATA),
        CATALOG,
        DEVICES,
        participation=Participation(share=0.25, dropout=0.2, seed=1),
        on_round=seen.append,
    )
    assert tuple(seen) == run.rounds
    assert [r.number for r in run.rounds] == [1, 2, 3, 4, 5]
    assert all(r.asked == 20 for r in run.rounds)
    assert all(r.answered == r.users <= 20 for r in run.rounds)
    assert len({r.step for r in run.rounds}) == 5


def test_the_books_are_right():
    recipe = make("als", {"dimension": 4, "rounds": 3})
    run = train(recipe, Serial(DATA), CATALOG, SILOS)
    up = 4 * (4 * 5 // 2 + N_ITEMS * 4 + N_ITEMS + 1)
    down = 4 * (N_ITEMS * 4 + N_ITEMS)
    assert all(r.bytes_up == up for r in run.rounds)
    assert all(r.bytes_down == down for r in run.rounds)
    assert run.bytes_up == 3 * up
    assert run.bytes_down == 3 * down + down
    assert run.clients == 6
    assert run.client_updates == 18
    assert run.seconds >= 0
    assert all(r.users == len(DATA) for r in run.rounds)
    assert all(not r.quality for r in run.rounds)


@pytest.mark.parametrize("name", ["als", "factorization"])
def test_runs_are_repeatable_and_processes_train_the_same(name):
    recipe = make(name, OPTIONS[name])
    settings = {"participation": Participation(0.5, 0.1, seed=2), "seed": 4}
    one, two = (train(recipe, Serial(DATA), CATALOG, DEVICES, **settings) for _ in range(2))
    assert_same_arrays(one.state.arrays, two.state.arrays)
    with Processes(DATA, 2) as running:
        spread = train(recipe, running, CATALOG, DEVICES, **settings)
    scores = [run.scorer.scores(DATA.history) for run in (one, spread)]
    assert_allclose(scores[0], scores[1], rtol=1e-3, atol=1e-3)


def ndcg_of(recipe, state):
    step = Evaluate(recipe.scorer(state), PROTOCOL, YARDSTICK)
    total = step.contributions(DATA).sum(np.ones(len(DATA)))
    return step.update(total).values["full/ndcg@3"]


def test_watching_follows_quality_and_changes_nothing():
    recipe = make("factorization", OPTIONS["factorization"])
    watched = train(recipe, Serial(DATA), CATALOG, DEVICES, watch=Watch(PROTOCOL, YARDSTICK))
    plain = train(recipe, Serial(DATA), CATALOG, DEVICES)
    assert_same_arrays(watched.state.arrays, plain.state.arrays)
    states = states_of(recipe, DATA.history)
    for happened, state in zip(watched.rounds, states[1:], strict=True):
        assert happened.quality["full/ndcg@3"] == pytest.approx(ndcg_of(recipe, state), abs=0.02)


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_stopping_early_returns_the_best_state(patience):
    recipe = make(
        "factorization", {"dimension": 4, "rounds": 40, "server_rate": 0.3, "local_rate": 0.3}
    )
    watch = Watch(PROTOCOL, YARDSTICK, patience=patience)
    run = train(recipe, Serial(DATA), CATALOG, DEVICES, watch=watch)
    quality = [r.quality["full/ndcg@3"] for r in run.rounds]
    best = int(np.argmax(quality))
    assert run.state.round == best + 1
    assert ndcg_of(recipe, run.state) == pytest.approx(max(quality))
    # It stopped as soon as, and not before, patience was at its end.
    assert len(quality) == best + 1 + patience < 40
    running_best = np.maximum.accumulate(quality)
    for stop in range(patience, len(quality)):
        assert running_best[stop] > running_best[stop - patience] or stop == len(quality) - 1


def test_patience_that_never_ends_returns_the_best_of_all_rounds():
    recipe = make("factorization", {"dimension": 4, "rounds": 6, "server_rate": 0.3})
    watch = Watch(PROTOCOL, YARDSTICK, patience=100)
    run = train(recipe, Serial(DATA), CATALOG, DEVICES, watch=watch)
    assert len(run.rounds) == 6
    assert run.state.round == 1 + int(np.argmax([r.quality["full/ndcg@3"] for r in run.rounds]))


def test_a_share_of_users_can_be_watched():
    recipe = make("als", OPTIONS["als"])
    for share in (0.0001, 0.3, 1.0):
        watch = Watch(PROTOCOL, YARDSTICK, share=share)
        run = train(recipe, Serial(DATA), CATALOG, DEVICES, watch=watch)
        assert all(0 <= r.quality["full/hr@3"] <= 1 for r in run.rounds)


def test_evaluation_is_a_sum_over_the_executor():
    recipe = make("item_item")
    state = states_of(recipe, DATA.history)[-1]
    with Serial(DATA) as serial:
        result = evaluate(recipe.scorer(state), serial, len(DATA), PROTOCOL, YARDSTICK)
    assert result.users == len(DATA.judged())
    assert result.values["full/ndcg@3"] == pytest.approx(ndcg_of(recipe, state))


def test_resuming_needs_a_checkpoint():
    with pytest.raises(ConfigError, match="name its checkpoint"):
        train(make("als"), Serial(DATA), CATALOG, DEVICES, resume=True)


def test_a_sample_without_anyone_to_judge_does_not_stop_training():
    chosen = np.random.default_rng(PROTOCOL.seed).permutation(len(DATA))[0]
    others = DATA.targets.rows != chosen
    data = type(DATA)(DATA.history, DATA.targets.where(others))
    watch = Watch(PROTOCOL, YARDSTICK, share=1 / len(DATA))
    run = train(make("popularity"), Serial(data), CATALOG, DEVICES, watch=watch)
    assert run.rounds[0].quality == {}
    nobody = type(DATA)(DATA.history, DATA.targets.where(np.zeros(len(others), np.bool_)))
    patient = Watch(PROTOCOL, YARDSTICK, patience=1)
    with pytest.raises(DataError, match="held-out interaction"):
        train(make("als"), Serial(nobody), CATALOG, DEVICES, watch=patient)
