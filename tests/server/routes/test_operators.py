"""What operators ask for is done once, shown again, and written in the audit log."""

import json

import pytest
from interface import NOW, ok, refused, task_body
from sqlalchemy import insert

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release
from hedgerow.server.rounds.record import GATHER, LeaseLostError, load_round, move, open_round
from hedgerow.server.routes.records import EntryOut, LineOut, ReleaseOut
from hedgerow.server.routes.task_bodies import PolicyBody, TaskBody
from hedgerow.server.security import audit_chain
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import put_live, task_named
from hedgerow.server.tasks.runs import start_run
from hedgerow.server.tasks.task import Task


def begin_run(running, rounds=1):
    """A run and its open rounds, as the machine writes them down."""
    database = running.site.service.database
    with database.write() as connection:
        task_id, task, _ = task_named(connection, "shop")
        run = start_run(connection, task_id, task, ledger=Ledger(), state="a" * 64, now=NOW)
        values = {"run": run, "step": 0, "purpose": "step", "phase": GATHER, "mode": "pairwise"}
        names = [
            open_round(connection, {**values, "attempt": n, "deadline": NOW + 60}, NOW)
            for n in range(rounds)
        ]
    return run, names


def test_bodies_say_what_the_values_say():
    def of_body(body):
        return {
            name: field.get_default(call_default_factory=True)
            for name, field in body.model_fields.items()
            if not field.is_required()
        }

    assert TaskBody.model_fields.keys() == Task.__dataclass_fields__.keys() - {"noise_seed"}
    assert PolicyBody.model_fields.keys() == Policy.__dataclass_fields__.keys()
    for body, cls in ((TaskBody, Task), (PolicyBody, Policy)):
        for name, value in of_body(body).items():
            own = cls.__dataclass_fields__[name]
            assert value == (own.default_factory() if name == "options" else own.default), name
    assert EntryOut.model_fields.keys() == Entry.__dataclass_fields__.keys()
    assert ReleaseOut.model_fields.keys() == Release.__dataclass_fields__.keys()
    assert LineOut.model_fields.keys() == audit_chain.Line.__dataclass_fields__.keys()


def test_a_task_is_made_once_and_shown(operator, catalog, task):
    assert task["task"] | task_body(catalog) | {"policy": task["task"]["policy"]} == task["task"]
    assert task["status"] == "active"
    nothing = {"delta": None, "releases": 0, "mechanism": None, "noise_by": None, "sampling": None}
    of_whom = {"unit": "user", "clients_per_person": 1}
    assert task["budget"] == {"promised": 4.0, "spent": 0.0, **of_whom, **nothing}
    assert (task["live"], task["runs"], task["begun"], task["begins"]) == (None, [], 0, [NOW])
    assert ok(operator.get("/v1/tasks/shop")) == task
    listed = ok(operator.get("/v1/tasks"))
    assert listed == {"tasks": [task], "total": 1}
    refused(operator.post("/v1/tasks", json=task_body(catalog)), 422, "bad-request")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Shop"},
        {"model": "oracle"},
        {"catalog": "0" * 64},
        {"policy": {"secure": "none"}},
        {"policy": {"secure": "split", "epsilon": "4"}},
        {"policy": {"secure": "split", "adversaries": 0.6, "dropouts": 0.5}},
        {"policy": {}},
        {"options": {"nobody": 1}},
        {"options": {"dimension": [[[]]]}},
        {"model": "blend", "options": {"base": {"model": "popularity", "options": {"x": {}}}}},
        {"schedule": "now and then"},
        {"noise_seed": "rehearsal"},
        {"runs": 10**30},
        {"gather_seconds": 1e300},
        {"surprise": True},
    ],
    ids=repr,
)
def test_a_task_that_does_not_fit_is_refused(operator, catalog, changed):
    refused(operator.post("/v1/tasks", json={**task_body(catalog), **changed}), 422, "bad-request")
    assert ok(operator.get("/v1/tasks"))["total"] == 0


def test_a_task_is_paused_and_goes_on(operator, task):
    assert ok(operator.post("/v1/tasks/shop/pause")) == {"changed": "shop"}
    assert ok(operator.get("/v1/tasks/shop"))["status"] == "paused"
    ok(operator.post("/v1/tasks/shop/resume"))
    assert ok(operator.get("/v1/tasks/shop"))["status"] == "active"
    refused(operator.post("/v1/tasks/another/pause"), 404, "unknown-task")


def test_a_stopped_run_takes_its_round_from_whoever_holds_it(running, operator, task):
    run, (name,) = begin_run(running)
    database = running.site.service.database
    with database.read() as connection:
        held = load_round(connection, name)
    assert ok(operator.post("/v1/tasks/shop/runs/stop")) == {"runs": [run], "rounds": [name]}
    with database.write() as connection, pytest.raises(LeaseLostError):
        move(connection, held, "keys", NOW)
    (shown,) = ok(operator.get("/v1/tasks/shop/runs"))["runs"]
    assert (shown["id"], shown["status"], shown["steps"]) == (run, "stopped", 1)
    (ended,) = ok(operator.get(f"/v1/runs/{run}/rounds"))["rounds"]
    assert (ended["phase"], ended["failure"]) == ("failed", "stopped")
    assert ended["seconds"] == {"gather": 0.0}
    assert ok(operator.post("/v1/tasks/shop/runs/stop")) == {"runs": [], "rounds": []}
    with pytest.raises(ProtocolError) as problem:
        running.site.telling.told(name, "keys", bytes(32))
    assert problem.value.code == "stopped"


def test_rounds_are_numbers_without_names(running, operator, task):
    run, (first, second) = begin_run(running, rounds=2)
    client = ok(operator.get("/v1/clients"))["clients"][0]["id"]
    row = {"client": client, "digest": "d", "received": NOW, "kind": "check-in", "length": 0,
           "refused": None}  # fmt: skip
    with running.site.service.database.write() as connection:
        connection.execute(insert(tables.messages), [
            {"round": first, **row},
            {"round": first, **row, "kind": "masked", "length": 700, "refused": "bad-message"},
        ])  # fmt: skip
        one = load_round(connection, first)
        move(connection, one, "done", NOW + 2.5, stats={"contributors": 0})
    answer = operator.get(f"/v1/runs/{run}/rounds")
    assert client not in answer.text
    found = {one["id"]: one for one in ok(answer)["rounds"]}
    shown = found[first]
    assert [shown[k] for k in ("came", "counted", "lost", "refused", "bytes")] == [1, 0, 1, 1, 700]
    assert shown["seconds"] == {"gather": 2.5}
    assert (found[second]["came"], found[second]["lost"]) == (0, None)
    page = ok(operator.get(f"/v1/runs/{run}/rounds", params={"limit": 1, "offset": 1}))
    assert (len(page["rounds"]), page["total"]) == (1, 2)
    refused(operator.get("/v1/runs/" + "0" * 32 + "/rounds"), 404, "not-found")


def test_a_model_is_rolled_back_and_forward(running, operator, task):
    run, _ = begin_run(running)
    with running.site.service.database.write() as connection:
        task_id, _, _ = task_named(connection, "shop")
        for step, letter in enumerate("ab"):
            row = {"hash": letter * 64, "run": run, "task": task_id, "step": step}
            quality = json.dumps({"ndcg@10": 0.25 * step, "deviation": 0.5})
            values = {**row, "quality": quality, "created": NOW + step}
            connection.execute(insert(tables.models), values)
            put_live(connection, task_id, letter * 64, "schedule", NOW + step)
    listed = ok(operator.get("/v1/tasks/shop/models"))
    assert [(m["hash"][0], m["live"]) for m in listed["models"]] == [("b", True), ("a", False)]
    assert listed["models"][0]["quality"] == {"ndcg@10": 0.25, "deviation": 0.5}
    assert (listed["live"], listed["before"]) == ("b" * 64, "a" * 64)
    back = ok(operator.post("/v1/tasks/shop/live", json={"model": "a" * 64}))
    assert back == {"live": "a" * 64, "before": "b" * 64}
    assert ok(operator.get("/v1/tasks/shop/live")) == {"model": "a" * 64}
    again = ok(operator.get("/v1/tasks/shop/models"))
    assert (again["live"], again["before"]) == ("a" * 64, "b" * 64)
    refused(operator.post("/v1/tasks/shop/live", json={"model": "c" * 64}), 422, "bad-request")
