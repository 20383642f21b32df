"""``hedgerow enrol``: tokens with which clients enrol."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.operating import (
    HERE,
    AsJson,
    Authority,
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
    url: Url = HERE,
    key: Key = None,
    authority: Authority = None,
    as_json: AsJson = False,
) -> None:
    """Make tokens, each for one client, which it redeems once; they are shown this once."""
    if out is not None and out.exists():
        raise ConfigError(f"There is a file {out} already; name another.")
    with connected(url, key, authority) as operator:
        made = operator.make_tokens(kind.value, name, users, ttl=days * 86_400, count=count)
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


def _write(file: Path, text: str) -> None:
    """Write a file that was not there, for its owner alone."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
