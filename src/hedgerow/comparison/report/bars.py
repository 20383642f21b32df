"""Bars and intervals of the contenders, drawn by the style sheet alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hedgerow.comparison.report import wording
from hedgerow.comparison.report.table import Table


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
    decimals = wording.digits(values.values())
    highest = max(*values.values(), *(b[1] for b in bounds.values() if b), 1e-9) * 1.02
    return Bars(
        f"NDCG@{facts['protocol']['k']}",
        "",
        tuple(
            Bar(
                c,
                wording.metric(values[c], decimals),
                100 * values[c] / highest,
                100 * b[0] / highest if b else None,
                100 * b[1] / highest if b else None,
                wording.interval(b, decimals),
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
        return float(50 + 50 * value / reach)

    return Bar(
        "federated",
        wording.metric(tax, 4),
        place(tax),
        place(low),
        place(high),
        wording.metric(reach, 4),
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
