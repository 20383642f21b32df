"""Metrics in Prometheus' format: what this replica did, and what the database says of all.

No label says who a client is, and none is made of what a request holds: routes are templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from hedgerow.server.operations.requests import UNKNOWN, Seen

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of Prometheus' text format."""

CHECK_IN, UPLOAD = "/v1/check-in", "/v1/rounds/{name}/{kind}"

KINDS = frozenset({"keys", "shares", "masked", "consent", "reveal", "report"})
"""What clients send in rounds; a name that somebody made up is no label."""

FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets of seconds; clients wait for news for up to 25."""


class Metrics:
    """What one process counts, in a registry of its own.

    Parameters
    ----------
    collectors
        Read what others keep, each time somebody asks.
    """

    def __init__(self, *collectors: Collector) -> None:
        own = self._registry = CollectorRegistry()
        self._requests = Counter(
            "hedgerow_requests", "Requests answered.", ("method", "route", "status"), registry=own
        )
        self._seconds = Histogram(
            "hedgerow_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=FAST,
            registry=own,
        )
        self._check_ins = Counter(
            "hedgerow_check_ins", "Check-ins by what was answered.", ("outcome",), registry=own
        )
        self._uploads = Counter(
            "hedgerow_uploads", "Messages of rounds stored.", ("kind",), registry=own
        )
        self._bytes = Counter(
            "hedgerow_upload_bytes",
            "Bytes that came as bodies of messages.",
            ("kind",),
            registry=own,
        )
        self._upload_seconds = Histogram(
            "hedgerow_upload_seconds",
            "Until a message was stored and acknowledged.",
            ("kind",),
            buckets=FAST,
            registry=own,
        )
        self._refused = Counter(
            "hedgerow_refused", "Requests refused by their error's code.", ("code",), registry=own
        )
        self._ticks = Histogram(
            "hedgerow_tick_seconds",
            "What the machine takes to look after all rounds once.",
            buckets=FAST,
            registry=own,
        )
        Info("hedgerow", "The program.", registry=own).info({"version": version("hedgerow")})
        ProcessCollector(registry=own)
        PlatformCollector(registry=own)
        GCCollector(registry=own)
        for collector in collectors:
            own.register(collector)

    def request(self, seen: Seen) -> None:
        """Count a request."""
        self._requests.labels(seen.method, seen.route, str(seen.status)).inc()
        if seen.route == UNKNOWN:
            return
        self._seconds.labels(seen.route).observe(seen.seconds)
        if seen.code:
            self._refused.labels(seen.code).inc()
        if seen.route == CHECK_IN:
            outcome = {200: "admitted", 204: "later"}.get(seen.status, "refused")
            self._check_ins.labels(outcome).inc()
        kind = seen.path.get("kind", "")
        if seen.route == UPLOAD and kind in KINDS:
            self._bytes.labels(kind).inc(seen.received)
            if seen.status == 200:
                self._uploads.labels(kind).inc()
                self._upload_seconds.labels(kind).observe(seen.seconds)

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Measure one turn of the machine."""
        with self._ticks.time():
            yield

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)
