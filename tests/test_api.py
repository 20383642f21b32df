"""The interface in four verbs, as the documentation shows it."""

import doctest

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import assert_same_arrays, histories_of, random_block, states_of, structured_block

import hedgerow as hr
from hedgerow.errors import ConfigError, DataError

RECIPE = hr.models.Sequence(dimensions=(6, 3), decays=(0.8, 0.4), fourier=0, repeat_gain=1.0)
KINDS = {
    "sequence": RECIPE,
    "als": hr.models.ALS(dimension=4, rounds=3),
    "factorization": hr.models.Factorization(dimension=4, rounds=2),
    "blend": hr.models.Blend((RECIPE, hr.models.Popularity()), resolution=2),
}
every_kind = pytest.mark.parametrize("recipe", KINDS.values(), ids=KINDS)


def table_of(block):
    return pl.DataFrame(
        {
            "user_id": [f"u{row:03}" for row in block.rows],
            "item_id": [f"B{item:04}" for item in block.items],
            "timestamp": block.timestamps,
        }
    )


@pytest.fixture(scope="module")
def log():
    return hr.Interactions.read(table_of(structured_block(users=80)))


def test_the_example_of_the_package_is_true():
    assert doctest.testmod(hr) == (0, 5)


def test_the_example_of_the_guide_runs(tmp_path):
    table_of(structured_block(users=80)).write_parquet(tmp_path / "orders.parquet")
    log = hr.Interactions.read(str(tmp_path / "orders.parquet"))
    train, test = hr.hold_out(log.distinct())
    simulation = hr.simulate(RECIPE, train, workers=2)
    found = simulation.model.recommend(history=["B0017", "B0002"], k=10)
    assert [r.rank for r in found] == list(range(1, 11))
    assert not {"B0017", "B0002"} & {r.item_id for r in found}
    assert 0 < hr.evaluate(simulation.model, test).values["full/ndcg@10"] <= 1
    compared = hr.compare(log.distinct(), hr.models.Popularity())
    assert set(compared.contenders) == {"federated", "pooled", "local", "popularity"}


def test_all_names_are_there():
    for name in hr.__all__:
        assert getattr(hr, name) is not None
    for name in hr.models.__all__:
        assert len(getattr(hr.models, name)().charges) >= 1


def test_holding_out_parts_the_log(log):
    train, test = hr.hold_out(log)
    for whole, kept, held in zip(
        histories_of(log.block), histories_of(train.block), histories_of(test.targets), strict=True
    ):
        assert kept + held == whole
        assert len(held) == (len(whole) > 1)
    assert_array_equal(train.block.items, test.history.items)
    assert train.users.equals(log.users)
    assert len(train.catalog) == len(log.catalog)
    assert train.frame().height == len(train)


def test_holding_out_a_log_of_values_leaves_a_log_in_order():
    table = table_of(random_block(users=20)).with_columns(value=pl.lit(4.5))
    log = hr.Interactions.read(table)
    assert log.values is not None
    train, test = hr.hold_out(log)
    assert train.frame().height == len(train.block.items) == len(test.history.items)


def test_holding_out_by_another_split(log):
    split = hr.RandomPerUser(share=0.5, seed=1)
    train, test = hr.hold_out(log, split)
    assert_array_equal(train.block.items, split.test(log.block).history.items)
    assert_array_equal(test.targets.items, split.test(log.block).targets.items)


@every_kind
def test_simulating_trains_on_the_whole_log(log, recipe):
    simulation = hr.simulate(recipe, log, seed=3)
    wanted = states_of(recipe, log.block, seed=3)[-1]
    assert set(simulation.model.state.arrays) == set(wanted.arrays)
    for name, array in wanted.arrays.items():
        assert_allclose(simulation.model.state.arrays[name], array, rtol=1e-4, atol=1e-5)
    assert simulation.model.recipe is recipe
    assert simulation.model.catalog is log.catalog
    assert len(simulation.run.rounds) == len(recipe.charges)
    assert {r.answered for r in simulation.run.rounds} == {len(log.users)}


@every_kind
def test_two_workers_find_what_one_does(log, recipe):
    one, two = (hr.simulate(recipe, log, workers=n, seed=1) for n in (1, 2))
    scores = [s.model.scorer.scores(log.block) for s in (one, two)]
    assert_allclose(scores[1], scores[0], rtol=1e-3, atol=1e-3 * np.abs(scores[0]).max())
    assert [(r.step, r.bytes_up, r.bytes_down) for r in one.run.rounds] == [
        (r.step, r.bytes_up, r.bytes_down) for r in two.run.rounds
    ]


def test_the_same_seed_trains_the_same_model(log):
    one, again, other = (hr.simulate(KINDS["als"], log, seed=s) for s in (1, 1, 2))
    assert_same_arrays(one.model.state.arrays, again.model.state.arrays)
    assert (one.model.state.arrays["vectors"] != other.model.state.arrays["vectors"]).any()


def test_silos_and_partial_participation(log):
    silos = hr.Clients.dirichlet(len(log.users), 4, 1.0, seed=0)
    half = hr.Participation(share=0.5, seed=0)
    run = hr.simulate(KINDS["als"], log, clients=silos, participation=half).run
    assert run.clients == 4
    assert {r.asked for r in run.rounds} == {2}


@pytest.mark.parametrize("workers", [0, -1])
def test_less_than_one_worker_is_refused(log, workers):
    with pytest.raises(ConfigError, match="one worker"):
        hr.simulate(RECIPE, log, workers=workers)


def test_evaluating_counts_hits(log):
    train, test = hr.hold_out(log)
    model = hr.simulate(RECIPE, train).model
    ids = log.catalog.ids
    lists = model.recommend_many([[ids[i] for i in h] for h in histories_of(test.history)], k=3)
    hits = [
        log.catalog.ids[target[0]] in {r.item_id for r in found}
        for found, target in zip(lists, histories_of(test.targets), strict=True)
        if target
    ]
    found = hr.evaluate(model, test, k=3)
    assert_allclose(found.values["full/hr@3"], np.mean(hits))
    assert found.users == len(hits)
    low, high = found.interval("full/hr@3")
    assert low < found.values["full/hr@3"] < high


def test_evaluating_with_repeats_judges_what_was_met_before():
    block = hr.Interactions.read(table_of(random_block(users=40)))
    train, test = hr.hold_out(block)
    model = hr.simulate(RECIPE, train).model
    seen = [
        not target or target[0] in history
        for history, target in zip(
            histories_of(test.history), histories_of(test.targets), strict=True
        )
    ]
    again = test.take(np.flatnonzero(seen)).judged()
    with pytest.raises(DataError, match="held-out"):
        hr.evaluate(model, again, k=13)
    assert hr.evaluate(model, again, k=13, repeats=True).values["full/hr@13"] == 1


def test_evaluating_nobody_is_refused(log):
    _, test = hr.hold_out(log)
    model = hr.simulate(hr.models.Popularity(), log).model
    with pytest.raises(DataError, match="held-out"):
        hr.evaluate(model, test[:0])


def test_a_policy_is_kept_and_charged():
    log = hr.Shop(customers=150, products=60, seed=2).interactions().distinct()
    ledger, recipe = hr.Ledger(), hr.models.PrivateSequence(dimension=8)
    first = hr.simulate(recipe, log, policy=hr.Policy(epsilon=1.0), ledger=ledger)
    assert first.ledger is ledger
    assert 0.99 < ledger.entries[-1].epsilon <= 1
    hr.simulate(recipe, log, policy=hr.Policy(epsilon=3.0), ledger=ledger)
    assert len(ledger.entries) == 6
    assert 2.9 < ledger.entries[-1].epsilon <= 3.00001
    with pytest.raises(hr.HedgerowError, match="spent already"):
        hr.simulate(recipe, log, policy=hr.Policy(epsilon=3.0), ledger=ledger, seed=1)
