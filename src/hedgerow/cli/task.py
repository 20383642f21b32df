"""``hedgerow task``: what is to be learned, and where it stands."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from hedgerow.cli.operating import (
    HERE,
    SHORT,
    AsJson,
    Ca,
    Key,
    TaskName,
    Url,
    budget,
    connected,
    progress,
    say,
    show_json,
    show_table,
    when,
)
from hedgerow.data.readers import read_table
from hedgerow.errors import ConfigError
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.wording import LIARS, beyond, exact_sums

task_app = typer.Typer(
    name="task", help="Make tasks, watch them, pause and stop them.", no_args_is_help=True
)


@task_app.command()
def create(
    file: Annotated[Path, typer.Argument(help="The task as JSON.", show_default=False)],
    *,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="The public items, CSV or Parquet with a column item_id; leave it out where the "
            "task names the hash of a catalog that was uploaded before.",
        ),
    ] = None,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Make a task; its runs begin by its schedule, once enough clients are enrolled."""
    task = _read(file)
    items = None if catalog is None else parquet(catalog)
    with connected(url, key, ca) as operator:
        if items is not None:
            task["catalog"] = operator.put_catalog(items)
        made = operator.create_task(task)
    if as_json:
        show_json(made)
    else:
        say(f"The task {made['task']['name']} is made; see hedgerow task show.")
        _say_promise(made)
        say(f"note: {LIARS}")


@task_app.command("list")
def list_tasks(*, url: Url = HERE, key: Key = None, ca: Ca = None, as_json: AsJson = False) -> None:
    """List the tasks with what privacy they have spent."""
    with connected(url, key, ca) as operator:
        found = operator.tasks()
    if as_json:
        show_json(found)
        return
    show_table(
        ("task", "model", "status", "run", "epsilon spent", "live model"),
        [
            (
                one["task"]["name"],
                one["task"]["model"],
                one["status"],
                progress(one["runs"][0]) if one["runs"] else None,
                budget(one),
                one["live"] and one["live"][:SHORT],
            )
            for one in found
        ],
        "There is no task; make one with hedgerow task create.",
    )


@task_app.command()
def show(
    name: TaskName,
    *,
    url: Url = HERE,
    key: Key = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Show a task: its newest runs, its live model and what privacy has been spent."""
    with connected(url, key, ca) as operator:
        found = operator.task(name)
    if as_json:
        show_json(found)
        return
    task, policy = found["task"], found["task"]["policy"]
    say(f"task         {task['name']}, {found['status']}, schedule {task['schedule']}")
    say(f"model        {task['model']}")
    say(f"sums         {policy['secure']}, of at least {policy['minimum']} clients")
    say(f"epsilon      {budget(found)}")
    _say_promise(found)
    say(f"live model   {found['live'] or 'none yet'}")
    show_table(
        ("run", "where", "begun (UTC)", "note"),
        [(run["id"], progress(run), when(run["created"]), run["note"]) for run in found["runs"]],
        "No run has begun yet: it takes enough enrolled clients, and the schedule's time.",
    )


@task_app.command()
def pause(name: TaskName, *, url: Url = HERE, key: Key = None, ca: Ca = None) -> None:
    """Begin no rounds of a task any more; the one that goes on is finished."""
    with connected(url, key, ca) as operator:
        operator.pause(name)
    say(f"The task {name} is paused.")


@task_app.command()
def resume(name: TaskName, *, url: Url = HERE, key: Key = None, ca: Ca = None) -> None:
    """Let a paused task go on."""
    with connected(url, key, ca) as operator:
        operator.resume(name)
    say(f"The task {name} goes on.")


@task_app.command()
def stop(name: TaskName, *, url: Url = HERE, key: Key = None, ca: Ca = None) -> None:
    """Stop a task's run at once; pause the task first if no other is to begin."""
    with connected(url, key, ca) as operator:
        ended = operator.stop(name)
    say(f"Stopped {len(ended['runs'])} run(s) and {len(ended['rounds'])} round(s) of {name}.")


def _say_promise(found: dict[str, Any]) -> None:
    """Say for whom a task's epsilon holds, or what to beware of without one."""
    body = found["task"]
    policy = Policy.from_json(body["policy"])
    if beware := exact_sums(policy, body["runs"], body["schedule"]):
        say(f"warning: {beware}")
    elif less := beyond(policy.unit, policy.clients_per_person):
        say(f"note: {less}")


def parquet(path: Path) -> bytes:
    """Return a catalog's file as Parquet, its ids as text.

    Raises
    ------
    ConfigError
        It has no column ``item_id``.
    DataError
        It cannot be read.
    """
    table = read_table(path, None)
    if "item_id" not in table.columns:
        raise ConfigError(f"The catalog {path} has no column item_id.")
    buffer = io.BytesIO()
    table.with_columns(pl.col("item_id").cast(pl.String)).write_parquet(buffer)
    return buffer.getvalue()


def _read(file: Path) -> dict[str, Any]:
    try:
        task = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ConfigError(f"The task {file} is not JSON: {error}.") from error
    if not isinstance(task, dict):
        raise ConfigError(f"The task {file} is not a JSON object.")
    return task
