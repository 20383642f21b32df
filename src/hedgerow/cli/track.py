"""``hedgerow track``: an interaction that an agent's next recommendation takes into account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.local import opened


def track(
    folder: Annotated[Path, typer.Argument(help="An agent's folder, from 'hedgerow join'.")],
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    *,
    user: Annotated[str, typer.Option(help="Of a silo; leave it out on a device.")] = "",
    kind: Annotated[str, typer.Option(help="Such as view, basket or purchase.")] = "",
    weight: Annotated[float | None, typer.Option(help="How much it counts.")] = None,
) -> None:
    """Note an interaction; it stays in FOLDER."""
    with opened(folder) as recommender:
        seen = recommender.track(item, user, kind=kind, weight=weight)
    Console(highlight=False, markup=False).print(f"noted {seen.item} at {seen.timestamp}")
