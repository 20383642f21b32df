"""``hedgerow clients``: who takes part."""

from __future__ import annotations

from typing import Annotated

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
    show_table,
    when,
)

clients_app = typer.Typer(
    name="clients", help="See who is enrolled, and end a client's part.", no_args_is_help=True
)


@clients_app.command("list")
def list_clients(
    *, url: Url = HERE, key: Key = None, ca: Ca = None, as_json: AsJson = False
) -> None:
    """List the clients, revoked ones too."""
    with connected(url, key, ca) as operator:
        found = list(operator.clients())
    if as_json:
        show_json(found)
        return
    show_table(
        ("client", "name", "kind", "users#", "enrolled (UTC)", "revoked (UTC)"),
        [
            (
                one["id"],
                one["name"],
                one["kind"],
                one["users"],
                when(one["enrolled"]),
                when(one["revoked"]),
            )
            for one in found
        ],
        "No client is enrolled; make tokens with hedgerow enrol.",
    )


@clients_app.command()
def revoke(
    client: Annotated[str, typer.Argument(help="The client's id.", show_default=False)],
    *,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """End a client's part for good."""
    with connected(url, key, ca) as operator:
        operator.revoke(client)
    say(f"The client {client} takes part no more.")
