"""For those who run the servers: whether a process is alive and ready, and its metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import anyio
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from hedgerow.server.operations.draining import Draining
from hedgerow.server.operations.metrics import CONTENT_TYPE, Metrics
from hedgerow.server.operations.readiness import Readiness
from hedgerow.server.routes.access import needs
from hedgerow.server.security.access import ANYONE, Permission, Principal

probes = APIRouter()
"""Of both servers; anybody may ask."""

router = APIRouter()
"""Of the coordinator."""


@dataclass(frozen=True)
class Operations:
    """What tells how a process is; kept as ``app.state.operations``.

    Parameters
    ----------
    readiness
        Whether it can work.
    metrics
        What it counts.
    draining
        Whether it is about to stop.
    """

    readiness: Readiness
    metrics: Metrics = field(default_factory=Metrics)
    draining: Draining = field(default_factory=Draining)


class AliveOut(BaseModel):
    """The process answers."""

    model_config = ConfigDict(extra="forbid")

    alive: Literal[True] = True


class ReadyOut(BaseModel):
    """Whether requests are welcome, and which parts can be used."""

    model_config = ConfigDict(extra="forbid")

    ready: bool
    draining: bool
    parts: dict[str, bool]


def operations_of(request: Request) -> Operations:
    """Return what tells how this process is."""
    found: Operations = request.app.state.operations
    return found


def _anybody() -> Principal:
    """Let anybody in without a look at what is shown, so that a probe costs nothing."""
    return ANYONE


_anybody.permission = Permission.PUBLIC  # type: ignore[attr-defined]

Anybody = Annotated[Principal, Depends(_anybody)]
Here = Annotated[Operations, Depends(operations_of)]


@probes.get("/healthz")
async def alive(_: Anybody) -> AliveOut:
    """Say that the process answers. Where it does not, start it again."""
    return AliveOut()


@probes.get("/readyz", response_model=ReadyOut, responses={503: {"model": ReadyOut}})
async def ready(here: Here, _: Anybody) -> Response:
    """Say whether requests are welcome. Where they are not, send them to another replica."""
    parts = await anyio.to_thread.run_sync(here.readiness.parts)
    draining = here.draining.begun
    found = ReadyOut(ready=all(parts.values()) and not draining, draining=draining, parts=parts)
    headers = {} if found.ready else {"retry-after": "2"}
    return JSONResponse(
        found.model_dump(), status_code=200 if found.ready else 503, headers=headers
    )


@router.get("/metrics", response_class=Response)
def metrics(here: Here, _: Annotated[Principal, needs(Permission.READ_METRICS)]) -> Response:
    """Return metrics in Prometheus' text format."""
    return Response(here.metrics.text(), media_type=CONTENT_TYPE)
