"""The operators' commands against a coordinator over real HTTP."""

import json
import stat

import polars as pl
import pytest
from server.routes.interface import NOW, coordinator, task_body
from typer import Typer
from typer.testing import CliRunner

from hedgerow.cli.clients import clients_app
from hedgerow.cli.enrol import enrol_command
from hedgerow.cli.models import models_app
from hedgerow.cli.rounds import rounds_command
from hedgerow.cli.task import task_app
from hedgerow.client.operator import connect
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.privacy.ledger import Ledger
from hedgerow.server.rounds.record import GATHER, open_round
from hedgerow.server.security.access import Role
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import put_live, task_named
from hedgerow.server.tasks.runs import start_run

APP = Typer()
APP.add_typer(task_app, name="task")
APP.add_typer(clients_app, name="clients")
APP.add_typer(models_app, name="models")
APP.command("enrol")(enrol_command)
APP.command("rounds")(rounds_command)


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with coordinator(tmp_path) as found:
        monkeypatch.setenv("HEDGEROW_URL", found.address)
        monkeypatch.setenv("HEDGEROW_ACCESS_KEY", found.shown[Role.OPERATOR])
        yield found


def run(*arguments):
    """Run a command; return what it printed."""
    result = CliRunner().invoke(APP, list(map(str, arguments)))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def sentence(*arguments):
    """Run a command that fails; return its one sentence."""
    result = CliRunner().invoke(APP, list(map(str, arguments)))
    assert isinstance(result.exception, HedgerowError), result.exception
    text = str(result.exception)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.fixture
def task(running, tmp_path):
    """A task, made from a catalog in CSV."""
    items = tmp_path / "items.csv"
    pl.DataFrame({"item_id": [1, 2, 3], "title": ["a", "b", "c"]}).write_csv(items)
    body = task_body("unused")
    del body["catalog"]
    file = tmp_path / "task.json"
    file.write_text(json.dumps(body))
    return run("task", "create", file, "--catalog", items)


def begin(running):
    """A run with a round and two models, of which the newer one is live."""
    with running.site.service.database.write() as connection:
        task_id, task, _ = task_named(connection, "shop")
        run = start_run(connection, task_id, task, ledger=Ledger(), state="a" * 64, now=NOW)
        open_round(
            connection,
            {"run": run, "step": 0, "purpose": "step", "attempt": 0, "phase": GATHER,
             "mode": "pairwise", "deadline": NOW + 60},
            NOW,
        )  # fmt: skip
        for step, letter in enumerate("ab"):
            values = {"hash": letter * 64, "run": run, "task": task_id, "step": step}
            quality = json.dumps({"ndcg@10": 0.125})
            row = {**values, "quality": quality, "created": NOW + step}
            connection.execute(tables.models.insert().values(row))
            put_live(connection, task_id, letter * 64, "schedule", NOW + step)
    return run


def test_a_task_is_made_shown_paused_and_stopped(running, task):
    assert "The task shop is made" in task
    assert "one client that lies can decide what a model recommends" in task
    assert "No run has begun yet" in run("task", "show", "shop")
    name = begin(running)
    assert "0 of 4" in run("task", "list")
    shown = " ".join(run("task", "show", "shop").split())
    assert "0 of 4, delta still open, per user at one client" in shown
    assert "A person who is at more than one client is protected less." in shown
    assert "no sampling assumed" in shown
    assert name in run("task", "show", "shop")
    assert json.loads(run("task", "show", "shop", "--json"))["runs"][0]["id"] == name
    assert "paused" in run("task", "pause", "shop")
    assert json.loads(run("task", "list", "--json"))[0]["status"] == "paused"
    assert "goes on" in run("task", "resume", "shop")
    assert run("task", "stop", "shop") == "Stopped 1 run(s) and 1 round(s) of shop.\n"
    assert "stopped, step 0 of 1" in run("task", "show", "shop")


def test_a_task_without_epsilon_comes_with_a_warning(running, task, tmp_path):
    catalog = json.loads(run("task", "show", "shop", "--json"))["task"]["catalog"]
    file = tmp_path / "exact.json"
    for name, parts, said in (
        ("once", {}, "Run this once over the same clients"),
        ("weekly", {"runs": 52, "schedule": "0 3 * * 1"}, "Of these 52 runs, clients refuse all"),
    ):
        body = {**task_body(catalog, name=name, **parts), "policy": {"secure": "split"}}
        file.write_text(json.dumps(body))
        made = run("task", "create", file)
        assert "warning: No epsilon is promised: two exact sums that differ by one client" in made
        assert said in made
        assert said in run("task", "show", name)


def test_rounds_are_listed_newest_run_first(running, task):
    assert "No run of shop" in sentence("rounds", "shop")
    name = begin(running)
    assert "gather" in run("rounds", "shop")
    (found,) = json.loads(run("rounds", "shop", "--run", name, "--json"))
    assert (found["phase"], found["attempt"]) == ("gather", 0)


def test_models_are_listed_and_rolled_back(running, task):
    assert "no model yet" in run("models", "list", "shop")
    assert "no live model" in sentence("models", "live", "shop")
    begin(running)
    assert "ndcg@10 0.1250" in run("models", "list", "shop")
    assert run("models", "live", "shop") == "b" * 64 + "\n"
    assert "recommends with aaaaaaaaaaaa" in run("models", "rollback", "shop")
    assert run("models", "live", "shop") == "a" * 64 + "\n"
    run("models", "rollback", "shop", "bb")
    assert json.loads(run("models", "list", "shop", "--json"))["live"] == "b" * 64
    assert "0 models" in sentence("models", "rollback", "shop", "c")


def test_clients_are_enrolled_listed_and_revoked(running, tmp_path):
    one = run("enrol", "--name", "branch", "--users", 40)
    assert "branch  het_" in one
    file = tmp_path / "tokens.jsonl"
    assert "Wrote 3 token(s)" in run(
        "enrol", "--name", "phone", "--kind", "device", "--count", 3, "--out", file
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tokens = [json.loads(line) for line in file.read_text().splitlines()]
    assert [token["name"] for token in tokens] == ["phone-1", "phone-2", "phone-3"]
    assert "already" in sentence("enrol", "--name", "phone", "--out", file)
    (client,) = json.loads(run("clients", "list", "--json"))
    assert client["name"] in run("clients", "list")
    assert "no more" in run("clients", "revoke", client["id"])
    assert json.loads(run("clients", "list", "--json"))[0]["revoked"] == NOW
    assert "no such client" in sentence("clients", "revoke", "0" * 64)
    assert "nothing named" in sentence("clients", "revoke", "../tasks")


def test_mistakes_end_in_one_sentence(running, tmp_path, monkeypatch):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert "is not JSON" in sentence("task", "create", broken)
    broken.write_text("[]")
    assert "is not a JSON object" in sentence("task", "create", broken)
    broken.write_text('{"name": "A"}')
    assert "does not fit" in sentence("task", "create", broken)
    items = tmp_path / "items.csv"
    items.write_text("title\na\n")
    assert "item_id" in sentence("task", "create", broken, "--catalog", items)
    assert "no task" in sentence("task", "show", "nothing")
    assert "https" in sentence("task", "list", "--url", "http://coordinator.example")
    assert "cannot be reached" in sentence("task", "list", "--url", "http://127.0.0.1:9")
    assert "cannot be used" in sentence("task", "list", "--ca", tmp_path / "none.pem")
    assert "cannot be used" in sentence("task", "list", "--ca", broken)
    wrong = "hak_" + "A" * 43
    assert "unknown" in sentence("task", "list", "--key", wrong)
    assert "letters" in sentence("task", "list", "--key", "é")
    monkeypatch.delenv("HEDGEROW_ACCESS_KEY")
    assert "--key" in sentence("task", "list")


def test_an_analyst_may_look_and_change_nothing(running, task):
    key = running.shown[Role.ANALYST]
    assert "shop" in run("task", "list", "--key", key)
    assert "permission" in sentence("task", "pause", "shop", "--key", key)


def test_long_lists_are_fetched_whole(running, task, monkeypatch):
    monkeypatch.setattr("hedgerow.client.operator.PAGE", 2)
    running.deployment.enrol(range(4))
    assert len(json.loads(run("clients", "list", "--json"))) == 5
    name = begin(running)
    with connect(running.address, running.shown[Role.OPERATOR]) as operator:
        assert [one["attempt"] for one in operator.rounds(name)] == [0]
        catalog = operator.task("shop")["task"]["catalog"]
        for number in range(4):
            operator.create_task(task_body(catalog, name=f"shop-{number}"))
        assert len(operator.tasks()) == 5
        with pytest.raises(ProtocolError, match="There is a task"):
            operator.create_task(task_body(catalog))
