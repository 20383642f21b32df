"""``hedgerow track``: an interaction that an agent's next recommendation takes into account."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.local import kept
from hedgerow.client.known import Known
from hedgerow.client.profile import SILO
from hedgerow.errors import ConfigError


def track(
    folder: Annotated[Path, typer.Argument(help="An agent's folder, from 'hedgerow join'.")],
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    *,
    user: Annotated[str, typer.Option(help="Of a silo; leave it out on a device.")] = "",
    at: Annotated[
        str | None,
        typer.Option(
            help="When: an ISO date such as 2026-01-31T12:00 (UTC where no zone is given), or "
            "seconds since 1970; now by default."
        ),
    ] = None,
    kind: Annotated[str, typer.Option(help="Such as view, basket or purchase.")] = "",
    weight: Annotated[float | None, typer.Option(help="How much it counts.")] = None,
) -> None:
    """Note an interaction; it stays in FOLDER. No model is needed for it."""
    stamp = None if at is None else _seconds(at)
    with kept(folder) as (profile, store):
        if (profile.kind == SILO) != bool(user):
            raise ConfigError(
                "Name the person with --user: a silo has many."
                if profile.kind == SILO
                else "A device has one user; leave --user out."
            )
        seen = Known(store).track(item, user, timestamp=stamp, kind=kind, weight=weight)
    Console(highlight=False, markup=False).print(f"noted {seen.item} at {seen.timestamp}")


def _seconds(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--at takes an ISO date such as 2026-01-31T12:00, or seconds, not {text[:40]!r}."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
