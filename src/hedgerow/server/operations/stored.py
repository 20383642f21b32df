"""Metrics that are read from the database when somebody asks, so that all replicas agree."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from hedgerow.errors import StorageError
from hedgerow.server.rounds.record import OVER
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database

LATE = 600.0
"""Seconds by which a round may show up later than the time says at which it ended: replicas' clocks
differ, and a transaction takes its time."""

RECENT = 3600.0
"""Over how many seconds refused messages are counted."""

_SECONDS = "_seconds"


@dataclass
class _Ended:
    """What the rounds that are over add up to; they do not change any more."""

    rounds: Counter[tuple[str, str]] = field(default_factory=Counter)
    phases: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Counter[tuple[str, str]] = field(default_factory=Counter)
    newest: float = 0.0
    counted: dict[str, float] = field(default_factory=dict)
    """Rounds that ended lately, and when, so that none is counted twice."""

    def read(self, connection: Connection) -> None:
        """Add those that have ended since."""
        rounds = tables.rounds
        columns = (rounds.c.id, rounds.c.mode, rounds.c.failure, rounds.c.changed, rounds.c.stats)
        new = (rounds.c.phase.in_(OVER)) & (rounds.c.changed > self.newest - LATE)
        for row in connection.execute(select(*columns).where(new)):
            if row.id in self.counted:
                continue
            self.counted[row.id] = row.changed
            self.newest = max(self.newest, row.changed)
            self.rounds[row.mode, row.failure or "done"] += 1
            for name, value in json.loads(row.stats).items():
                if name.endswith(_SECONDS):
                    key = row.mode, name.removesuffix(_SECONDS)
                    self.phases[key] += 1
                    self.seconds[key] += value
        oldest = self.newest - 2 * LATE
        self.counted = {name: at for name, at in self.counted.items() if at > oldest}


@dataclass
class _Spent:
    """What each account of the ledger has spent by its newest line."""

    newest_of: dict[str, dict[str, Any]] = field(default_factory=dict)
    newest: int = 0

    def read(self, connection: Connection) -> None:
        """Take in the lines that were added since."""
        lines = tables.ledger_lines
        query = select(lines.c.number, lines.c.line).where(lines.c.number > self.newest)
        for number, line in connection.execute(query.order_by(lines.c.number)):
            entry = json.loads(bytes(line))
            self.newest_of[entry["account"]] = entry
            self.newest = number


class StoredMetrics(Collector):
    """The state of a deployment.

    Parameters
    ----------
    database
        The coordinator's.
    clock
        Seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._ended = _Ended()
        self._spent = _Spent()

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, as that would take the database."""
        return ()

    def collect(self) -> list[Metric]:
        """Read the state; where the database is away, say only that."""
        up = GaugeMetricFamily("hedgerow_database_up", "Whether the database can be read.")
        try:
            with self._lock, self._database.read() as connection:
                self._ended.read(connection)
                self._spent.read(connection)
                found = [
                    *_ended_metrics(self._ended),
                    _open_rounds(connection),
                    _leases(connection, self._clock()),
                    _clients(connection),
                    _runs(connection),
                    _refused(connection, self._clock()),
                    _spent_metric(self._spent),
                ]
        except StorageError:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]


def _ended_metrics(ended: _Ended) -> tuple[Metric, Metric]:
    rounds = CounterMetricFamily(
        "hedgerow_rounds",
        "Rounds that are over, by mode and by done or the code of the failure.",
        labels=("mode", "outcome"),
    )
    for labels, count in sorted(ended.rounds.items()):
        rounds.add_metric(labels, count)
    phases = SummaryMetricFamily(
        "hedgerow_phase_seconds",
        "What the phases of rounds that are over took.",
        labels=("mode", "phase"),
    )
    for key, count in sorted(ended.phases.items()):
        phases.add_metric(key, count_value=count, sum_value=ended.seconds[key])
    return rounds, phases


def _open_rounds(connection: Connection) -> Metric:
    rounds = tables.rounds
    found = GaugeMetricFamily(
        "hedgerow_open_rounds", "Rounds that go on.", labels=("mode", "phase")
    )
    query = select(rounds.c.mode, rounds.c.phase, func.count()).where(rounds.c.phase.not_in(OVER))
    for mode, phase, count in connection.execute(query.group_by(rounds.c.mode, rounds.c.phase)):
        found.add_metric((mode, phase), count)
    return found


def _leases(connection: Connection, now: float) -> Metric:
    rounds = tables.rounds
    found = GaugeMetricFamily(
        "hedgerow_leases", "Rounds that a replica looks after.", labels=("replica",)
    )
    held = (rounds.c.lease_until >= now) & rounds.c.phase.not_in(OVER)
    query = select(rounds.c.owner, func.count()).where(held, rounds.c.owner.is_not(None))
    for owner, count in connection.execute(query.group_by(rounds.c.owner)):
        found.add_metric((owner,), count)
    return found


def _clients(connection: Connection) -> Metric:
    clients = tables.clients
    found = GaugeMetricFamily(
        "hedgerow_clients", "Clients that are enrolled and not revoked.", labels=("kind",)
    )
    query = select(clients.c.kind, func.count()).where(clients.c.revoked.is_(None))
    for kind, count in connection.execute(query.group_by(clients.c.kind)):
        found.add_metric((kind,), count)
    return found


def _runs(connection: Connection) -> Metric:
    runs = tables.runs
    found = GaugeMetricFamily("hedgerow_runs", "Runs by their status.", labels=("status",))
    query = select(runs.c.status, func.count()).group_by(runs.c.status)
    for status, count in connection.execute(query):
        found.add_metric((status,), count)
    return found


def refused_messages(connection: Connection, now: float) -> Sequence[tuple[str, int]]:
    """Count messages that were stored and then refused, by code, in rounds that moved lately."""
    messages, rounds = tables.messages, tables.rounds
    moved = select(rounds.c.id).where(rounds.c.changed > now - RECENT)
    query = select(messages.c.refused, func.count()).where(
        messages.c.round.in_(moved), messages.c.refused.is_not(None)
    )
    rows = connection.execute(query.group_by(messages.c.refused)).all()
    return [(str(code), count) for code, count in rows]


def _refused(connection: Connection, now: float) -> Metric:
    found = GaugeMetricFamily(
        "hedgerow_refused_messages",
        "Messages that were stored and then refused, in rounds that moved within an hour.",
        labels=("code",),
    )
    for code, count in refused_messages(connection, now):
        found.add_metric((code,), count)
    return found


def _spent_metric(spent: _Spent) -> Metric:
    found = GaugeMetricFamily(
        "hedgerow_epsilon_spent",
        "Epsilon that an account has spent, for its unit and delta; no sampling is assumed.",
        labels=("account", "unit", "delta", "mechanism"),
    )
    for account, entry in sorted(spent.newest_of.items()):
        terms = (entry["unit"], f"{entry['delta']:.6g}", entry["release"]["mechanism"])
        found.add_metric((account, *terms), entry["epsilon"])
    return found
