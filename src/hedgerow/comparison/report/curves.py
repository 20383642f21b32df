"""Quality over rounds, bytes and epsilon: what the script draws, and the same as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hedgerow.comparison.report import wording
from hedgerow.comparison.report.table import Table

HEADROOM = 1.12
"""How far the vertical axis reaches above the highest point."""


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


def watched(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rounds after which quality was measured, with the bytes sent until then.

    An additive sum may take several rounds, each with its own cohort; there is a model to judge
    only after the last of them.
    """
    history, clients = facts["history"], facts["data"]["clients"]
    sent, rounds = 0.0, []
    for happened in history:
        sent += happened["bytes_up"] * happened["answered"] / clients
        if happened["quality"]:
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
            {"contender": c, "values": [p[3] if p[0] == c else None for p in points]} for c in drawn
        ],
        "references": references,
        "x_title": "MB sent by one client",
        "x_range": [0, max(points[-1][2], 1e-6) * 1.06],
        "y_title": title,
        "y_range": _range(values, references),
        "whole": False,
        "joined": False,
    }
    last = rounds[-1]
    reached, cost = last["quality"][f"full/{name}"], wording.megabytes(last["sent"] * 1e6)
    summary = f"{title} against what one client sends: {wording.metric(reached)} for {cost}."
    rows = tuple((wording.TITLES[c], number, sent, value) for c, number, sent, value in points)
    table = Table("quality-by-bytes", ("Contender", "Rounds", "MB sent", title), rows)
    return Chart(f"{title} by bytes sent", summary, data, table)


def epsilon_charts(facts: dict[str, Any]) -> tuple[Chart, ...]:
    """Return NDCG and hit rate by epsilon; none where no curve was asked for."""
    curve, k = facts["privacy"]["curve"], facts["protocol"]["k"]
    if curve is None:
        return ()
    points = sorted(curve["points"], key=lambda point: float(point["epsilon"]))
    epsilons = [point["epsilon"] for point in points]
    charts = []
    for name, title in (("ndcg", f"NDCG@{k}"), ("hr", f"Hit rate@{k}")):
        found = [point["metrics"][f"{name}@{k}"] for point in points]
        exact = curve["without_noise"][f"{name}@{k}"]
        values = [figures["mean"] for figures in found]
        tops = [max([f["mean"], *(f["interval"] or [])]) for f in found]
        references = [
            {"contender": "without", "value": exact["mean"]},
            *_references(facts, f"{name}@{k}"),
        ]
        data = {
            "x": epsilons,
            "series": [
                {
                    "contender": "federated",
                    "values": values,
                    "intervals": [figures["interval"] for figures in found],
                }
            ],
            "references": references,
            "x_title": "Epsilon",
            "x_range": [epsilons[0] / 2**0.5, epsilons[-1] * 2**0.5],
            "x_ticks": epsilons,
            "y_title": title,
            "y_range": _range(tops, references),
            "whole": False,
            "joined": True,
        }
        rows = tuple(
            (epsilon, seed, value)
            for epsilon, figures in zip(
                ["without noise", *(f"{e:g}" for e in epsilons)], [exact, *found], strict=True
            )
            for seed, value in zip(curve["seeds"], figures["values"], strict=True)
        )
        decimals = wording.digits(values)
        summary = (
            f"{title} by epsilon: {wording.metric(values[0], decimals)} at {epsilons[0]:g}, "
            f"{wording.metric(values[-1], decimals)} at {epsilons[-1]:g} and "
            f"{wording.metric(exact['mean'], decimals)} without noise."
        )
        table = Table(f"{name}-by-epsilon", ("Epsilon", "Seed", title), rows)
        charts.append(Chart(f"{title} by epsilon", summary, data, table))
    return tuple(charts)


def _references(facts: dict[str, Any], name: str, *only: str) -> list[dict[str, Any]]:
    return [
        {"contender": c, "value": facts[c]["metrics"]["full"][name]}
        for c in only or ("popularity", "pooled")
        if facts[c]
    ]


def _range(values: list[float], references: list[dict[str, Any]]) -> list[float]:
    """Return a range from 0, so that heights can be compared."""
    return [0, max(*values, *(r["value"] for r in references), 1e-6) * HEADROOM]
