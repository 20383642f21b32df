"""The report's plots as data: points, reference lines, bars, and a table for each of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hedgerow.comparison.report import wording

Number = float | int | None

HEADROOM = 1.12


@dataclass(frozen=True)
class Table:
    """The data behind a plot.

    Parameters
    ----------
    name
        Of the file to download.
    columns
        Their headings.
    rows
        Each starts with what it is about.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Number, ...], ...]

    @property
    def link(self) -> str:
        """The table as CSV in a data address."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return f"data:text/csv;charset=utf-8,{quote(text.getvalue())}"


@dataclass(frozen=True)
class Chart:
    """A plot of points over rounds or bytes.

    Parameters
    ----------
    title, summary
        What it shows, in few words and in a sentence.
    data
        What the script draws.
    table
        The same in numbers.
    """

    title: str
    summary: str
    data: dict[str, Any]
    table: Table


@dataclass(frozen=True)
class Bar:
    """One contender's bar or interval; positions are percentages of the track."""

    contender: str
    value: str
    at: float
    low: float | None = None
    high: float | None = None
    interval: str = ""


@dataclass(frozen=True)
class Bars:
    """A measure of all contenders, side by side."""

    title: str
    meaning: str
    bars: tuple[Bar, ...]


def intervals(facts: dict[str, Any]) -> Bars:
    """Return the contenders' NDCG with their intervals on one scale from 0."""
    name = f"ndcg@{facts['protocol']['k']}"
    found = wording.contenders(facts)
    values = {c: f["metrics"]["full"][name] or 0.0 for c, f in found.items()}
    bounds = {c: f["metrics"]["intervals"]["full"].get(name) for c, f in found.items()}
    highest = max(*values.values(), *(b[1] for b in bounds.values() if b), 1e-9) * 1.02
    return Bars(
        f"NDCG@{facts['protocol']['k']}",
        "",
        tuple(
            Bar(
                c,
                wording.metric(values[c]),
                100 * values[c] / highest,
                100 * b[0] / highest if b else None,
                100 * b[1] / highest if b else None,
                wording.interval(b),
            )
            for c, b in bounds.items()
        ),
    )


def tax_track(facts: dict[str, Any]) -> Bar | None:
    """Return where the federation tax and its interval lie; 50 is zero.

    The track reaches from minus to plus a tenth of the pooled NDCG, or as far as is needed.
    """
    tax, bounds = facts["federation_tax"], facts["federation_tax_interval"]
    if tax is None:
        return None
    pooled = facts["pooled"]["metrics"]["full"][f"ndcg@{facts['protocol']['k']}"]
    low, high = bounds or (tax, tax)
    reach = max(0.1 * pooled, 1.15 * max(abs(low), abs(high), abs(tax)), 1e-9)

    def place(value: float) -> float:
        return 50 + 50 * value / reach

    return Bar(
        "federated",
        wording.metric(tax),
        place(tax),
        place(low),
        place(high),
        wording.metric(reach),
    )


def bias_bars(facts: dict[str, Any]) -> tuple[tuple[Bars, ...], Table]:
    """Return coverage, Gini and novelty of the contenders, and the table behind them."""
    k = facts["protocol"]["k"]
    found = wording.contenders(facts)
    measures = {
        "coverage": ("Coverage", "share of the catalog shown to anyone"),
        "gini": ("Gini", "concentration on few items"),
        "novelty": ("Novelty", "bits; rarer items are more"),
    }
    panels = []
    for name, (title, meaning) in measures.items():
        values = {c: f["metrics"]["lists"][f"{name}@{k}"] or 0.0 for c, f in found.items()}
        full = max(*values.values(), 1e-9) if name == "novelty" else 1.0
        bars = tuple(Bar(c, wording.metric(v), 100 * v / full) for c, v in values.items())
        panels.append(Bars(f"{title}@{k}", meaning, bars))
    rows = tuple(
        (wording.TITLES[c], *(f["metrics"]["lists"][f"{name}@{k}"] for name in measures))
        for c, f in found.items()
    )
    columns = ("Contender", *(f"{title}@{k}" for title, _ in measures.values()))
    return tuple(panels), Table("coverage-and-bias", columns, rows)


def watched(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rounds after which quality was measured, with the bytes sent until then.

    An additive sum may take several rounds, each with its own cohort; there is a model to judge
    only after the last of them.
    """
    history, clients = facts["history"], facts["data"]["clients"]
    sent, rounds = 0.0, []
    for happened, following in zip(history, [*history[1:], None], strict=True):
        sent += happened["bytes_up"] * happened["answered"] / clients
        goes_on = (
            following is not None
            and following["step"] == happened["step"]
            and following["quality"] == happened["quality"]
        )
        if happened["quality"] and not goes_on:
            rounds.append({**happened, "sent": sent / 1e6})
    return rounds


def round_charts(facts: dict[str, Any]) -> tuple[Chart, ...]:
    """Return NDCG and hit rate by round; none where quality was not watched."""
    rounds, k = watched(facts), facts["protocol"]["k"]
    if not rounds:
        return ()
    charts = []
    for name, title in (("ndcg", f"NDCG@{k}"), ("hr", f"Hit rate@{k}")):
        values = [r["quality"][f"full/{name}@{k}"] for r in rounds]
        references = _references(facts, f"{name}@{k}")
        rows = tuple((r["number"], v, r["step"]) for r, v in zip(rounds, values, strict=True))
        summary = f"{title} by round: {wording.metric(values[0])} after round {rows[0][0]}"
        if len(values) > 1:
            summary += f", {wording.metric(values[-1])} after round {rows[-1][0]}"
        data = {
            "x": [r["number"] for r in rounds],
            "series": [{"contender": "federated", "values": values}],
            "references": references,
            "x_title": "Round",
            "x_range": [0.5, len(facts["history"]) + 0.5],
            "y_title": title,
            "y_range": _range(values, references),
            "whole": True,
            "joined": True,
        }
        table = Table(f"{name}-by-round", ("Round", title, "Step"), rows)
        charts.append(Chart(f"{title} by round", f"{summary}.", data, table))
    return tuple(charts)


def bytes_chart(facts: dict[str, Any]) -> Chart | None:
    """Return NDCG over the bytes a client has sent; None where quality was not watched."""
    rounds, k = watched(facts), facts["protocol"]["k"]
    if not rounds:
        return None
    name, title = f"ndcg@{k}", f"NDCG@{k}"
    points = [("federated", r["number"], r["sent"], r["quality"][f"full/{name}"]) for r in rounds]
    if facts["popularity"]:
        counted = facts["popularity"]
        sent = counted["bytes_up_per_client"] / 1e6
        points.append(("popularity", counted["rounds"], sent, counted["metrics"]["full"][name]))
    points.sort(key=lambda point: point[2])
    values = [point[3] for point in points]
    drawn = dict.fromkeys(point[0] for point in points)
    references = _references(facts, name, "pooled")
    data = {
        "x": [point[2] for point in points],
        "series": [
            {"contender": c, "values": [p[3] if p[0] == c else None for p in points]}
            for c in drawn
        ],
        "references": references,
        "x_title": "MB sent by one client",
        "x_range": [0, max(points[-1][2], 1e-6) * 1.06],
        "y_title": title,
        "y_range": _range(values, references),
        "whole": False,
        "joined": False,
    }
    summary = (
        f"{title} against what one client sends: {wording.metric(rounds[-1]['quality'][f'full/{name}'])} "
        f"for {wording.megabytes(rounds[-1]['sent'] * 1e6)}."
    )
    rows = tuple((wording.TITLES[c], number, sent, value) for c, number, sent, value in points)
    table = Table("quality-by-bytes", ("Contender", "Rounds", "MB sent", title), rows)
    return Chart(f"{title} by bytes sent", summary, data, table)


def _references(
    facts: dict[str, Any], name: str, *only: str
) -> list[dict[str, Any]]:
    return [
        {"contender": c, "value": facts[c]["metrics"]["full"][name]}
        for c in only or ("popularity", "pooled")
        if facts[c]
    ]


def _range(values: list[float], references: list[dict[str, Any]]) -> list[float]:
    """Return a range from 0, so that heights can be compared."""
    return [0, max(*values, *(r["value"] for r in references), 1e-6) * HEADROOM]
