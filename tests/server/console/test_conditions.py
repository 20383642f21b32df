"""The conditions behind the alerts: each holds where it should, and only there."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from console.seeded import ITEMS, fill, terms
from routes.interface import NOW, coordinator
from sqlalchemy import insert, select, update

from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.operations import conditions
from hedgerow.server.operations.conditions import RULES, look
from hedgerow.server.storage import tables
from hedgerow.server.tasks.task import Task

ALERTS = Path(__file__).parents[3] / "deploy" / "alerts.yaml"


@pytest.fixture
def running(tmp_path):
    with coordinator(tmp_path) as found:
        fill(found.deployment, rounds=20, clients=700)
        database = found.deployment.database
        with database.write() as connection:
            # Nothing wrong to begin with.
            good = tables.rounds.c.phase == "failed"
            connection.execute(update(tables.rounds).where(good).values(phase="done", failure=None))
        yield found


def holding(running):
    return {
        rule.name: [(one.task, one.summary) for one in found]
        for rule, found in look(running.site.service)
        if found
    }


def change(running, statement):
    with running.deployment.database.write() as connection:
        connection.execute(statement)


def add_rounds(running, count, **values):
    """More rounds of the run that goes on."""
    with running.deployment.database.write() as connection:
        run = connection.scalar(tables.runs.select().with_only_columns(tables.runs.c.id).where(
            tables.runs.c.status == "running"))  # fmt: skip
        rows = [
            {"id": f"{number:032x}", "run": run, "step": 400, "purpose": "step", "attempt": number,
             "phase": "failed", "mode": "pairwise", "ask": "", "terms": to_wire(terms()),
             "deadline": NOW, "owner": None, "lease_until": 0.0, "epoch": 1, "created": NOW - 300,
             "changed": NOW - 200, "failure": None, "stats": "{}", **values}
            for number in range(count)
        ]  # fmt: skip
        connection.execute(insert(tables.rounds), rows)


def test_all_is_quiet_where_nothing_is_wrong(running):
    assert holding(running) == {}


def test_those_with_a_rule_for_prometheus_have_its_name_and_urgency():
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    theirs = {rule["alert"]: rule["labels"]["severity"] for rule in rules}
    ours = {f"Hedgerow{rule.name}": rule.severity for rule in RULES}
    shared = ours.keys() & theirs.keys()
    assert len(shared) >= 5
    assert all(ours[name] == theirs[name] for name in shared)


def test_rounds_that_fail_for_one_reason_are_counted_for_an_hour(running):
    add_rounds(running, 2, failure="too-few-clients")
    assert "RoundsFail" not in holding(running)
    change(running, tables.rounds.delete().where(tables.rounds.c.step == 400))
    add_rounds(running, 3, failure="too-few-clients")
    ((_, said),) = holding(running)["RoundsFail"]
    assert said == "3 rounds in pairwise mode failed within an hour: too-few-clients."
    old = update(tables.rounds).where(tables.rounds.c.step == 400).values(changed=NOW - 3601)
    change(running, old)
    assert "RoundsFail" not in holding(running)


def test_a_sum_that_is_tried_again_and_again(running):
    add_rounds(running, 3, phase="gather")
    assert "FailedInARow" not in holding(running)
    change(running, update(tables.rounds).where(tables.rounds.c.attempt == 2).values(attempt=3))
    assert [task for task, _ in holding(running)["FailedInARow"]] == ["movies"]


@pytest.mark.parametrize(("late", "held"), [(119, False), (121, True)])
def test_a_round_past_its_deadline(running, late, held):
    add_rounds(running, 1, phase="keys", deadline=NOW - late, changed=NOW - 500)
    found = holding(running)
    assert ("RoundStuck" in found) == held
    if held:
        assert "no replica looks after it" in found["RoundStuck"][0][1]


def test_only_the_newest_run_counts_as_failed(running):
    movies = tables.runs.c.status == "running"
    change(running, update(tables.runs).where(movies).values(status="failed", note="Too few came."))
    assert holding(running)["RunFailed"] == [("movies", "The newest run has failed: Too few came.")]


def test_a_refused_release_and_a_budget_that_runs_out(running):
    add_rounds(running, 1, failure="budget-spent")
    assert [task for task, _ in holding(running)["BudgetSpent"]] == ["movies"]
    lines = tables.ledger_lines
    with running.deployment.database.write() as connection:
        rows = connection.execute(lines.select().order_by(lines.c.number)).all()
        newest = json.loads(rows[-1].line)
        assert newest["account"] == "task movies"
        newest["epsilon"] = 7.2
        at = lines.c.number == rows[-1].number
        connection.execute(update(lines).where(at).values(line=json.dumps(newest).encode()))
    assert holding(running)["BudgetNearlySpent"] == [
        ("movies", "Epsilon 7.2 of 8 is spent, with 1 of 2 runs to come.")
    ]


def test_a_task_that_waits_for_more_clients(running):
    task = Task("wide", "popularity", "0" * 64, Policy(secure="split", minimum=900))
    running.deployment.task(task, ITEMS)
    ((name, said),) = holding(running)["FewClients"]
    assert name == "wide"
    assert said.endswith("are enrolled and 900 are needed.")
    change(
        running, update(tables.tasks).where(tables.tasks.c.name == "wide").values(status="paused")
    )
    assert "FewClients" not in holding(running)


@pytest.mark.parametrize(("count", "held"), [(10, False), (11, True)])
def test_messages_that_are_refused(running, count, held):
    with running.deployment.database.write() as connection:
        seqs = connection.scalars(
            tables.messages.select().with_only_columns(tables.messages.c.seq).limit(count)
        ).all()
        chosen = tables.messages.c.seq.in_(seqs)
        connection.execute(update(tables.messages).where(chosen).values(refused="bad-message"))
    assert ("MessagesRefused" in holding(running)) == held


@pytest.mark.parametrize(("ndcg", "held"), [(0.5, False), (0.01, True)])
def test_a_newest_model_that_is_surely_worse(running, ndcg, held):
    models = tables.models
    with running.deployment.database.write() as connection:
        newest = connection.execute(models.select().order_by(models.c.created.desc())).first()
        quality = {**json.loads(newest.quality), "ndcg@10": ndcg}
        own = models.c.hash == newest.hash
        connection.execute(update(models).where(own).values(quality=json.dumps(quality)))
    found = holding(running)
    # Of two tasks the newest model may be either's; a better one raises no alarm.
    assert ("QualityFell" in found) == held


def test_a_disk_that_fills_up(running, monkeypatch):
    here = shutil.disk_usage(running.deployment.folder)
    share = here.free / here.total
    monkeypatch.setattr(conditions, "DISK_LEFT", share * 1.5)
    assert "DiskFull" in holding(running)
    monkeypatch.setattr(conditions, "DISK_LEFT", share / 2)
    assert "DiskFull" not in holding(running)


def test_a_task_whose_runs_are_over_needs_no_clients(running):
    policy = Policy(secure="split", minimum=900)
    running.deployment.task(Task("wide", "popularity", "0" * 64, policy, schedule="once"), ITEMS)
    wide = select(tables.tasks.c.id).where(tables.tasks.c.name == "wide").scalar_subquery()
    change(running, update(tables.runs).values(task=wide, status="running"))
    assert "FewClients" in holding(running)
    change(running, update(tables.runs).values(status="done"))
    assert "FewClients" not in holding(running)
