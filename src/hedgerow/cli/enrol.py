"""``hedgerow enrol``: tokens with which clients enrol."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow.cli.operating import (
    HERE,
    AsJson,
    Ca,
    Key,
    Url,
    connected,
    say,
    show_json,
    when,
)
from hedgerow.errors import ConfigError


class KindName(StrEnum):
    """A device holds one user's interactions, a silo those of many."""

    DEVICE = "device"
    SILO = "silo"


def enrol_command(
    *,
    name: Annotated[str, typer.Option(help="Of the client, for people.", show_default=False)],
    kind: Annotated[KindName, typer.Option(help="What it is.")] = KindName.SILO,
    users: Annotated[int, typer.Option(min=1, help="The most users it holds.")] = 1,
    count: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many clients: NAME-1, NAME-2, ...")
    ] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long the tokens are good.")] = 7,
    out: Annotated[
        Path | None,
        typer.Option(help="A new file for the tokens, as lines of JSON that only you can read."),
    ] = None,
    at: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the enrolment authority, where it has a host of its own and this "
            "is that host; otherwise the coordinator is asked.",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="With --at: as given to 'hedgerow serve'.")
    ] = None,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Make tokens, each for one client, which it redeems once; they are shown this once."""
    if out is not None and out.exists():
        raise ConfigError(f"There is a file {out} already; name another.")
    wanted = _Wanted(kind.value, name, users, count, days * 86_400)
    if at is not None:
        made = _made_here(at, database, wanted)
    else:
        with connected(url, key, ca) as operator:
            made = operator.make_tokens(
                wanted.kind, name, users, ttl=wanted.ttl, count=wanted.count
            )
    if out is not None:
        _write(out, "".join(json.dumps(one) + "\n" for one in made["tokens"]))
    if as_json:
        show_json(made if out is None else {**made, "tokens": str(out)})
        return
    until = when(made["expires"])
    if out is not None:
        say(f"Wrote {count} token(s) to {out}, good until {until} UTC.")
        return
    for one in made["tokens"]:
        say(f"{one['name']}  {one['token']}")
    say(f"Good once, until {until} UTC. Hand each to its client where nobody else can see it.")


@dataclass(frozen=True)
class _Wanted:
    kind: str
    name: str
    users: int
    count: int
    ttl: int


def _made_here(folder: Path, database: str | None, wanted: _Wanted) -> dict[str, Any]:
    """Make tokens in the authority's own database; whoever holds its folder may."""
    try:
        from hedgerow.server.security import enrolment, keys
        from hedgerow.server.settings import AUTHORITY, Settings
        from hedgerow.server.storage.database import Database
        from hedgerow.server.storage.noted import known
    except ImportError as error:
        raise ConfigError(
            f"The authority needs an extra ({error.name}): pip install 'hedgerow[server]'."
        ) from error
    if (folder / keys.COORDINATOR_KEY).exists():
        raise ConfigError(
            f"The coordinator is in {folder}, too, and keeps the tokens; leave --at out, and give "
            "its URL and an access key."
        )
    keys.load_authority(folder)
    settings = known(Settings(folder, AUTHORITY, database=database))
    opened = Database.open(settings.database_url, upgrade=False)
    try:
        with opened.write() as connection:
            made = enrolment.new_tokens(
                connection,
                enrolment.ClientKind(wanted.kind),
                wanted.name,
                wanted.users,
                count=wanted.count,
                ttl=wanted.ttl,
                clock=time.time,
            )
    finally:
        opened.close()
    tokens = [{"name": name, "token": token} for name, token in made]
    return {"tokens": tokens, "expires": time.time() + wanted.ttl}


def _write(file: Path, text: str) -> None:
    """Write a file that was not there, for its owner alone."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
