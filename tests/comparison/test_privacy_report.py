"""The report's section on privacy: what is promised, who is trusted, and what is left out."""

import csv
import io
import json
from urllib.parse import unquote

import pytest
from pages import WIDTHS, Page, seen_by_chromium
from small_comparisons import HOSTILE, small_comparison

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.report import add_audit
from hedgerow.comparison.report.promise import figure, not_covered, promise, small, trust
from hedgerow.comparison.report.write import render
from hedgerow.comparison.result import Plan
from hedgerow.errors import DataError
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.policy import Policy

AUDIT = {
    "passed": False,
    "noise": True,
    "masks": True,
    "epsilon_claimed": 3.0,
    "epsilon_lower_bound": 1.234567,
    "membership_auc": 0.5312,
    "server_view_auc": None,
    "wire_findings": [HOSTILE, "a key in clear"],
    "delta": 1e-5,
    "confidence": 0.95,
    "canaries": {"count": 500, "included": 250},
    "verdicts": {
        "canaries": {"passed": True, "sentence": "The bound holds."},
        "membership": {"passed": True, "sentence": "As well as chance."},
        "wire": {"passed": False, "sentence": f"Found {HOSTILE}."},
    },
}


@pytest.fixture(scope="module")
def comparison():
    plan = Plan(contenders=("popularity",), curve=(4.0, 1.0), curve_seeds=2)
    recipe, policy = ALS(dimension=4, rounds=3), Policy(epsilon=3.0, clip=2.0)
    return small_comparison(recipe, policy=policy, plan=plan)


@pytest.fixture(scope="module")
def facts(comparison):
    return as_json(comparison)


@pytest.fixture(scope="module")
def written(comparison, tmp_path_factory):
    path = tmp_path_factory.mktemp("privacy") / "report.html"
    figures = path.with_name("result.json")
    facts = as_json(comparison)
    figures.write_text(json.dumps(facts))
    known = {"model": facts["model"], "policy": facts["privacy"]["policy"], "data": facts["data"]}
    for other in ({"model": "als2"}, {"policy": {}}, {"data": {"users": 1}}, {"noise": False}):
        assert not add_audit(figures, path, AUDIT | known | other)
    assert not path.exists()
    assert add_audit(figures, path, AUDIT | known)
    assert json.loads(figures.read_text())["privacy"]["audit"] == AUDIT | known
    return path


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"privacy": null}', '{"privacy": {}}'])
def test_an_audit_of_another_file_is_refused_and_writes_nothing(text, tmp_path):
    figures, report = tmp_path / "result.json", tmp_path / "report.html"
    figures.write_text(text)
    with pytest.raises(DataError, match="not what hedgerow simulate writes"):
        add_audit(figures, report, AUDIT)
    assert not report.exists()
    assert figures.read_text() == text


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text("utf-8"))


def changed(facts, **privacy):
    return {**facts, "privacy": {**facts["privacy"], **privacy}}


def test_it_says_what_is_promised_and_what_is_not(facts, page):
    text = promise(facts["privacy"])
    assert text.replace("\u00a0", " ") in page.text.replace("\u00a0", " ")
    for words in ("epsilon 3 ", "any one user", "add or remove", "Gaussian noise", "the server"):
        assert words in text.replace("\u00a0", " ")
    assert "per user at one client. A person who is at more than one client is protected" in text
    several = promise(changed(facts, clients_per_person=3)["privacy"])
    assert "per user at 3 clients. A person who is at more than 3 clients is protected" in several
    assert "at more than" not in promise(changed(facts, unit="silo")["privacy"])
    for words in (
        "were not chosen privately",
        "own measurements",
        "a secret of the run’s own",
        "Sampling:",
        "one client that lies can decide what a model recommends",
    ):
        assert words in page.text


def test_every_release_and_every_kind_of_step_has_its_row(facts, page):
    for entry in facts["privacy"]["ledger"]:
        assert entry["step"] in page.text
        assert figure(entry["sigma"]) in page.text
    assert "improve item vectors 3 " in page.text


@pytest.mark.parametrize(
    ("secure", "parties", "words"),
    [
        ("none", ["The server", "Whoever sees the model"], "every client’s clipped term"),
        ("pairwise", ["The server, with clients that collude"], "at most 20\u00a0% of the clients"),
        ("split", ["The coordinator", "The helper", "Both together"], "does not collude"),
    ],
)
def test_it_says_who_is_trusted_with_what(facts, secure, parties, words):
    told = trust(changed(facts, secure=secure))
    assert set(parties) <= {party.who for party in told}
    assert any(words in party.learns + party.assumed for party in told)
    assert words.replace("\u00a0", " ") in Page(render(changed(facts, secure=secure))).text


def test_masks_without_noise_promise_no_differential_privacy():
    policy, plan = Policy(secure="split", clip=9.0), Plan(contenders=(), watch=False)
    facts = as_json(small_comparison(Popularity(), policy=policy, plan=plan))
    page = Page(render(facts))
    assert "No differential privacy is promised" in page.text
    assert "are those of the secured sums’ messages" in page.text
    assert not_covered(facts) == ()
    assert any("exact sum" in party.learns for party in trust(facts))
    assert "What was spent" not in page.text


def test_without_a_policy_there_is_no_such_section():
    page = Page(render(as_json(small_comparison(Popularity()))))
    assert not [a for tag, a in page.elements if a.get("id") == "privacy"]


def test_a_curve_without_a_promise_is_shown_all_the_same():
    plan = Plan(contenders=(), watch=False, curve=(2.0,), curve_seeds=1)
    page = Page(render(as_json(small_comparison(Popularity(), plan=plan))))
    assert "Quality against epsilon" in page.text
    assert "Student" not in page.text
    assert len([a for _, a in page.elements if "data-chart" in a]) == 2


def test_the_curve_is_drawn_from_its_figures(facts, page):
    charts = json.loads(page.scripts[0])
    assert len(charts) == len([a for _, a in page.elements if "data-chart" in a]) == 5
    ndcg = charts[3]
    points = facts["privacy"]["curve"]["points"][::-1]
    assert ndcg["x"] == ndcg["x_ticks"] == [1.0, 4.0]
    (series,) = ndcg["series"]
    assert series["values"] == [p["metrics"]["ndcg@5"]["mean"] for p in points]
    assert series["intervals"] == [p["metrics"]["ndcg@5"]["interval"] for p in points]
    assert {line["contender"] for line in ndcg["references"]} == {"without", "popularity"}
    assert ndcg["y_range"][1] >= max(high for _, high in series["intervals"])
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    rows = list(csv.DictReader(io.StringIO(unquote(links["hr-by-epsilon.csv"].split(",", 1)[1]))))
    assert [row["Epsilon"] for row in rows] == ["without noise"] * 2 + ["1"] * 2 + ["4"] * 2


def test_an_audit_is_told_with_its_verdicts(page):
    for words in ("1.235", "0.5312", "500", "95\u00a0%", "1e-05", "The bound holds."):
        assert words.replace("\u00a0", " ") in page.text.replace("\u00a0", " ")
    for verdict in ("passed", "failed"):
        assert verdict in page.text
    assert "that sees terms" not in page.text


def test_text_from_elsewhere_is_text(facts, page):
    assert f"Found {HOSTILE}." in page.text
    hostile = json.loads(json.dumps(facts))
    for entry in (*hostile["privacy"]["ledger"], *hostile["privacy"]["costs"]):
        entry["step"] = HOSTILE
    for seen in (page, Page(render(hostile))):
        assert HOSTILE in seen.text
        assert len(seen.all("script")) == 3
        assert not seen.all("img")


def test_it_is_semantic(page):
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in heading for heading in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert set(named) <= set(ids)


def test_numbers_are_readable():
    values = (0, 2, 0.26458, 12345.6, 1e-5, 3.2e7, None)
    assert [figure(v) for v in values] == [
        "0",
        "2",
        "0.2646",
        "12,346",
        "1e-05",
        "32,000,000",
        "–",
    ]
    assert [small(v) for v in (1e-5, 1.234e-6, None)] == ["1e-05", "1.2e-06", "–"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_draws_in_a_browser_at_any_width(written, tmp_path, dark):
    shown, console = seen_by_chromium(written, tmp_path, dark=dark)
    assert console == []
    for frame, width in zip(shown, WIDTHS, strict=True):
        assert frame["canvases"] == [True] * 5
        assert frame["width"] <= width
