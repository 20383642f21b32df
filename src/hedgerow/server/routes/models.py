"""For operators and analysts: a task's models, and which of them recommends."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection, select

from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Every, Hex32, Limit, Name, Offset, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import (
    Model,
    best_model,
    count_models,
    live_model,
    model_of,
    models_of,
    put_live,
    task_named,
)

router = APIRouter(prefix="/v1/tasks")

Hash = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]

Measured = Annotated[bool, Query(strict=False, description="Only models that were measured.")]

LONGEST_WHO = 64
"""Characters of a name in the column of who let a model recommend; a person's may be longer."""


class ModelOut(Strict):
    """A model, and what an evaluation measured of it; no numbers before one."""

    hash: str
    run: str
    step: int
    quality: dict[str, float]
    created: float
    live: bool


class ModelsOut(Strict):
    """A task's models, newest first; which recommends, which did before it, which measured best."""

    models: list[ModelOut]
    total: int
    live: str | None
    before: str | None
    best: str | None


class LiveIn(Strict):
    """The model that is to recommend."""

    model: Hex32


class LiveSetOut(Strict):
    """Which model recommends now, and which one did before."""

    live: str
    before: str | None


@router.get("/{name}/models")
def of_task(
    name: Name,
    site: At,
    _: Annotated[Principal, needs(Permission.READ_QUALITY)],
    limit: Limit = 100,
    offset: Offset = 0,
    every: Every = 1,
    *,
    measured: Measured = False,
) -> ModelsOut:
    """List a task's models with their quality."""
    with site.service.database.read() as connection:
        task_id, task, _status = task_named(connection, name)
        found = models_of(
            connection, task_id, limit=limit, offset=offset, every=every, measured=measured
        )
        total = count_models(connection, task_id, measured=measured)
        best = best_model(connection, task_id, f"ndcg@{task.k}")
        live = live_model(connection, task_id)
        before = _before(connection, task_id, live)
    return ModelsOut(
        models=[_shown(one) for one in found],
        total=total,
        live=live,
        before=before,
        best=best,
    )


@router.get("/{name}/models/{model}")
def find(
    name: Name,
    model: Hash,
    site: At,
    _: Annotated[Principal, needs(Permission.READ_QUALITY)],
) -> ModelOut:
    """Show one of a task's models."""
    with site.service.database.read() as connection:
        task_id, _task, _status = task_named(connection, name)
        return _shown(model_of(connection, task_id, model))


@router.post("/{name}/live")
def put(
    name: Name, body: LiveIn, site: At, who: Annotated[Principal, needs(Permission.ROLL_BACK)]
) -> LiveSetOut:
    """Let one of a task's models recommend: roll back to an older one, or forward again."""
    service = site.service
    with service.database.write() as connection:
        task_id, _, _ = task_named(connection, name)
        before = live_model(connection, task_id)
        put_live(connection, task_id, body.model, who.name[:LONGEST_WHO], service.clock())
        site.note(connection, who, "put-live", f"{name} {body.model}")
    return LiveSetOut(live=body.model, before=before)


def _shown(one: Model) -> ModelOut:
    return ModelOut(
        hash=one.hash,
        run=one.run,
        step=one.step,
        quality=dict(one.quality),
        created=one.created,
        live=one.live,
    )


def _before(connection: Connection, task_id: str, live: str | None) -> str | None:
    """Return the model that recommended before the one that does now."""
    rows = tables.live
    query = select(rows.c.model).where(rows.c.task == task_id, rows.c.model != live)
    return connection.scalar(query.order_by(rows.c.seq.desc()).limit(1))
