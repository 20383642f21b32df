"""Metrics: what replicas count, and what they read from the database alike."""

import asyncio
import json

import httpx
import pytest
from network import Deployment, contribute, fold_of, members
from operated import operated, runs_ended
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import select

from hedgerow.server.operations.metrics import Metrics
from hedgerow.server.operations.requests import Seen, Watched
from hedgerow.server.operations.stored import LATE, StoredMetrics
from hedgerow.server.security.access import Role, new_access_key
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database


def samples(text):
    """Return the values by names and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse(text.decode())
        for sample in family.samples
    }


def read(metrics):
    return samples(metrics.text())


def test_a_run_is_counted_and_two_replicas_agree(tmp_path, sqlite, shop, clients, make_task):
    deployment = Deployment(tmp_path, sqlite)
    identities = deployment.enrol(clients.names)
    deployment.task(make_task("pairwise"), shop.catalog)
    found = members(deployment, identities, clients, fold_of(shop))
    with sqlite.write() as connection:
        key = new_access_key(connection, "prometheus", Role.OPERATOR, clock=lambda: 0.0)
    shown = {"authorization": f"Bearer {key}"}
    with operated(deployment) as running:
        asyncio.run(contribute(running.address, found, lambda: runs_ended(sqlite)))
        answer = httpx.get(f"{running.address}/metrics", headers=shown)
        refused = httpx.get(f"{running.address}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (refused.status_code, refused.json()["error"]) == (401, "unauthenticated")
    values = samples(answer.content)
    with sqlite.read() as connection:
        rounds = connection.execute(select(tables.rounds)).all()
        stored = connection.execute(select(tables.messages)).all()
        spent = [
            json.loads(bytes(x)) for x in connection.scalars(select(tables.ledger_lines.c.line))
        ]
    done = values["hedgerow_rounds_total", ("mode", "pairwise"), ("outcome", "done")]
    assert done == sum(row.failure is None for row in rounds) > 0
    last = spent[-1]
    terms = (
        ("account", last["account"]),
        ("delta", f"{last['delta']:.6g}"),
        ("mechanism", "skellam"),
        ("unit", "user"),
    )
    assert values["hedgerow_epsilon_spent", *terms] == pytest.approx(last["epsilon"])
    assert 0 < spent[-1]["epsilon"] <= 8.0
    assert values["hedgerow_clients", ("kind", "device")] == len(clients.names)
    assert values["hedgerow_runs", ("status", "done")] == 1
    masked = [row for row in stored if row.kind == "masked"]
    assert values["hedgerow_uploads_total", ("kind", "masked")] == len(masked)
    assert values["hedgerow_upload_bytes_total", ("kind", "masked")] == sum(
        row.length for row in masked
    )
    took = sum(json.loads(row.stats)["masked_seconds"] for row in rounds)
    phase = (("mode", "pairwise"), ("phase", "masked"))
    assert values["hedgerow_phase_seconds_sum", *phase] == pytest.approx(took)
    assert values["hedgerow_phase_seconds_count", *phase] == len(rounds)
    assert values["hedgerow_check_ins_total", ("outcome", "admitted")] >= len(clients.names)
    assert values["hedgerow_database_up",] == 1
    other = read(Metrics(StoredMetrics(sqlite, lambda: 0.0)))
    for name in ("rounds_total", "epsilon_spent", "clients", "runs", "phase_seconds_sum"):
        ours = {k: v for k, v in values.items() if k[0] == f"hedgerow_{name}"}
        assert ours
        assert ours == {k: v for k, v in other.items() if k[0] == f"hedgerow_{name}"}
    ids = [identity.certificate.key.hex() for identity in identities]
    assert not any(name in answer.text for name in [*ids, key])


def put_round(database, name, changed, **values):
    row = {
        "run": "run",
        "step": 0,
        "purpose": "step",
        "phase": "done",
        "mode": "split",
        "ask": "",
        "deadline": 0.0,
        "lease_until": 0.0,
        "epoch": 0,
        "created": 0.0,
        "failure": None,
        "stats": '{"report_seconds": 2.5, "contributors": 7}',
        "owner": None,
    }
    with database.write() as connection:
        attempt = len(connection.execute(select(tables.rounds.c.id)).all())
        connection.execute(
            tables.rounds.insert(),
            {**row, "id": name, "attempt": attempt, "changed": changed, **values},
        )


@pytest.fixture
def with_run(database):
    with database.write() as connection:
        task = {"id": "task", "name": "t", "body": "{}", "status": "active", "created": 0.0}
        connection.execute(tables.tasks.insert(), task)
        run = {
            "id": "run",
            "task": "task",
            "status": "running",
            "body": "{}",
            "step": 0,
            "state": "",
            "progress": "{}",
            "note": "",
            "created": 0.0,
            "changed": 0.0,
        }
        connection.execute(tables.runs.insert(), run)
    return database


def test_rounds_that_show_up_late_are_counted_once(with_run):
    metrics = Metrics(StoredMetrics(with_run, lambda: 5000.0))
    done = ("hedgerow_rounds_total", ("mode", "split"), ("outcome", "done"))
    assert done not in read(metrics)
    put_round(with_run, "a", 5000.0)
    assert [read(metrics)[done] for _ in range(2)] == [1, 1]
    put_round(with_run, "b", 5000.0 - LATE / 2)
    assert [read(metrics)[done] for _ in range(2)] == [2, 2]
    put_round(with_run, "c", 5000.0 + 3 * LATE)
    put_round(with_run, "d", 5001.0 + 3 * LATE, phase="failed", failure="too-few-clients")
    values = read(metrics)
    assert values[done] == 3
    failed = ("mode", "split"), ("outcome", "too-few-clients")
    assert values["hedgerow_rounds_total", *failed] == 1
    phase = ("mode", "split"), ("phase", "report")
    assert values["hedgerow_phase_seconds_sum", *phase] == 10


def test_open_rounds_and_leases_are_shown(with_run):
    put_round(with_run, "a", 0.0, phase="report", owner="one", lease_until=10.0)
    put_round(with_run, "b", 0.0, phase="report", owner="two", lease_until=4.0)
    values = read(Metrics(StoredMetrics(with_run, lambda: 5.0)))
    assert values["hedgerow_open_rounds", ("mode", "split"), ("phase", "report")] == 2
    assert values["hedgerow_leases", ("replica", "one")] == 1
    assert ("hedgerow_leases", ("replica", "two")) not in values


def test_without_the_database_the_rest_is_still_shown(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    metrics = Metrics(StoredMetrics(database, lambda: 0.0))
    database.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "a.db").mkdir()
    with metrics.tick():
        pass
    values = read(metrics)
    assert values["hedgerow_database_up",] == 0
    assert values["hedgerow_tick_seconds_count",] == 1
    assert values["process_start_time_seconds",] > 0


def watched(app, tell, scope=None, body=b""):
    """Send one request through the watch."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    base = {"type": "http", "method": "PUT", "path": "/made/up", "headers": []}
    asyncio.run(Watched(app, tell)({**base, **(scope or {})}, receive, send))
    return sent


def test_what_a_client_makes_up_is_no_label():
    async def app(scope, receive, send):
        await receive()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error": "NOT A CODE hak_x"}'})

    metrics = Metrics()
    watched(app, [metrics.request], {"method": "EVIL", "path": "/hak_secret"})
    made_up = Seen("PUT", "/v1/rounds/{name}/{kind}", 404, "", 0.1, 5, "", {"kind": "hak_secret"})
    metrics.request(made_up)
    text = metrics.text().decode()
    assert "hak_" not in text
    assert "EVIL" not in text
    labels = 'method="(other)",route="(none)",status="404"'
    assert f"hedgerow_requests_total{{{labels}}} 1.0" in text


def test_an_application_that_breaks_is_seen_as_an_error():
    seen = []

    async def app(scope, receive, send):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        watched(app, [seen.append])
    assert [(one.status, one.code, one.route) for one in seen] == [(500, "", "(none)")]


def test_the_code_of_an_error_and_the_bytes_of_a_body_are_seen():
    seen = []

    async def app(scope, receive, send):
        await receive()
        scope["state"]["role"] = "client"
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 409, "headers": headers})
        body = json.dumps({"error": "wrong-phase", "detail": "x"}).encode()
        await send({"type": "http.response.body", "body": body[:7], "more_body": True})
        await send({"type": "http.response.body", "body": body[7:]})

    watched(app, [seen.append], body=b"12345")
    (one,) = seen
    assert (one.status, one.code, one.received, one.role) == (409, "wrong-phase", 5, "client")
