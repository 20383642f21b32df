"""Options and tables of the commands for operators, who talk to a coordinator over HTTPS."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.cli.hidden import HOW, revealed
from hedgerow.errors import ConfigError
from hedgerow.privacy.wording import per

if TYPE_CHECKING:
    from hedgerow.client.operator import Operator

Url = Annotated[
    str,
    typer.Option(envvar="HEDGEROW_URL", help="The coordinator's URL."),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="HEDGEROW_ACCESS_KEY",
        help=f"An access key; others can see a command line, so {HOW}",
        callback=revealed,
        show_default=False,
    ),
]
Ca = Annotated[
    str | None,
    typer.Option(
        envvar="HEDGEROW_CA",
        help="PEM file of who vouches for the coordinator; by default the system's authorities.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
TaskName = Annotated[str, typer.Argument(help="The task's name.", show_default=False)]

HERE = "https://localhost:8443"

SHORT = 12
"""Characters of a hash that are shown in a table."""


def connected(url: str, key: str | None, ca: str | None) -> AbstractContextManager[Operator]:
    """Return a connection to the coordinator.

    Raises
    ------
    ConfigError
        There is no key, or an option cannot be used.
    """
    try:
        from hedgerow.client.operator import connect
    except ImportError as error:
        raise ConfigError(
            f"This command needs an extra ({error.name}): pip install 'hedgerow[client]'."
        ) from error
    if not key:
        raise ConfigError("Give an access key with --key or in HEDGEROW_ACCESS_KEY.")
    return connect(url, key, ca)


def say(text: str) -> None:
    """Print a line for people."""
    _console().print(text)


def show_json(value: object) -> None:
    """Print JSON for programs."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def show_table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table whose columns of numbers, marked by a trailing ``#``, are set to the right.

    Parameters
    ----------
    heads
        Titles of the columns.
    rows
        Cells; None is shown as a hyphen.
    empty
        What to say where there is no row.
    """
    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    table = Table(header_style="bold")
    for head in heads:
        number = head.endswith("#")
        table.add_column(head.rstrip("#"), justify="right" if number else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    _console().print(table)


def when(seconds: float | None) -> str | None:
    """Return a time as people read it, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


MECHANISMS = {
    "pairwise": "Skellam noise by the clients",
    "split": "Gaussian noise by each of two servers",
}
"""What a promise of epsilon rests on, by how sums are secured."""


def budget(task: dict[str, Any]) -> str:
    """Return what privacy a task has spent of what it promised, and in what terms."""
    found, policy = task["budget"], task["task"]["policy"]
    if found["promised"] is None:
        return "no promise"
    whom = per(found["unit"], found["clients_per_person"])
    delta = "delta still open" if found["delta"] is None else f"delta {found['delta']:.3g}"
    return (
        f"{found['spent']:.4g} of {found['promised']:.4g}, {delta}, per {whom}, "
        f"{MECHANISMS[policy['secure']]}, no sampling assumed"
    )


def progress(run: dict[str, Any]) -> str:
    """Return how far a run is."""
    return f"{run['status']}, step {run['step']} of {run['steps']}"


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False)
