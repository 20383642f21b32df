"""For operators: the public items, as a Parquet file."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from hedgerow.errors import DataError
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Limit, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import put_catalog

router = APIRouter(prefix="/v1")

PARQUET = "application/vnd.apache.parquet"

LARGEST = 64 << 20
"""Bytes of a file."""

MOST_ITEMS, MOST_COLUMNS = 5_000_000, 64
"""What a file says of itself is asked before it is read: a short one can hold very many rows."""


class CatalogShown(Strict):
    """A catalog by its hash, how many items it has, and when it came."""

    hash: str
    items: int
    created: float


class CatalogsOut(Strict):
    """The catalogs, newest first."""

    catalogs: list[CatalogShown]


class CatalogOut(Strict):
    """The catalog's hash, by which tasks name it."""

    hash: str


@router.get("/catalogs")
def listed(
    site: At, _: Annotated[Principal, needs(Permission.READ_STATUS)], limit: Limit = 100
) -> CatalogsOut:
    """List the catalogs."""
    catalogs = tables.catalogs
    query = select(catalogs).order_by(catalogs.c.created.desc(), catalogs.c.hash).limit(limit)
    with site.service.database.read() as connection:
        rows = connection.execute(query).all()
    return CatalogsOut(
        catalogs=[CatalogShown(hash=row.hash, items=row.items, created=row.created) for row in rows]
    )


@router.put(
    "/catalogs",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    request: Request, site: At, who: Annotated[Principal, needs(Permission.EDIT_TASKS)]
) -> CatalogOut:
    """Store a catalog: a column ``item_id``, and features of the items. Again changes nothing."""
    if request.headers.get("content-type") != PARQUET:
        raise HTTPException(415, f"Send a catalog as {PARQUET}")
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            raise HTTPException(413, f"A catalog has at most {LARGEST} bytes")
        pieces.append(piece)
    body = b"".join(pieces)
    return CatalogOut(hash=await run_in_threadpool(_store, site, who, body))


def _store(site: Site, who: Principal, body: bytes) -> str:
    import polars as pl

    service = site.service
    try:
        check_size(body)
        with service.database.write() as connection:
            name = put_catalog(connection, service.blobs, body, service.clock())
            site.note(connection, who, "put-catalog", name)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(
            "The catalog's Parquet file is damaged, or not of plain columns."
        ) from error
    return name


def check_size(body: bytes) -> None:
    """Refuse a file of more rows or columns than a catalog has.

    Raises
    ------
    DataError
        It has more.
    """
    import polars as pl

    schema = pl.read_parquet_schema(io.BytesIO(body))
    items = pl.scan_parquet(io.BytesIO(body)).select(pl.len()).collect().item()
    if items > MOST_ITEMS or len(schema) > MOST_COLUMNS:
        raise DataError(f"A catalog has at most {MOST_ITEMS} items and {MOST_COLUMNS} columns.")
