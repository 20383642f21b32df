"""The registry: tasks, catalogs and models, and which model recommends."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, select

from hedgerow.data.catalog import Catalog
from hedgerow.errors import ConfigError, DataError, ProtocolError
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import insert_once
from hedgerow.server.tasks.task import Task

ACTIVE, PAUSED = "active", "paused"


@dataclass(frozen=True)
class Model:
    """A model that a run published.

    Parameters
    ----------
    hash
        Of its file.
    task, run, step
        Where it comes from, and how many steps it had.
    quality
        What an evaluation measured; empty before one.
    created
        When.
    live
        Whether it recommends now.
    """

    hash: str
    task: str
    run: str
    step: int
    quality: Mapping[str, float]
    created: float
    live: bool


def catalog_bytes(catalog: Catalog) -> bytes:
    """Return a catalog as Parquet: the column ``item_id``, and its features."""
    table = pl.DataFrame({"item_id": catalog.ids.cast(pl.String)})
    if catalog.features.width:
        table = pl.concat([table, catalog.features.drop("item_id", strict=False)], how="horizontal")
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def read_catalog(body: bytes) -> Catalog:
    """Return the catalog that some Parquet holds.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        table = pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError("A catalog is a Parquet file with a column item_id.") from error
    if "item_id" not in table.columns or not table.height:
        raise DataError("A catalog is a Parquet file with a column item_id and an item.")
    return Catalog(table["item_id"].cast(pl.String), table.drop("item_id"))


def put_catalog(connection: Connection, blobs: Blobs, body: bytes, now: float) -> str:
    """Store a catalog; return its hash. The same catalog again changes nothing.

    Raises
    ------
    DataError
        It is no catalog.
    """
    items = len(read_catalog(body))
    name = hashlib.sha256(body).hexdigest()
    blobs.put(f"catalog/{name}", body)
    insert_once(connection, tables.catalogs, [{"hash": name, "items": items, "created": now}])
    return name


def put_task(connection: Connection, task: Task, now: float) -> str:
    """Write down a new task; return its id.

    Raises
    ------
    ConfigError
        Its name is taken, or its catalog unknown.
    """
    tasks, catalogs = tables.tasks, tables.catalogs
    if connection.scalar(select(tasks.c.id).where(tasks.c.name == task.name)) is not None:
        raise ConfigError(f"There is a task {task.name} already; choose another name.")
    if connection.scalar(select(catalogs.c.hash).where(catalogs.c.hash == task.catalog)) is None:
        raise ConfigError("The task's catalog is unknown; upload the catalog first.")
    name = uuid.uuid4().hex
    values = {
        "id": name,
        "name": task.name,
        "body": task.to_json(),
        "status": ACTIVE,
        "created": now,
    }
    connection.execute(tasks.insert().values(values))
    return name


def task_named(connection: Connection, name: str) -> tuple[str, Task, str]:
    """Return a task's id, the task and its status.

    Raises
    ------
    ProtocolError
        ``unknown-task``.
    """
    tasks = tables.tasks
    row = connection.execute(select(tasks).where(tasks.c.name == name)).one_or_none()
    if row is None:
        raise ProtocolError("unknown-task", f"There is no task {name[:63]!r}.")
    return row.id, Task.from_json(row.body), row.status


def models_of(connection: Connection, task_id: str) -> Sequence[Model]:
    """Return a task's models, newest first."""
    models = tables.models
    current = live_model(connection, task_id)
    query = select(models).where(models.c.task == task_id).order_by(models.c.created.desc())
    return [
        Model(
            row.hash,
            task_id,
            row.run,
            row.step,
            json.loads(row.quality),
            row.created,
            row.hash == current,
        )
        for row in connection.execute(query)
    ]


def live_model(connection: Connection, task_id: str) -> str | None:
    """Return the hash of the model that recommends; None before there is one."""
    live = tables.live
    query = select(live.c.model).where(live.c.task == task_id).order_by(live.c.seq.desc())
    return connection.scalar(query.limit(1))


def put_live(connection: Connection, task_id: str, model: str, who: str, now: float) -> None:
    """Let a model recommend from now on; a rollback names an older one.

    Raises
    ------
    ConfigError
        The task has no such model.
    """
    models = tables.models
    known = select(models.c.hash).where(models.c.task == task_id, models.c.hash == model)
    if connection.execute(known).first() is None:
        raise ConfigError("The task has no such model; choose one of its models.")
    connection.execute(tables.live.insert().values(task=task_id, model=model, who=who, at=now))
