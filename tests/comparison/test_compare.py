"""What a comparison holds, what it may look at, and the sign of the tax."""

import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_comparisons import PROTOCOL, small_comparison, small_log
from support import assert_same_arrays, catalog_of, histories_of, random_block, states_of

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.compare import compare
from hedgerow.comparison.result import Plan
from hedgerow.data.block import Block
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import LastOut, RandomPerUser
from hedgerow.errors import ConfigError, DataError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.clients import Clients, Participation
from hedgerow.models.als import ALS
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.transitions import Transitions

RECIPE = ALS(dimension=4, rounds=3)


@pytest.fixture(scope="module")
def comparison():
    return small_comparison(RECIPE)


class Heard:
    def __init__(self):
        self.stages, self.rounds, self.steps = [], [], 0

    def stage(self, name, steps):
        self.stages.append((name, steps))

    def round(self, happened):
        self.rounds.append(happened)

    def step(self):
        self.steps += 1


@pytest.mark.parametrize(
    "wanted", [(), ("pooled",), ("local", "popularity"), ("popularity", "local", "pooled")], ids=str
)
def test_the_contenders_are_those_planned(wanted):
    heard = Heard()
    plan = Plan(contenders=wanted, local_clients=3)
    found = small_comparison(Transitions(), plan=plan, listener=heard)
    assert set(found.contenders) == {"federated", *wanted}
    assert heard.stages[0][0] == "federated"
    assert {name for name, _ in heard.stages} == set(found.contenders)
    assert heard.steps == dict(heard.stages).get("local", 0) == 3 * ("local" in wanted)
    for name, contender in found.contenders.items():
        assert contender.name == name
        assert contender.seconds >= 0
        assert set(contender.evaluation.values) == set(PROTOCOL.names) | {
            "list/coverage@5",
            "list/gini@5",
        }
    assert (found.tax("full/ndcg@5") is None) == ("pooled" not in wanted)


@pytest.mark.parametrize(
    "recipe",
    [Popularity(), Transitions(), ItemItem(regularization=20.0)],
    ids=lambda r: r.name,
)
def test_a_model_of_a_single_sum_pays_no_tax(recipe):
    found = small_comparison(recipe, plan=Plan(contenders=("pooled",)))
    for metric in PROTOCOL.names:
        assert found.tax(metric) == (0, 0, 0)


def test_the_tax_is_pooled_less_federated(comparison):
    ours, pooled = (comparison.contenders[n].evaluation for n in ("federated", "pooled"))
    turned = replace(
        comparison,
        contenders={
            "federated": comparison.contenders["pooled"],
            "pooled": comparison.contenders["federated"],
        },
    )
    for column, metric in enumerate(ours.values):
        tax, low, high = comparison.tax(metric)
        assert tax == pooled.values[metric] - ours.values[metric]
        drawn = pooled.replicates[:, column] - ours.replicates[:, column]
        assert_allclose([low, high], np.quantile(drawn, [0.025, 0.975]))
        assert_allclose(turned.tax(metric), [-tax, -high, -low], atol=1e-12)


def test_who_hardly_trains_pays_a_tax():
    """A model with a single small step is worse than pooled training to the end."""
    recipe = ALS(dimension=4, rounds=1, step_size=0.01)
    tax, low, high = small_comparison(recipe, plan=Plan(contenders=("pooled",))).tax("full/hr@5")
    assert tax > 0
    assert low <= tax <= high


def test_replicates_are_paired():
    """The interval of the difference is narrower than that of two samples of users."""
    recipe = ALS(dimension=4, rounds=2)
    protocol = EvaluationProtocol(k=5, sampled=0, replicates=200)
    found = small_comparison(recipe, protocol=protocol, plan=Plan(contenders=("pooled",)))
    _, low, high = found.tax("full/ndcg@5")
    widths = [np.diff(c.evaluation.interval("full/ndcg@5"))[0] for c in found.contenders.values()]
    assert 0 < high - low < np.hypot(*widths)


def test_without_replicates_the_interval_is_the_value():
    protocol = EvaluationProtocol(k=5, sampled=0, replicates=0)
    found = small_comparison(RECIPE, protocol=protocol, plan=Plan(contenders=("pooled",)))
    tax, low, high = found.tax("full/ndcg@5")
    assert tax == low == high


def test_devices_and_silos_train_the_same_from_one_sum():
    log = small_log()
    silos = Clients.dirichlet(len(log.users), 5, 1.0, seed=0)
    plan = Plan(contenders=())
    ours, theirs = (
        compare(log, Transitions(), clients=c, protocol=PROTOCOL, plan=plan) for c in (None, silos)
    )
    assert_same_arrays(ours.recommender.state.arrays, theirs.recommender.state.arrays)
    assert ours.contenders["federated"].evaluation.values == pytest.approx(
        theirs.contenders["federated"].evaluation.values
    )
    assert ours.clients.kind == "devices"
    assert len(ours.clients) == len(log.users)
    assert theirs.clients is silos


def changed_targets(log):
    """Return the log with another item as the last one of everybody who has two or more."""
    block = log.block
    last = (block.ages == 0) & (block.lengths[block.rows] > 1)
    items = np.where(last, (block.items + 1) % block.n_items, block.items).astype(np.int32)
    assert (items != block.items).sum() == last.sum() > 0
    return replace(log, block=replace(block, items=items))


@pytest.mark.parametrize("patience", [None, 1])
def test_models_never_see_what_they_are_judged_by(patience):
    log = small_log()
    plan = Plan(contenders=("popularity",), patience=patience)
    ours, theirs = (
        compare(each, RECIPE, protocol=PROTOCOL, plan=plan) for each in (log, changed_targets(log))
    )
    assert_same_arrays(ours.recommender.state.arrays, theirs.recommender.state.arrays)
    # Only the judgement differs.
    name = "full/ndcg@5"
    assert (
        ours.contenders["federated"].evaluation.values[name]
        != theirs.contenders["federated"].evaluation.values[name]
    )


@pytest.mark.parametrize("split", [LastOut(), RandomPerUser(share=0.3, seed=2)], ids=str)
def test_without_patience_the_training_history_is_the_tests(split):
    log = small_log()
    found = compare(log, RECIPE, split=split, protocol=PROTOCOL, plan=Plan(contenders=()))
    state = states_of(RECIPE, split.test(log.block).history)[-1]
    assert_same_arrays(found.recommender.state.arrays, state.arrays)


def test_with_patience_the_validation_interactions_are_kept_out_of_training():
    log = small_log()
    plan = Plan(contenders=("pooled",), patience=5)
    found = compare(log, Popularity(), protocol=PROTOCOL, plan=plan)
    state = states_of(Popularity(), LastOut().validation(log.block).history)[-1]
    assert_array_equal(found.recommender.state.arrays["counts"], state.arrays["counts"])
    assert found.tax("full/ndcg@5") == (0, 0, 0)


def test_patience_ends_training_that_gets_no_better():
    recipe = Factorization(dimension=4, rounds=40, server="average", server_rate=1e-9)
    plan = Plan(contenders=(), patience=2)
    heard = Heard()
    found = small_comparison(recipe, plan=plan, listener=heard)
    rounds = found.contenders["federated"].rounds
    assert len(rounds) < 40
    assert list(rounds) == heard.rounds
    quality = [r.quality["full/ndcg@5"] for r in rounds]
    assert max(quality[-2:]) <= max(quality[:-2])


def test_the_curve_ends_at_the_final_figures(comparison):
    federated = comparison.contenders["federated"]
    assert [r.number for r in federated.rounds] == [1, 2, 3]
    last = federated.rounds[-1].quality
    assert last == pytest.approx(dict(federated.evaluation.values))
    unwatched = small_comparison(RECIPE, plan=Plan(contenders=(), watch=False))
    assert all(r.quality == {} for r in unwatched.contenders["federated"].rounds)


def test_traffic_is_that_of_the_rounds(comparison):
    federated, pooled = (comparison.contenders[n] for n in ("federated", "pooled"))
    assert federated.bytes_up == sum(r.bytes_up for r in federated.rounds)
    model = comparison.recommender.state.nbytes
    assert federated.bytes_down == sum(r.bytes_down for r in federated.rounds) + model
    assert pooled.bytes_up == pooled.bytes_down == 0
    assert pooled.rounds == ()
    assert comparison.client_updates_per_second > 0


def test_who_takes_part_is_as_asked():
    found = small_comparison(
        RECIPE, participation=Participation(share=0.5, seed=1), plan=Plan(contenders=())
    )
    assert {r.asked for r in found.contenders["federated"].rounds} == {30}


def test_the_note_says_when_local_clients_were_drawn(comparison):
    assert "for 4 clients drawn at random" in comparison.contenders["local"].note
    everyone = small_comparison(Popularity(), plan=Plan(contenders=("local",), local_clients=1000))
    assert "drawn" not in everyone.contenders["local"].note


def test_a_run_resumed_from_its_checkpoint_finds_the_same(comparison, tmp_path):
    path = tmp_path / "run.safetensors"
    plan = Plan(contenders=())
    first = small_comparison(RECIPE, plan=plan, checkpoint=path)
    again = small_comparison(RECIPE, plan=plan, checkpoint=path, resume=True)
    for found in (first, again):
        assert_same_arrays(found.recommender.state.arrays, comparison.recommender.state.arrays)
    rounds = [c.contenders["federated"].rounds for c in (first, again)]
    assert rounds[0] == rounds[1]


def test_examples_are_what_the_model_recommends(comparison):
    log, fold = comparison.log, LastOut().test(comparison.log.block)
    assert len(comparison.examples) == comparison.plan.examples == 5
    users = log.users.to_list()
    title = log.catalog.title
    for example in comparison.examples:
        row = users.index(example.user)
        history = histories_of(fold.history)[row]
        target = [log.catalog.ids[i] for i in histories_of(fold.targets)[row]]
        assert example.history == tuple(title(i) for i in history[-8:])
        assert example.held_out == tuple(title(i) for i in histories_of(fold.targets)[row])
        ids = [log.catalog.ids[i] for i in history]
        wanted = comparison.recommender.recommend(ids, k=5)
        assert [r.item_id for r in example.recommended] == [r.item_id for r in wanted]
        assert example.hits == tuple(r.item_id in target for r in example.recommended)
        assert not {r.item_id for r in example.recommended} & set(ids)
    lengths = [len(example.history) for example in comparison.examples]
    assert lengths == sorted(lengths)
    assert lengths[0] >= 3


def log_of(histories, n_items):
    block = Block.of(histories, n_items)
    users = pl.Series([f"u{i}" for i in range(len(block))])
    return Interactions(users, catalog_of(n_items), block)


def test_examples_of_short_histories_are_shown_too():
    log = log_of([[0, 1], [1, 2], [2]], 3)
    found = compare(log, Popularity(), protocol=PROTOCOL, plan=Plan(contenders=(), examples=5))
    assert [e.user for e in found.examples] == ["u0", "u1"]
    assert [len(e.recommended) for e in found.examples] == [2, 2]


def test_examples_show_the_latest_of_long_histories():
    log = log_of([range(12), range(3, 15), [1, 2, 3, 4]], 15)
    found = compare(log, Popularity(), protocol=PROTOCOL, plan=Plan(contenders=(), examples=5))
    shown = {example.user: example.history for example in found.examples}
    assert shown["u0"] == tuple(log.catalog.title(i) for i in range(3, 11))
    assert shown["u2"] == tuple(log.catalog.title(i) for i in (1, 2, 3))


def test_nobodys_history_is_shown_unless_asked_for():
    log = log_of([range(12), range(3, 15), [1, 2, 3, 4]], 15)
    found = compare(log, Popularity(), protocol=PROTOCOL, plan=Plan(contenders=()))
    assert found.examples == ()
    assert not {'"u0"', '"u1"', '"u2"'} & set(re.findall(r'"u\d"', json.dumps(as_json(found))))
    with pytest.raises(ConfigError, match="not negative"):
        Plan(examples=-1)


def test_odd_histories_are_compared():
    block = random_block(users=20)
    log = replace(log_of([[0]], 13), users=pl.Series([str(i) for i in range(24)]), block=block)
    found = compare(log, RECIPE, protocol=PROTOCOL)
    assert set(found.contenders) == {"federated", "pooled", "local", "popularity"}
    new = [h for h in histories_of(block) if len(h) > 1 and h[-1] not in h[:-1]]
    assert {c.evaluation.users for c in found.contenders.values()} == {len(new)}


@pytest.mark.parametrize(
    ("histories", "n_items", "sentence"),
    [
        ([[0, 1, 2]], 3, "single user"),
        ([[0, 0], [0, 0]], 1, "single item"),
        ([[0], [1], []], 2, "two interactions"),
    ],
)
def test_too_little_data_is_refused(histories, n_items, sentence):
    with pytest.raises(DataError, match=sentence):
        compare(log_of(histories, n_items), Popularity())
