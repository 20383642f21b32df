"""``hedgerow import``: a device's history from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli import options as o
from hedgerow.cli.local import kept
from hedgerow.client.importing import import_own, read_own
from hedgerow.client.profile import SILO
from hedgerow.data.columns import Columns
from hedgerow.errors import ConfigError


def import_history(
    folder: Annotated[Path, typer.Argument(help="A device's folder, from 'hedgerow join'.")],
    file: Annotated[
        Path, typer.Argument(help="Its user's interactions with their times: CSV or Parquet.")
    ],
    *,
    columns: o.ColumnNames = None,
) -> None:
    """Take a user's history in; it stays in FOLDER.

    What is there already, by item and time, is left as it is, so a file may be imported again.
    """
    with kept(folder) as (profile, store):
        if profile.kind == SILO:
            raise ConfigError("A silo reads its own data: name them with 'hedgerow join --data'.")
        log = read_own(file, Columns(**o.pairs(columns, "--columns")))
        added = import_own(store.history, log)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for note in log.notes:
        console.print(f"note: {note}")
    console.print(f"took {added:,} of {len(log):,} interactions in")
