"""The entry point: the commands, and what a user sees when something goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command, get_group

from hedgerow.errors import HedgerowError

INTERRUPTED = 130
"""The exit status of a command stopped by Ctrl-C."""

COMMANDS = {
    "simulate": "simulate:simulate",
    "plan": "plan:plan",
    "tune": "tune:tune",
    "recommend": "recommend:recommend",
    "track": "track:track",
    "import": "import_history:import_history",
    "consent": "consent:consent",
    "forget": "forget:forget",
    "ledger": "ledger:ledger",
    "audit": "audit:audit_command",
    "demo": "demo:demo",
    "init": "init:init",
    "serve": "serve:serve_command",
    "access-key": "access_key:access_key",
    "join": "join:join",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "enrol": "enrol:enrol_command",
    "rounds": "rounds:rounds_command",
    "task": "task:task_app",
    "clients": "clients:clients_app",
    "models": "models:models_app",
    "audit-log": "audit_log:audit_log_app",
}
"""Which module of `hedgerow.cli` has a command, and what it is called there; a module is imported
when its command is asked for, so that a server holds no other command's libraries."""


class Commands(TyperGroup):
    """The commands, of which only the names are known at first."""

    def __init__(self, **settings: Any) -> None:
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        super().__init__(**{**settings, "commands": names})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        return _made(cmd_name, getattr(import_module(f"hedgerow.cli.{module}"), attribute))


def _made(name: str, found: typer.Typer | Callable[..., None]) -> Any:
    """Return the command that Typer makes of a function, or of a group of them."""
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return get_command(alone)


app = typer.Typer(
    name="hedgerow",
    cls=Commands,
    help="Federated recommendations: one model grown from many private gardens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: object) -> None:
    if wanted:
        print(version("hedgerow"))
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Federated recommendations: one model grown from many private gardens."""


def main() -> None:
    """Run the command; a mistake of the user ends in one sentence and status 1."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except HedgerowError as error:
        console.print(f"[bold red]error:[/] {_escaped(str(error))}")
        sys.exit(1)
    except OSError as error:
        console.print(
            f"[bold red]error:[/] A file cannot be read or written: {_escaped(str(error))}."
        )
        sys.exit(1)
    except MemoryError:
        console.print(
            "[bold red]error:[/] The memory is not enough; take a smaller model "
            "(--preset phone), fewer workers or a sample of the data."
        )
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            console.print(
                "[bold]stopped.[/] Where a round was finished, it is kept: go on with --resume."
            )
        raise


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
