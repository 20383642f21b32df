"""``hedgerow access-key``: the keys with which operators' programs log in, made at the server."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.hidden import revealed
from hedgerow.errors import ConfigError


class RoleName(StrEnum):
    """What the holder of a key may do."""

    OPERATOR = "operator"
    ANALYST = "analyst"
    AUDITOR = "auditor"


def access_key(
    folder: Annotated[Path, typer.Argument(help="The deployment's keys, from 'hedgerow init'.")],
    name: Annotated[str, typer.Argument(help="Of the key, never used before.")],
    *,
    role: Annotated[RoleName, typer.Option(help="What its holder may do.")] = RoleName.OPERATOR,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_DATABASE",
            help="By default the one that 'hedgerow serve' noted in the folder.",
            callback=revealed,
        ),
    ] = None,
) -> None:
    """Make an access key and print it; it is kept nowhere.

    Needs the coordinator's folder and the database that 'hedgerow serve' has made, not the running
    coordinator: this is how the first operator gets in.
    """
    try:
        from hedgerow.server.security import access, audit_log, keys
        from hedgerow.server.settings import Settings
        from hedgerow.server.storage.database import Database
        from hedgerow.server.storage.noted import known
    except ImportError as error:
        raise ConfigError(
            f"The server needs an extra ({error.name}): pip install 'hedgerow[server]'."
        ) from error
    signing = keys.load_coordinator(folder).signing
    settings = known(Settings(folder, database=database))
    opened = Database.open(settings.database_url, upgrade=False)
    try:
        with opened.write() as connection:
            made = access.new_access_key(connection, name, access.Role(role.value), clock=time.time)
            event = audit_log.Event("console", "make-access-key", name)
            audit_log.append(connection, event, key=signing, clock=time.time)
    finally:
        opened.close()
    Console(highlight=False, soft_wrap=True, markup=False).print(made)
