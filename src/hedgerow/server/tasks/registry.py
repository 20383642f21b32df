"""The registry: tasks, catalogs and models, and which model recommends."""

from __future__ import annotations

import hashlib
import io
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from hedgerow.data.catalog import Catalog
from hedgerow.errors import ConfigError, DataError, ProtocolError
from hedgerow.models.file import names_of
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import insert_once
from hedgerow.server.storage.pages import thinned
from hedgerow.server.tasks.task import Task

if TYPE_CHECKING:
    import polars as pl

ACTIVE, PAUSED = "active", "paused"

UNMEASURED = "{}"
"""The quality of a model that nobody has measured, as JSON."""


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
    import polars as pl  # 24 MB that only who gives or takes a catalog needs

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
    import polars as pl

    try:
        table = pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError("A catalog is a Parquet file with a column item_id.") from error
    if "item_id" not in table.columns or not table.height:
        raise DataError("A catalog is a Parquet file with a column item_id and an item.")
    return Catalog(table["item_id"].cast(pl.String), table.drop("item_id"))


@dataclass(frozen=True, eq=False)
class StoredCatalog:
    """A catalog as a run begins with it, of which no more is read than its model looks at.

    Parameters
    ----------
    blobs
        Where it is.
    name
        Its hash.
    """

    blobs: Blobs
    name: str

    def __len__(self) -> int:
        return len(json.loads(self.names["items"]))

    @cached_property
    def names(self) -> dict[str, str]:
        """The items' ids and titles, as a model's file has them."""
        names: dict[str, str] = json.loads(self.blobs.get(f"items/{self.name}"))
        return names

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row per item."""
        return read_catalog(self.blobs.get(f"catalog/{self.name}")).features


def put_catalog(connection: Connection, blobs: Blobs, body: bytes, now: float) -> str:
    """Store a catalog; return its hash. The same catalog again changes nothing.

    Raises
    ------
    DataError
        It is no catalog.
    """
    catalog = read_catalog(body)
    items, name = len(catalog), hashlib.sha256(body).hexdigest()
    blobs.put(f"catalog/{name}", body)
    blobs.put(f"items/{name}", json.dumps(names_of(catalog)).encode())
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


def tasks_over(connection: Connection, catalog: str) -> Sequence[Task]:
    """Return the tasks that are about the items of a catalog, by name."""
    bodies = connection.scalars(select(tables.tasks.c.body).order_by(tables.tasks.c.name))
    return [task for task in map(Task.from_json, bodies) if task.catalog == catalog]


def models_of(
    connection: Connection,
    task_id: str,
    *,
    limit: int | None = None,
    offset: int = 0,
    every: int = 1,
    measured: bool = False,
) -> Sequence[Model]:
    """Return a task's models, newest first.

    Parameters
    ----------
    connection
        To the database.
    task_id
        The task's id.
    limit, offset
        How many at most, and how many to leave out.
    every
        Of so many, one is returned.
    measured
        Leave out those whose quality was not measured.
    """
    models = tables.models
    current = live_model(connection, task_id)
    query = select(models).where(_chosen(task_id, measured=measured))
    order = (models.c.created.desc(), models.c.step.desc())
    query = thinned(query, order, every) if every > 1 else query.order_by(*order)
    query = query.limit(limit).offset(offset)
    return [_model(row, current) for row in connection.execute(query)]


def model_of(connection: Connection, task_id: str, name: str) -> Model:
    """Return a task's model by its hash.

    Raises
    ------
    ProtocolError
        ``unknown-model``.
    """
    models = tables.models
    query = select(models).where(models.c.task == task_id, models.c.hash == name)
    row = connection.execute(query.order_by(models.c.created.desc()).limit(1)).one_or_none()
    if row is None:
        raise ProtocolError("unknown-model", "The task has no such model.")
    return _model(row, live_model(connection, task_id))


def _model(row: Row[Any], live: str | None) -> Model:
    quality = json.loads(row.quality)
    return Model(row.hash, row.task, row.run, row.step, quality, row.created, row.hash == live)


def count_models(connection: Connection, task_id: str, *, measured: bool = False) -> int:
    """Return how many models a task has, or how many of them were measured."""
    query = select(func.count()).select_from(tables.models)
    return connection.scalar(query.where(_chosen(task_id, measured=measured))) or 0


def best_model(connection: Connection, task_id: str, metric: str) -> str | None:
    """Return the hash of the model that measured best; None before any was measured."""
    models = tables.models
    query = select(models.c.hash, models.c.quality).where(_chosen(task_id, measured=True))
    best: tuple[float, str | None] = (-math.inf, None)
    for name, quality in connection.execute(query.order_by(models.c.created)):
        found = json.loads(quality).get(metric, -math.inf)
        best = (found, name) if found > best[0] else best
    return best[1]


def _chosen(task_id: str, *, measured: bool) -> ColumnElement[bool]:
    models = tables.models
    own = models.c.task == task_id
    return and_(own, models.c.quality != UNMEASURED) if measured else own


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
