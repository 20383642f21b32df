"""The JSON of a comparison: its names, which others rely on, and its numbers, as they were."""

import json
from dataclasses import replace

import pytest
from small_comparisons import PROTOCOL, small_comparison

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.result import Plan
from hedgerow.data.split import RandomPerUser
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.models.registry import make
from hedgerow.models.transitions import Transitions

TOP = {
    "model",
    "options",
    "seed",
    "metrics",
    "users",
    "rounds",
    "seconds",
    "bytes_up_per_client",
    "bytes_down_per_client",
    "note",
    "federation_tax",
    "federation_tax_interval",
    "gains",
    "client_updates_per_second",
    "pooled",
    "local",
    "popularity",
    "data",
    "protocol",
    "history",
    "privacy",
    "examples",
    "machine",
    "version",
    "report",
}
RANKED = {"hr@5", "ndcg@5", "recall@5", "precision@5", "mrr@5", "map@5"}
LISTS = {"novelty@5", "diversity@5", "serendipity@5", "coverage@5", "gini@5"}


@pytest.fixture(scope="module")
def comparison():
    return small_comparison(ALS(dimension=4, rounds=3))


@pytest.fixture(scope="module")
def facts(comparison):
    return as_json(comparison)


@pytest.mark.parametrize(
    "recipe", [Popularity(), ALS(dimension=4, rounds=2), Transitions()], ids=lambda r: r.name
)
def test_it_survives_the_way_through_json(recipe):
    facts = as_json(small_comparison(recipe))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_the_names_are_those_that_others_rely_on(facts):
    assert set(facts) == TOP
    assert set(facts["data"]) == {
        "users",
        "items",
        "interactions",
        "clients",
        "client_kind",
        "network",
        "notes",
    }
    assert set(facts["protocol"]) == {
        "split",
        "split_options",
        "k",
        "sampled",
        "repeats",
        "replicates",
        "seed",
    }
    assert set(facts["machine"]) == {"python", "numpy", "processor", "cpus"}
    assert set(facts["examples"][0]) == {"user", "history", "held_out", "recommended", "hits"}
    assert {"number", "step", "bytes_up", "quality"} <= set(facts["history"][0])


@pytest.mark.parametrize("name", ["federated", "pooled", "local", "popularity"])
def test_every_contender_has_the_same_figures_as_were_measured(comparison, facts, name):
    figures = facts if name == "federated" else facts[name]
    measured = comparison.contenders[name]
    metrics, intervals = figures["metrics"], figures["metrics"]["intervals"]
    assert set(metrics) == {"full", "sampled", "lists", "intervals"}
    assert set(metrics["full"]) == set(metrics["sampled"]) == RANKED
    assert set(metrics["lists"]) == LISTS
    assert set(intervals["full"]) == set(intervals["sampled"]) == RANKED
    for metric, value in measured.evaluation.values.items():
        kind, key = metric.split("/")
        kind = "lists" if kind == "list" else kind
        assert metrics[kind][key] == value
        if key in intervals[kind]:
            assert intervals[kind][key] == list(measured.evaluation.interval(metric))
    assert figures["users"] == measured.evaluation.users
    assert figures["rounds"] == len(measured.rounds)
    assert figures["seconds"] == measured.seconds
    assert figures["bytes_up_per_client"] == measured.bytes_up
    assert figures["bytes_down_per_client"] == measured.bytes_down
    assert figures["note"] == measured.note


def test_coverage_and_gini_claim_no_interval(facts):
    assert set(facts["metrics"]["intervals"]["lists"]) == LISTS - {"coverage@5", "gini@5"}


def test_the_tax_is_pooled_minus_federated_on_the_full_ranking(facts):
    pooled, ours = facts["pooled"]["metrics"]["full"], facts["metrics"]["full"]
    assert facts["federation_tax"] == pooled["ndcg@5"] - ours["ndcg@5"]
    low, high = facts["federation_tax_interval"]
    assert low <= high


def test_the_options_make_the_model_again(comparison, facts):
    assert make(facts["model"], facts["options"]) == comparison.recipe


def test_what_was_not_asked_for_is_null_or_empty():
    bare = small_comparison(
        Transitions(),
        plan=Plan(contenders=(), watch=False),
        protocol=replace(PROTOCOL, sampled=0, replicates=0),
        split=RandomPerUser(share=0.3, seed=5),
    )
    facts = as_json(bare)
    assert facts["pooled"] is facts["local"] is facts["popularity"] is None
    assert facts["federation_tax"] is facts["federation_tax_interval"] is None
    assert facts["metrics"]["sampled"] == {}
    assert facts["metrics"]["intervals"] == {"full": {}, "sampled": {}, "lists": {}}
    assert facts["history"][0]["quality"] == {}
    assert facts["protocol"]["split"] == "random_per_user"
    assert facts["protocol"]["split_options"] == {"share": 0.3, "seed": 5}


def test_a_tax_without_replicates_has_no_interval():
    protocol = replace(PROTOCOL, replicates=0)
    facts = as_json(small_comparison(Transitions(), protocol=protocol))
    assert facts["federation_tax"] is not None
    assert facts["federation_tax_interval"] is None


def test_a_number_that_is_not_finite_is_null(comparison):
    ours = comparison.contenders["federated"]
    values = {**ours.evaluation.values, "list/novelty@5": float("nan")}
    broken = replace(ours, evaluation=replace(ours.evaluation, values=values), seconds=float("inf"))
    facts = as_json(replace(comparison, contenders={**comparison.contenders, "federated": broken}))
    assert facts["metrics"]["lists"]["novelty@5"] is None
    assert facts["seconds"] is None
    json.dumps(facts, allow_nan=False)


def test_it_names_the_report(comparison):
    assert as_json(comparison, "out/report.html")["report"] == "out/report.html"
    assert as_json(comparison)["report"] is None
