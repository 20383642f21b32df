"""The devices of the demonstration: hundreds of agents in one process, some of which vanish.

Run as ``python -m hedgerow.cli.demo_devices SETTINGS``, a JSON file with the URL, the files of the
certificate, the deployment and the interactions, one token for each device, and the share that
vanishes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import ssl
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from hedgerow.client.api import Admitted
from hedgerow.client.crowd import Crowd, enrol
from hedgerow.client.guard import Guard
from hedgerow.client.models import Models
from hedgerow.client.sources import Table, fold_of
from hedgerow.client.taking_part import Part
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.split import Fold, LastOut
from hedgerow.errors import HedgerowError
from hedgerow.federation.deployment import Deployment

TOGETHER = 20
"""Devices that share a pool of connections, in which each request looks at all."""


def main() -> None:
    """Enrol the devices and let them take part until the process is stopped."""
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text())))


async def run(settings: dict[str, Any]) -> None:
    """Enrol the devices and let them take part until told to stop.

    Parameters
    ----------
    settings
        As in the file.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tokens, share = settings["tokens"], settings["vanish"]
    deployment = Deployment.from_json(Path(settings["deployment"]).read_bytes())
    users = pl.read_parquet(settings["data"], columns=["user_id"])["user_id"].unique().sort()
    context = ssl.create_default_context(cafile=settings["ca"])
    held, models = folds(settings["data"], users.to_list()), Models()
    guard = Guard.from_json(settings["guard"])
    async with AsyncExitStack() as stack:

        async def gather(first: int) -> Crowd:
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=settings["url"], verify=context)
            )
            some = slice(first, first + TOGETHER)
            return await enrol(
                http, deployment, tokens[some], held[some], guard=guard, models=models
            )

        async def live(first: int, crowd: Crowd) -> None:
            def vanish(number: int, admitted: Admitted) -> bool:
                return first + number in gone(admitted.round, len(tokens), share)

            await crowd.run(stop.is_set, vanish=vanish, heard=heard)

        starts = range(0, len(tokens), TOGETHER)
        crowds = [await gather(first) for first in starts]
        living = asyncio.gather(*map(live, starts, crowds))
        await stop.wait()
        living.cancel()
        await asyncio.wait([living])


def heard(_number: int, what: Part | HedgerowError) -> None:
    """Note in the log what a device could not do."""
    if isinstance(what, HedgerowError):
        print(f"a device: {what}", flush=True)


def folds(data: str, users: list[str]) -> list[Callable[[Catalog, bool], Fold]]:
    """Return what each device gives of its own history, the user's of its place in the list."""
    source = Table(data, None, Columns(), drop_invalid=False)

    @cache
    def everyone(catalog: Catalog, held_out: bool) -> tuple[Fold, dict[str, int]]:  # noqa: FBT001 - as `Member` says
        held = fold_of(source, catalog, LastOut() if held_out else None)
        return held.fold, {user: row for row, user in enumerate(held.users)}

    def of(user: str) -> Callable[[Catalog, bool], Fold]:
        def own(catalog: Catalog, held_out: bool) -> Fold:  # noqa: FBT001 - as `Member` says
            fold, rows = everyone(catalog, held_out)
            return fold[rows[user] : rows[user] + 1]

        return own

    return [of(user) for user in users]


@cache
def gone(name: str, devices: int, share: float) -> frozenset[int]:
    """Return which devices vanish from a round: others in each, but always the same share."""

    def drawn(number: int) -> bytes:
        return hashlib.sha256(f"{name}/{number}".encode()).digest()

    return frozenset(sorted(range(devices), key=drawn)[: round(share * devices)])


if __name__ == "__main__":
    main()
