"""What pages and files of the console say is what the database holds, page by page."""

import csv
import io
import json
import math

import numpy as np
import pytest
from console.seeded import TASKS
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from hedgerow.evaluation.quality import margin
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.wording import LIARS
from hedgerow.server.console.csv_files import csv_text
from hedgerow.server.console.rendering import count, power, size, span
from hedgerow.server.rounds import gather, report
from hedgerow.server.rounds.sent import FIRST
from hedgerow.server.security.access import Role
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.storage.pages import thinned
from hedgerow.server.tasks.schedule import next_runs


def table(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def rows_of(running, what):
    with running.deployment.database.read() as connection:
        return connection.execute(select(what)).all()


def test_files_hold_every_row(running, browser):
    client = browser()
    people = table(client.get("/console/participants.csv"))
    assert {row["id"] for row in people} == {row.id for row in rows_of(running, tables.clients)}
    (run,) = [row.id for row in rows_of(running, tables.runs) if "movies" in row.body]
    rounds = table(client.get(f"/console/runs/{run}/rounds.csv"))
    stored = sorted(rows_of(running, tables.rounds), key=lambda row: -row.created)
    assert [row["round"] for row in rounds] == [row.id for row in stored]
    noted = [json.loads(row.stats).get("sent", {}).get("bytes") for row in stored[1:]]
    assert [int(row["bytes"]) for row in rounds[1:]] == noted
    models = table(client.get("/console/models/movies/models.csv"))
    quality = {row.hash: json.loads(row.quality) for row in rows_of(running, tables.models)}
    for row in models:
        assert float(row["ndcg@10"]) == quality[row["model"]]["ndcg@10"]
    ledger = table(client.get("/console/privacy.csv"))
    entries = Ledger(DatabaseLines(running.deployment.database)).entries
    assert [float(row["epsilon_so_far"]) for row in ledger] == [one.epsilon for one in entries]
    assert {row["delta"] for row in ledger} == {"3.2e-06"}
    own = table(client.get("/console/privacy.csv?task=bestsellers"))
    assert [row["release"] for row in own] == ["bestsellers/0/0", "bestsellers/0/e0"]
    log = table(client.get("/console/audit-log.csv"))
    assert [int(row["number"]) for row in log] == list(range(1, len(log) + 1))


def test_pages_of_a_list_hold_each_row_once(running, browser):
    client = browser()
    seen, path = [], "/console/participants"
    while path:
        text = client.get(path).text
        seen += [part[:64] for part in text.split('href="/console/participants/')[1:]]
        following = text.partition('rel="next" href="')[2].partition('"')[0]
        path = following.replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 201
    lines = []
    for first in range(0, 150, 50):
        text = client.get(f"/console/audit-log?from={first}").text
        lines += [int(part.split("<")[0]) for part in text.split('<th scope="row" class="n">')[1:]]
    total = len(rows_of(running, tables.audit_lines))
    assert lines == list(range(total, 0, -1))[: len(lines)]
    assert len(lines) == total


def test_epsilon_is_never_without_what_it_is_for(browser):
    client = browser(Role.ANALYST)
    for path in ("/console/privacy?task=movies", "/console/tasks/movies"):
        text = client.get(path).text
        for word in ("3.2·10⁻⁶", "user", "Gaussian", "sampling assumed", "the clients"):
            assert word in text, (path, word)
    assert "δ 3.2·10⁻⁶, per user at one client" in client.get("/console/").text
    assert "at more than one client is protected less" in client.get("/console/privacy").text


def test_what_one_lying_client_can_do_is_said_where_models_and_promises_are(browser):
    client = browser(Role.ANALYST)
    for path in ("/console/privacy", "/console/models"):
        assert LIARS in client.get(path).text


def test_best_and_newest_are_those_of_the_database(running, browser):
    text = browser().get("/console/models/movies").text
    models = [row for row in rows_of(running, tables.models) if row.step < 40]
    movies = [row for row in models if len(json.loads(row.quality)) == 5 and row.created]
    with running.deployment.database.read() as connection:
        task = connection.scalar(select(tables.tasks.c.id).where(tables.tasks.c.name == "movies"))
    movies = [row for row in movies if row.task == task]
    best = max(movies, key=lambda row: json.loads(row.quality)["ndcg@10"]).hash
    newest = max(movies, key=lambda row: row.created).hash
    tiles = text.partition('<dl class="tiles">')[2].partition("</dl>")[0]
    for label, name in (("Best", best), ("Newest", newest)):
        assert f'{label} <code title="{name}">' in tiles


@given(total=st.integers(0, 60), every=st.integers(1, 12))
def test_thinning_takes_the_first_and_each_so_manieth(total, every):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        tables.catalogs.create(connection)
        rows = [{"hash": f"{n:02}", "items": n * 7 % 61, "created": 0.0} for n in range(total)]
        if rows:
            connection.execute(tables.catalogs.insert(), rows)
        query = thinned(select(tables.catalogs.c.hash, tables.catalogs.c["items"]),
                        [tables.catalogs.c["items"].desc()], every)  # fmt: skip
        found = [row.hash for row in connection.execute(query)]
    engine.dispose()
    ordered = [row["hash"] for row in sorted(rows, key=lambda row: -row["items"])]
    assert found == ordered[::every]


@pytest.mark.parametrize("mean", [0.05, 0.4, 0.9])
def test_the_interval_holds_the_mean_of_bounded_values(mean):
    """With the widest spread that values in 0 to 1 can have, 95 % hold; else more do."""
    draw = np.random.default_rng(3)
    users, deviation = 400, 0.01
    for spread, least in (("widest", 0.93), ("narrow", 0.99)):
        values = (draw.random((4000, users)) < mean).astype(float)
        if spread == "narrow":
            values = mean + (values - mean) / 3
        found = values.mean(axis=1) + deviation * draw.standard_normal(4000) / (
            1 if spread == "widest" else 3
        )
        held = [abs(one - mean) <= margin(one, users, deviation) for one in found]
        assert np.mean(held) >= least
    assert margin(0.5, 100, 0.0, z=2.0) == pytest.approx(0.1)
    assert margin(-0.2, 100, 0.0) == 0
    assert margin(0.0, 100, 0.5) == pytest.approx(1.96 * 0.5)


def test_the_next_runs_are_those_of_the_calendar():
    _, _, journeys = TASKS
    monday = 1_700_438_400.0  # 20 November 2023, midnight
    half_past_two = [monday + 86_400 * day + 9000 for day in range(5)]
    assert next_runs(journeys, monday - 60, None, 0, monday) == half_past_two
    assert next_runs(journeys, monday - 60, None, 398, monday) == half_past_two[:2]
    assert next_runs(journeys, monday - 60, None, 400, monday) == []
    # What is overdue is due now, and the calendar goes on from now.
    late = monday + 10 * 86_400
    found = next_runs(journeys, monday - 60, None, 0, late)
    assert found == [half_past_two[0], *[late + 86_400 * day + 9000 for day in range(4)]]


def test_first_messages_are_those_of_both_modes():
    assert set(FIRST) == {gather.KIND, report.KIND}


@pytest.mark.parametrize(
    ("said", "written"),
    [(span(0.38), "0.38 s"), (span(71), "1 min 11 s"), (span(7200), "2 h"), (span(None), "–"),
     (span(90_000), "1 d 1 h"), (span(0.0), "0 s"), (size(999), "999 B"), (size(7.84e7), "78.4 MB"),
     (count(10_000), "10\u202f000"), (power(3.16e-6), "3.2·10⁻⁶"),
     (power(1e-5), "1·10⁻⁵")],
)  # fmt: skip
def test_numbers_are_written_for_people(said, written):
    assert said == written


def test_no_cell_is_a_formula():
    rows = [("=1+1", 1.5, None), ("@x", -3, True), ("plain", math.pi, "-2")]
    text = "".join(csv_text(("a", "b", "c"), rows))
    found = list(csv.reader(io.StringIO(text)))
    assert found[1:] == [
        ["'=1+1", "1.5", ""],
        ["'@x", "-3", "True"],
        ["plain", str(math.pi), "'-2"],
    ]
