"""Traces with OpenTelemetry, where it is installed: requests, and their statements to the database.

Spans hold no more than the log does: templates of paths, statuses and the kind of a statement. A
caller's own trace is not taken up, since callers are not trusted.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

from hedgerow.errors import ConfigError
from hedgerow.server.operations.logs import PROBES
from hedgerow.server.operations.requests import template
from hedgerow.server.security.answers import App, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

NAME = "hedgerow"

_SPANS = "hedgerow_spans"


@contextmanager
def traced(app: App, engine: Engine, service: str, exporter: str | SpanExporter) -> Iterator[App]:
    """Give an application whose requests and statements are traced.

    Parameters
    ----------
    app
        To be put around all guards.
    engine
        The database's.
    service
        ``hedgerow-coordinator`` or ``hedgerow-helper``.
    exporter
        The URL of a collector that takes OTLP over HTTP, such as
        ``http://localhost:4318/v1/traces``; or what takes the spans.

    Raises
    ------
    ConfigError
        OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigError("Traces need more packages: pip install 'hedgerow[tracing]'.") from error
    about = {"service.name": service, "service.version": version("hedgerow")}
    provider = TracerProvider(resource=Resource.create(about))
    target = OTLPSpanExporter(endpoint=exporter) if isinstance(exporter, str) else exporter
    provider.add_span_processor(BatchSpanProcessor(target))
    tracer = provider.get_tracer(NAME)
    with ExitStack() as stack:
        stack.callback(provider.shutdown)
        _trace_statements(engine, tracer, stack)
        yield Traced(app, tracer)


@dataclass(frozen=True)
class Traced:
    """Makes a span of each request; ASGI middleware.

    Parameters
    ----------
    app
        What it watches.
    tracer
        Of OpenTelemetry.
    """

    app: App
    tracer: Tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and trace it."""
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind

        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        # What an exception says may come from the request.
        span = self.tracer.start_as_current_span(
            scope["method"],
            Context(),
            SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        )
        with span as current:
            answer = _Answer(send)
            try:
                await self.app(scope, receive, answer.send)
            finally:
                _describe(current, scope, answer.status)


@dataclass
class _Answer:
    """Notes an answer's status."""

    inner_send: Send
    status: int = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self.inner_send(message)


def _describe(span: Span, scope: Scope, status: int) -> None:
    from opentelemetry.trace import StatusCode

    route = template(scope)
    span.update_name(f"{scope['method']} {route}")
    span.set_attribute("http.request.method", scope["method"])
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _trace_statements(engine: Engine, tracer: Tracer, stack: ExitStack) -> None:
    """Make a span of each statement, named by its first word."""
    system = engine.dialect.name

    def before(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        word = statement.split(None, 1)[0].upper()[:16]
        names = {"db.system.name": system, "db.operation.name": word}
        connection.info.setdefault(_SPANS, []).append(tracer.start_span(word, attributes=names))

    def after(connection: Any, *_: object) -> None:
        connection.info[_SPANS].pop().end()

    def failed(context: Any) -> None:
        from opentelemetry.trace import StatusCode

        open_spans = context.connection.info.get(_SPANS) if context.connection else None
        if open_spans:
            span = open_spans.pop()
            span.set_status(StatusCode.ERROR)
            span.end()

    for name, listener in (
        ("before_cursor_execute", before),
        ("after_cursor_execute", after),
        ("handle_error", failed),
    ):
        event.listen(engine, name, listener)
        stack.callback(event.remove, engine, name, listener)
