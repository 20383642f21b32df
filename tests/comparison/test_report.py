"""The report: one file that loads nothing, escapes everything and draws in a real browser."""

import base64
import csv
import io
import json
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from pages import WIDTHS, Page, seen_by_chromium
from small_comparisons import HOSTILE, PROTOCOL, small_comparison

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.report import write_report
from hedgerow.comparison.report.curves import watched
from hedgerow.comparison.report.wording import megabytes, seconds, tax_sentence, verdict
from hedgerow.comparison.report.write import render
from hedgerow.comparison.result import Plan
from hedgerow.federation.clients import Participation
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.models.transitions import Transitions

RECIPES = [Popularity(), ALS(dimension=4, rounds=3), Transitions()]


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.name)
def comparison(request):
    return small_comparison(request.param)


@pytest.fixture(scope="module")
def written(comparison, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    write_report(comparison, path)
    return path


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text("utf-8"))


@pytest.fixture(scope="module")
def facts():
    return as_json(small_comparison(ALS(dimension=4, rounds=3)))


def test_it_says_the_verdict_and_shows_every_contender(comparison, page):
    assert re.sub(r"\s+", " ", verdict(as_json(comparison))) in page.text
    for name in ("Popularity", "Local", "Federated", "Pooled"):
        assert name in page.text


def test_hostile_titles_are_text(page):
    assert HOSTILE in page.text
    assert "User u" in page.text
    assert not page.all("img")
    assert not page.all("b<")
    assert len(page.all("script")) == 3
    assert not any("alert(" in script for script in page.scripts)


def test_data_in_the_script_cannot_end_it(facts):
    facts = json.loads(json.dumps(facts))
    for happened in facts["history"]:
        happened["step"] = HOSTILE
    page = Page(render(facts))
    assert len(page.all("script")) == 3
    assert len(json.loads(page.scripts[0])) == 3


def test_only_its_own_scripts_may_run_and_nothing_is_fetched(page, written):
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in policy
    assert policy.count("sha256-") == 2
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1]
    for _, attributes in page.elements:
        assert not {"src", "srcset", "action", "onload", "onerror"} & set(attributes)
        assert attributes.get("href", "#").startswith(("#", "data:"))
    styles = re.findall(r"<style>(.*?)</style>", written.read_text("utf-8"), re.DOTALL)
    assert len(styles) == 3
    assert not any("@import" in style or "url(" in style for style in styles)


def test_it_is_semantic(page):
    assert page.all("html") == [{"lang": "en-GB"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in heading for heading in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert set(named) <= set(ids)


def test_the_downloads_hold_the_figures(facts):
    page = Page(render(facts))
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    assert set(links) == {
        "ndcg-by-round.csv",
        "hr-by-round.csv",
        "quality-by-bytes.csv",
        "coverage-and-bias.csv",
        "hedgerow-report.json",
    }
    held = base64.b64decode(links["hedgerow-report.json"].split(",", 1)[1])
    assert json.loads(held) == facts
    text = unquote(links["ndcg-by-round.csv"].split(",", 1)[1])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["NDCG@5"]) for row in rows] == [
        happened["quality"]["full/ndcg@5"] for happened in facts["history"]
    ]


def test_hits_are_marked(facts):
    facts = json.loads(json.dumps(facts))
    for example in facts["examples"]:
        example["hits"] = [False] * len(example["recommended"])
    assert not Page(render(facts)).all("mark")
    facts["examples"][0]["hits"][1] = True
    assert len(Page(render(facts)).all("mark")) == 1


def test_it_does_with_little():
    bare = small_comparison(
        Transitions(),
        plan=Plan(contenders=(), watch=False),
        protocol=replace(PROTOCOL, sampled=0, replicates=0),
    )
    page = Page(render(as_json(bare)))
    assert "Quality was not followed during training" in page.text
    assert "federation tax is not known" in page.text
    assert "sampled metric" not in page.text
    assert "bootstrap" not in page.text
    assert not [a for _, a in page.elements if "data-chart" in a]


def test_a_single_round_is_one_point_and_several_are_a_curve(facts):
    assert "the curve is one point" in Page(render(as_json(small_comparison(Transitions())))).text
    assert "the curve is one point" not in Page(render(facts)).text


def test_cohorts_of_one_sum_are_one_point():
    quarter = Participation(share=0.25, seed=1)
    facts = as_json(small_comparison(Transitions(), participation=quarter))
    assert len(facts["history"]) == 4
    (point,) = watched(facts)
    assert point["number"] == 4
    assert point["sent"] == pytest.approx(facts["bytes_up_per_client"] / 1e6)


def test_the_verdict_leaves_out_what_is_not_known(facts):
    assert "of pooled training" in verdict(facts)
    alone = {**facts, "pooled": None, "popularity": None}
    assert "pooled" not in verdict(alone)
    assert "popularity" not in verdict(alone)


@pytest.mark.parametrize(
    ("tax", "interval", "words"),
    [
        (0.0, [0.0, 0.0], "costs nothing"),
        (0.01, [-0.01, 0.02], "0.0100 less NDCG@5 than pooled training"),
        (-0.01, [-0.02, 0.01], "chance alone could explain"),
        (0.01, [0.005, 0.02], "does not hold zero"),
        (0.01, None, "no interval was computed"),
    ],
)
def test_the_tax_in_words(facts, tax, interval, words):
    changed = {**facts, "federation_tax": tax, "federation_tax_interval": interval}
    assert words in tax_sentence(changed)
    render(changed)


def test_sizes_and_durations_are_readable():
    sizes = (512, 99_000, 4_100_000, 2.5e9)
    assert [megabytes(s) for s in sizes] == [
        "0.5\u00a0kB",
        "99.0\u00a0kB",
        "4.1\u00a0MB",
        "2,500\u00a0MB",
    ]
    spans = (0, 0.02, 0.5, 12.34, 61.2, 7_199.6)
    assert [seconds(s) for s in spans] == [
        "under 1\u00a0ms",
        "20\u00a0ms",
        "0.50\u00a0s",
        "12.3\u00a0s",
        "1\u00a0min 1\u00a0s",
        "120\u00a0min 0\u00a0s",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_draws_in_a_browser_at_any_width(written, tmp_path, dark):
    shown, console = seen_by_chromium(written, tmp_path, dark=dark)
    assert console == []
    for frame, width in zip(shown, WIDTHS, strict=True):
        assert frame["canvases"] == [True, True, True]
        assert frame["width"] <= width
        assert (frame["paper"] == "rgb(18, 23, 20)") == dark
