"""Traces: a request and its statements are spans of one trace, without what they carry."""

import asyncio
import sys

import pytest
from sqlalchemy import text

from hedgerow.errors import ConfigError

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hedgerow.server.operations.tracing import traced


def app_of(database):
    async def read(request):
        def ask():
            with database.read() as connection:
                return connection.scalar(text("SELECT :secret"), {"secret": "opensesame"})

        return PlainTextResponse(await asyncio.to_thread(ask))

    def broken(request):
        with database.read() as connection:
            connection.execute(text("SELECT * FROM missing"))

    return Starlette(routes=[Route("/v1/things/{name}", read), Route("/broken", broken)])


def but_begin(exporter):
    """Return the spans; SQLite begins a transaction by a statement of its own."""
    return [span for span in exporter.get_finished_spans() if span.name != "BEGIN"]


def asked(app, path):
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"token=opensesame",
        "headers": [(b"traceparent", b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01")],
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


def test_a_request_and_its_statement_are_one_trace(database):
    exporter = InMemorySpanExporter()
    with traced(app_of(database), database.engine, "hedgerow-coordinator", exporter) as app:
        assert asked(app, "/v1/things/hak_secret") == 200
    statement, request = but_begin(exporter)
    assert request.name == "GET /v1/things/{name}"
    assert dict(request.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/things/{name}",
        "http.response.status_code": 200,
    }
    assert (statement.name, statement.parent.span_id) == ("SELECT", request.context.span_id)
    assert statement.attributes["db.system.name"] == database.engine.dialect.name
    assert request.parent is None
    assert request.context.trace_id != int("ab" * 16, 16)
    everything = "".join(span.to_json() for span in (statement, request))
    assert "hak_" not in everything
    assert "opensesame" not in everything


def test_what_fails_is_marked_and_probes_are_left_out(sqlite):
    exporter = InMemorySpanExporter()
    with traced(app_of(sqlite), sqlite.engine, "hedgerow-coordinator", exporter) as app:
        with pytest.raises(Exception, match="no such table"):
            asked(app, "/broken")
        asked(app, "/healthz")
    spans = but_begin(exporter)
    assert "missing" not in "".join(span.to_json() for span in spans)
    assert [(span.name, span.status.status_code.name) for span in spans] == [
        ("SELECT", "ERROR"),
        ("GET /broken", "ERROR"),
    ]
    assert not any(span.events for span in spans)


def test_afterwards_nothing_is_traced(sqlite):
    exporter = InMemorySpanExporter()
    with traced(app_of(sqlite), sqlite.engine, "hedgerow-coordinator", exporter):
        pass
    with sqlite.read() as connection:
        connection.execute(text("SELECT 1"))
    assert exporter.get_finished_spans() == ()


def test_without_the_packages_one_is_told(sqlite, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with (
        pytest.raises(ConfigError, match=r"pip install 'hedgerow\[tracing\]'"),
        traced(app_of(sqlite), sqlite.engine, "hedgerow-coordinator", "http://localhost:4318"),
    ):
        pass
