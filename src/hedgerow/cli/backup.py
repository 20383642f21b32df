"""``hedgerow backup`` and ``hedgerow restore``: a deployment in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.hidden import revealed
from hedgerow.cli.serve import RoleName
from hedgerow.errors import ConfigError

Folder = Annotated[Path, typer.Argument(help="The deployment's folder.", show_default=False)]
Role = Annotated[RoleName, typer.Option(help="Of which server.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="HEDGEROW_DATABASE",
        help="By default the one that 'hedgerow serve' noted in the folder; "
        "to restore, an empty one.",
        callback=revealed,
    ),
]
Place = Annotated[
    str | None,
    typer.Option("--blobs", envvar="HEDGEROW_BLOBS", help="As for serve; by default a folder."),
]


def backup(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="The file to make.", show_default=False)],
    *,
    role: Role = RoleName.COORDINATOR,
    database: Url = None,
    blobs: Place = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Add the keys; keep the file as safe as they are.")
    ] = False,
) -> None:
    """Back a server up into one file, also while it runs."""
    try:
        from hedgerow.cli.backing_up import save
    except ImportError as error:
        raise _needs_extra(error) from error
    manifest = save(folder, file, role.value, database, blobs, with_keys=with_keys)
    console = _console()
    size = sum(part.bytes for part in manifest.parts.values())
    console.print(f"Wrote {len(manifest.parts)} parts, {size / 2**20:.1f} MiB, to {file}.")
    console.print(
        "It holds secret keys: keep it where nobody else can read it."
        if with_keys
        else f"It holds no keys; those in {folder} need a backup of their own."
    )


def restore(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    *,
    role: Role = RoleName.COORDINATOR,
    database: Url = None,
    blobs: Place = None,
) -> None:
    """Restore a backup into an empty database; rounds that went on are ended."""
    try:
        from hedgerow.cli.backing_up import bring_back
    except ImportError as error:
        raise _needs_extra(error) from error
    console = _console()
    for sentence in bring_back(folder, file, role.value, database, blobs):
        console.print(sentence)


def _needs_extra(error: ImportError) -> ConfigError:
    return ConfigError(
        f"Backups need the server's extra ({error.name}): pip install 'hedgerow[server]'."
    )


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False)
