"""``hedgerow ledger``: what privacy has been spent, and on what."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.errors import PolicyError
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.wording import beyond, per

HEADS = ("release", "mechanism", "noise / sensitivity", "bound", "sigma", "epsilon so far")

LEDGER = "ledger.jsonl"
"""The ledger's name in a run's folder."""


def ledger(
    path: Annotated[
        Path, typer.Argument(help="A ledger, or the folder of a run that keeps one.")
    ] = Path("hedgerow-out"),
    *,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Print the entries as JSON instead of a table.")
    ] = False,
) -> None:
    """Print what privacy has been spent: each release, its noise, and the sum so far.

    Also checks that no line but the last was changed or taken out since it was written.
    """
    file = path / LEDGER if path.is_dir() else path
    if not file.is_file():
        raise PolicyError(
            f"There is no ledger {file}; a run with --epsilon writes one, name its folder."
        )
    entries = Ledger(file).entries
    if json_lines:
        print(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
    print_ledger(entries, Console(markup=False))


def print_ledger(entries: list[Entry], console: Console) -> None:
    """Print one table per account."""
    if not entries:
        console.print("The ledger is empty: nothing has been released.")
    for account in dict.fromkeys(entry.account for entry in entries):
        own = [entry for entry in entries if entry.account == account]
        last = own[-1]
        table = Table(
            title=f"account {account[:12]}: epsilon {last.epsilon:.4g} at delta {last.delta:.2g}, "
            f"per {per(last.unit, last.clients_per_person)}, add or remove",
            title_justify="left",
            header_style="bold",
        )
        wide = console.width >= 110
        for head in HEADS:
            if wide or head not in {"bound", "sigma"}:
                numeric = head not in {"release", "mechanism"}
                table.add_column(head, justify="right" if numeric else "left")
        for entry in own:
            release = entry.release
            cells = [entry.step, f"{release.mechanism} by {entry.noise_by}"]
            cells.append(f"{release.multiplier:.4g}")
            cells += [f"{entry.clip:.4g}", f"{entry.sigma:.4g}"] if wide else []
            table.add_row(*cells, f"{entry.epsilon:.4g}")
        console.print(table)
        console.print(
            f"  sums secured: {last.secure}; sampling assumed: {last.sampling}; {last.accountant}",
            style="dim",
        )
        if less := beyond(last.unit, last.clients_per_person):
            console.print(f"  {less}", style="dim")
