"""The main table: what each contender achieved, metric by metric, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hedgerow.comparison.report import wording


@dataclass(frozen=True)
class Cell:
    """A figure as it is written, and its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """One measure of all contenders."""

    label: str
    meaning: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Measures of a kind."""

    title: str
    rows: tuple[Row, ...]


FULL = {
    "hr": ("Hit rate", "share of users with a held-out item in their list"),
    "ndcg": ("NDCG", "as the hit rate, and higher places count more"),
    "recall": ("Recall", "share of held-out items in the list"),
    "mrr": ("MRR", "one over the place of the first hit"),
}
SAMPLED = {name: FULL[name] for name in ("hr", "ndcg")}
LISTS = {
    "coverage": ("Coverage", "share of the catalog shown to anyone"),
    "gini": ("Gini", "0: all items equally often; 1: one item only"),
    "novelty": ("Novelty", "bits; rarer items are more"),
    "diversity": ("Diversity", "how unlike the items of one list are"),
}


def main_table(facts: dict[str, Any]) -> list[Group]:
    """Return the rows of the main table by group; the columns are the contenders."""
    k, sampled = facts["protocol"]["k"], facts["protocol"]["sampled"]
    found = wording.contenders(facts)
    groups = [
        Group(f"Lists of {k}, ranked among all items", _measured(found, "full", FULL, k)),
        Group(f"Ranked among {sampled} sampled items", _measured(found, "sampled", SAMPLED, k)),
        Group("The lists themselves", _measured(found, "lists", LISTS, k)),
        Group("Cost", _costs(found)),
    ]
    return [group for group in groups if group.rows]


def _measured(
    found: dict[str, dict[str, Any]], kind: str, measures: dict[str, tuple[str, str]], k: int
) -> tuple[Row, ...]:
    rows = []
    for name, (label, meaning) in measures.items():
        key = f"{name}@{k}"
        values = [f["metrics"][kind][key] for f in found.values() if key in f["metrics"][kind]]
        bounds = [f["metrics"]["intervals"][kind].get(key) for f in found.values()]
        if values:
            decimals = wording.digits(values)
            cells = tuple(
                Cell(wording.metric(value, decimals), wording.interval(between, decimals))
                for value, between in zip(values, bounds, strict=True)
            )
            rows.append(Row(f"{label}@{k}", meaning, cells))
    return tuple(rows)


def _costs(found: dict[str, dict[str, Any]]) -> tuple[Row, ...]:
    def row(label: str, meaning: str, cells: list[str]) -> Row:
        return Row(label, meaning, tuple(Cell(cell) for cell in cells))

    def size(figures: dict[str, Any], key: str) -> str:
        return wording.megabytes(figures[key]) if figures["rounds"] else wording.NOTHING

    everyone = found.values()
    return (
        row(
            "Rounds",
            "broadcast, contribute, sum, update",
            [wording.count(f["rounds"]) if f["rounds"] else wording.NOTHING for f in everyone],
        ),
        row(
            "Up per client",
            "in all rounds, on average, uncompressed",
            [size(f, "bytes_up_per_client") for f in everyone],
        ),
        row(
            "Down per client",
            "in all rounds, with the final model",
            [size(f, "bytes_down_per_client") for f in everyone],
        ),
        row(
            "Training",
            "wall clock on this machine",
            [wording.seconds(f["seconds"]) for f in everyone],
        ),
        row("Users judged", "with a held-out item", [wording.count(f["users"]) for f in everyone]),
    )
