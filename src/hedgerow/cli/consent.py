"""``hedgerow consent``: what is agreed to at an agent, and who has opted out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedgerow.cli.local import kept
from hedgerow.client.profile import SILO
from hedgerow.client.store import Store
from hedgerow.errors import ConfigError


def consent(
    folder: Annotated[Path, typer.Argument(help="An agent's folder, from 'hedgerow join'.")],
    *,
    opt_out: Annotated[
        list[str] | None,
        typer.Option(
            help="In a silo: id of a person who is left out from now on; may be repeated."
        ),
    ] = None,
    opt_in: Annotated[
        list[str] | None, typer.Option(help="In a silo: id of a person who is taken in again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print what was agreed to and withdrawn at an agent, by whom and when.

    In a silo, people may opt out: their interactions are then in no sum, no measurement and no
    recommendation, beginning with the next. What was summed before cannot be taken back.
    """
    with kept(folder) as (profile, store):
        if (opt_out or opt_in) and profile.kind != SILO:
            raise ConfigError(
                "A device has one user, who withdraws with 'hedgerow join --withdraw'."
            )
        for person in opt_out or ():
            store.opt_outs.add(person)
        for person in opt_in or ():
            store.opt_outs.remove(person)
        found = _told(store)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _print(found)


def _told(store: Store) -> dict[str, list[dict[str, object]]]:
    now = store.consents.now()
    log: list[dict[str, object]] = [
        {
            "purpose": one.purpose,
            "given": given,
            "by": one.who,
            "text": one.version or None,
            "at": _moment(one.at),
            "in_force": given and now.given.get(one.purpose) == one,
        }
        for one, given in store.consents.log()
    ]
    people: list[dict[str, object]] = [
        {"person": who, "at": _moment(at)} for who, at in store.opt_outs.people().items()
    ]
    return {"consents": log, "opted_out": people}


def _print(found: dict[str, list[dict[str, object]]]) -> None:
    console = Console(highlight=False)
    if not found["consents"]:
        console.print("Nothing was agreed to here, so this agent takes part in nothing.")
    else:
        table = Table(header_style="bold")
        for head in ("at (UTC)", "what", "purpose", "by", "text", "in force"):
            table.add_column(head)
        for one in found["consents"]:
            table.add_row(
                str(one["at"]),
                "agreed" if one["given"] else "withdrew",
                str(one["purpose"]),
                escape(str(one["by"])),
                escape(str(one["text"] or "-")),
                "yes" if one["in_force"] else "",
            )
        console.print(table)
    for one in found["opted_out"]:
        console.print(f"{escape(str(one['person']))} has opted out since {one['at']}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
