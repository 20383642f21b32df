"""``hedgerow models``: what was learned, and which model recommends."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hedgerow.cli.operating import (
    HERE,
    SHORT,
    AsJson,
    Ca,
    Key,
    TaskName,
    Url,
    connected,
    say,
    show_json,
    show_table,
    when,
)
from hedgerow.errors import ConfigError

models_app = typer.Typer(
    name="models",
    help="See a task's models, and choose which one recommends.",
    no_args_is_help=True,
)


@models_app.command("list")
def list_models(
    task: TaskName,
    *,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """List a task's models with what was measured of them, newest first."""
    with connected(url, key, ca) as operator:
        found = operator.models(task)
    if as_json:
        show_json(found)
        return
    show_table(
        ("model", "step#", "made (UTC)", "quality", "live"),
        [
            (
                one["hash"],
                one["step"],
                when(one["created"]),
                _quality(one["quality"]),
                "live" if one["live"] else "",
            )
            for one in found["models"]
        ],
        f"The task {task} has no model yet.",
    )


@models_app.command()
def live(task: TaskName, *, url: Url = HERE, key: Key = None, ca: Ca = None) -> None:
    """Print the hash of the model that recommends."""
    with connected(url, key, ca) as operator:
        found = operator.models(task)["live"]
    if found is None:
        raise ConfigError(f"The task {task} has no live model yet.")
    say(found)


@models_app.command()
def rollback(
    task: TaskName,
    model: Annotated[
        str | None,
        typer.Argument(
            help="The beginning of a model's hash; by default the one that recommended before.",
            show_default=False,
        ),
    ] = None,
    *,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Let another of a task's models recommend: an older one, or a newer one again."""
    with connected(url, key, ca) as operator:
        found = operator.models(task)
        chosen = _chosen(found, task, model)
        operator.put_live(task, chosen)
    before = (found["live"] or "none")[:SHORT]
    say(f"The task {task} recommends with {chosen[:SHORT]} (before: {before}).")


def _chosen(found: dict[str, Any], task: str, model: str | None) -> str:
    if model is None:
        if found["before"] is None:
            raise ConfigError(f"No other model of {task} recommended before; name one.")
        return str(found["before"])
    fitting = {one["hash"] for one in found["models"] if one["hash"].startswith(model)}
    if len(fitting) != 1:
        raise ConfigError(f"{len(fitting)} models of {task} begin with {model!r}; name one.")
    return str(fitting.pop())


def _quality(quality: dict[str, float]) -> str:
    shown = {name: value for name, value in quality.items() if "@" in name}
    return ", ".join(f"{name} {value:.4f}" for name, value in shown.items()) or "not measured"
