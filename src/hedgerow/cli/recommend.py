"""``hedgerow recommend``: what a trained model says to one history, here and now."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedgerow.cli import options as o
from hedgerow.cli.local import opened
from hedgerow.errors import ConfigError
from hedgerow.recommender import Recommendation, Recommender


def recommend(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model.safetensors that simulate wrote, or an agent's folder with its live "
            "model and what was tracked there."
        ),
    ],
    *,
    history: Annotated[
        str, typer.Option(help="Item ids by commas, oldest first; empty for a newcomer.")
    ] = "",
    k: o.Length = 10,
    repeats: Annotated[
        bool, typer.Option("--repeats/--no-repeats", help="Whether to recommend items again.")
    ] = False,
    among: Annotated[
        str | None, typer.Option(help="Item ids by commas to choose from, such as those in stock.")
    ] = None,
    user: Annotated[str, typer.Option(help="With an agent's folder: to whom, in a silo.")] = "",
    data: Annotated[
        str | None, typer.Option(help="With a silo's folder: its interactions, as it joined with.")
    ] = None,
    query: o.Query = None,
    columns: o.ColumnNames = None,
) -> None:
    """Recommend to one person from one history; nothing is sent anywhere."""
    console = Console()
    chosen = _ids(among) if among is not None else None
    if model.is_dir():
        if history:
            raise ConfigError("An agent knows its own histories; leave --history out.")
        with opened(model, data, query, o.pairs(columns, "--columns")) as local:
            _print(local.recommend(user, k, repeats=repeats, among=chosen), console)
        return
    recommender = Recommender.load(model)
    items = _ids(history)
    known = recommender.catalog.numbers(items)
    for item, number in zip(items, known, strict=True):
        if number < 0:
            console.print(f"note: the model does not know item {escape(item)}", style="dim")
    _print(recommender.recommend(items, k, repeats=repeats, among=chosen), console)


def _print(recommendations: Iterable[Recommendation], console: Console) -> None:
    table = Table(header_style="bold")
    for head, side in (("rank", "right"), ("item", "left"), ("title", "left"), ("score", "right")):
        table.add_column(head, justify="right" if side == "right" else "left")
    for found in recommendations:
        title = escape(found.title)
        table.add_row(str(found.rank), escape(found.item_id), title, f"{found.score:.4f}")
    console.print(table)


def _ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
