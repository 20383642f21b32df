"""``hedgerow forget``: erase what an agent keeps of people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.local import kept
from hedgerow.client.profile import SILO
from hedgerow.errors import ConfigError


def forget(
    folder: Annotated[Path, typer.Argument(help="An agent's folder, from 'hedgerow join'.")],
    *,
    user: Annotated[
        str, typer.Option(help="Of a silo: only what was tracked of this person here.")
    ] = "",
) -> None:
    """Erase interactions, consents and messages, and overwrite where they were.

    The key, public models, opt-outs and the account of what was contributed stay: without the
    account the same privacy would be spent twice. A silo's own database is its own; what was summed
    before cannot be taken back.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with kept(folder) as (profile, store):
        if user:
            if profile.kind != SILO:
                raise ConfigError("A device has one user; leave --user out.")
            count = store.forget_user(user)
            console.print(
                f"Erased {count:,} tracked interactions. What the silo's own data say of this "
                "person is still read: delete it there, or leave the person out with "
                "'hedgerow consent FOLDER --opt-out ID'."
            )
            return
        store.forget()
    console.print(
        "Erased: interactions, consents and messages. Kept: the key, public models, opt-outs and "
        "the account of what was contributed."
    )
