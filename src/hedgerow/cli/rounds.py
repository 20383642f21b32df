"""``hedgerow rounds``: how the rounds of a run went."""

from __future__ import annotations

from typing import Annotated

import typer

from hedgerow.cli.operating import (
    HERE,
    AsJson,
    Ca,
    Key,
    TaskName,
    Url,
    connected,
    show_json,
    show_table,
)
from hedgerow.cli.progress import megabytes
from hedgerow.errors import ConfigError


def rounds_command(
    task: TaskName,
    *,
    run: Annotated[
        str | None, typer.Option(help="A run's id; by default the newest.", show_default=False)
    ] = None,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """List a run's rounds, newest first: how far they came, who was lost, how long it took."""
    with connected(url, key, ca) as operator:
        if run is None:
            runs = operator.task(task)["runs"]
            if not runs:
                raise ConfigError(f"No run of {task} has begun yet.")
            run = runs[0]["id"]
        found = operator.rounds(run)
    if as_json:
        show_json(found)
        return
    heads = ("sum", "try#", "phase", "quorum#", "came#", "counted#", "lost#", "sent#", "seconds#")
    show_table(
        (*heads, "failure"),
        [
            (
                f"{one['purpose']} {one['step']}",
                one["attempt"] + 1,
                one["phase"],
                one["minimum"],
                one["came"],
                one["counted"],
                one["lost"],
                megabytes(one["bytes"]),
                f"{sum(one['seconds'].values()):.1f}",
                one["failure"],
            )
            for one in found
        ],
        "No round has been opened yet.",
    )
