"""``hedgerow init``: the keys and certificates of a new deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.server.security import authority, files, keys

_PARTIES = ("coordinator", "helper")

FILES = (
    authority.CA_KEY,
    authority.CA,
    *(f"{party}/{name}" for party in _PARTIES for name in (authority.KEY, authority.CERTIFICATE)),
    *keys.FILES,
)
"""What a complete folder holds."""


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder for the keys.", show_default=False)],
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="A name or address under which the servers are reached, besides localhost; "
            "may be given several times.",
        ),
    ] = None,
) -> None:
    """Make the keys and certificates of a new deployment."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if _is_complete(folder):
        console.print(f"{folder} is complete; nothing was changed.")
        return

    def fill(draft: Path) -> None:
        authority.create(draft, host or ())
        keys.create(draft)

    files.make_whole(folder, fill)
    console.print(f"Made the keys of a deployment in {folder}:")
    console.print(_next_steps(folder))


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def _next_steps(folder: Path) -> str:
    return f"""\
  enrolment/    says who takes part; keep it apart from the coordinator where you can
  coordinator/  for the host of the coordinator
  helper/       for the host of the helper, which somebody else should run
  public/       for everyone who takes part

Next:
  1. Back up {folder} where nobody else can read it: lost keys cannot be made again.
  2. Move helper/ and public/ to the helper's host, and delete helper/ here.
  3. Start the coordinator: hedgerow serve {folder}"""
