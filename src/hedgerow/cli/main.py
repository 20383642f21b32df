"""The entry point: the commands, and what a user sees when something goes wrong."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.access_key import access_key
from hedgerow.cli.audit import audit_command
from hedgerow.cli.audit_log import audit_log_app
from hedgerow.cli.backup import backup, restore
from hedgerow.cli.clients import clients_app
from hedgerow.cli.demo import demo
from hedgerow.cli.enrol import enrol_command
from hedgerow.cli.init import init
from hedgerow.cli.join import join
from hedgerow.cli.ledger import ledger
from hedgerow.cli.models import models_app
from hedgerow.cli.recommend import recommend
from hedgerow.cli.rounds import rounds_command
from hedgerow.cli.serve import serve_command
from hedgerow.cli.simulate import simulate
from hedgerow.cli.task import task_app
from hedgerow.cli.track import track
from hedgerow.cli.tune import tune
from hedgerow.errors import HedgerowError

INTERRUPTED = 130
"""The exit status of a command stopped by Ctrl-C."""

app = typer.Typer(
    name="hedgerow",
    help="Federated recommendations: one model grown from many private gardens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(simulate)
app.command()(tune)
app.command()(recommend)
app.command()(track)
app.command()(ledger)
app.command("audit")(audit_command)
app.command()(demo)
app.command()(init)
app.command("serve")(serve_command)
app.command("access-key")(access_key)
app.command()(join)
app.command()(backup)
app.command()(restore)
app.command("enrol")(enrol_command)
app.command("rounds")(rounds_command)
app.add_typer(task_app, name="task")
app.add_typer(clients_app, name="clients")
app.add_typer(models_app, name="models")
app.add_typer(audit_log_app, name="audit-log")


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
