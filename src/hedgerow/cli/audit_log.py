"""``hedgerow audit-log``: check who did what, and keep a copy elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.errors import DataError
from hedgerow.federation.deployment import Deployment
from hedgerow.server.security import audit_chain, audit_log
from hedgerow.server.security.audit_chain import Head
from hedgerow.server.storage.database import Database

audit_log_app = typer.Typer(
    name="audit-log",
    help="Check the log of who did what, or copy it to a file.",
    no_args_is_help=True,
)

Source = Annotated[
    str,
    typer.Argument(help="An exported file, or the URL of a database.", show_default=False),
]


@audit_log_app.command()
def verify(
    source: Source,
    *,
    deployment: Annotated[
        Path,
        typer.Option(help="deployment.json, with the coordinator's public key.", exists=False),
    ],
    after: Annotated[
        Path | None,
        typer.Option(help="An earlier export, which the log has to go on from."),
    ] = None,
) -> None:
    """Check that nothing in an audit log was edited, taken out, put in or cut off."""
    public = Deployment.from_json(_read(deployment)).coordinator
    lines, head = audit_log.parse(_exported(source))
    earlier = _head(after) if after else None
    checked = audit_chain.verify(lines, head, public, earlier=earlier)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"The audit log is whole: {len(checked)} lines, head {head.hash}.")
    if earlier is None:
        console.print(
            "Whether it is the newest shows only against a head kept elsewhere: see --after."
        )


@audit_log_app.command()
def export(
    database: Annotated[str, typer.Argument(help="The URL of a database.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="Where to write the lines.", show_default=False)],
) -> None:
    """Copy an audit log with its signed head to a file of JSON lines."""
    data = _from_database(database)
    draft = file.with_name(f".{file.name}.{os.getpid()}.draft")
    draft.write_bytes(data)
    draft.replace(file)
    Console(highlight=False, soft_wrap=True, markup=False).print(
        f"Wrote the audit log to {file}; keep it where the coordinator cannot change it."
    )


def _exported(source: str) -> bytes:
    if "://" in source:
        return _from_database(source)
    return _read(Path(source))


def _from_database(url: str) -> bytes:
    database = Database.open(url, upgrade=False)
    try:
        with database.read() as connection:
            return audit_log.export(connection)
    finally:
        database.close()


def _head(file: Path) -> Head:
    return audit_log.parse(_read(file))[1]


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise DataError(f"There is no file {file}; name an exported audit log or a database.")
    return file.read_bytes()
