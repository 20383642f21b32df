"""A process of agents, to be started by the network's benchmarks.

    python benchmarks/network_agents.py agents FOLDER [FOLDER ...] [--seed SEED]
    python benchmarks/network_agents.py crowd FILE [--drop P]

Agents keep their journals on disk, and may be killed and started again; a crowd's are in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from network_support import AUDIENCE, HISTORY, PATIENT, source_of

from hedgerow.client.agent import Agent, api_of, connect
from hedgerow.client.api import Admitted, Api, Later
from hedgerow.client.crowd import MemoryConscience
from hedgerow.client.member import Member
from hedgerow.client.models import Models
from hedgerow.client.profile import Profile
from hedgerow.client.sources import fold_of
from hedgerow.client.store import Store
from hedgerow.client.taking_part import take_part
from hedgerow.data.catalog import Catalog
from hedgerow.data.hashing import uniform
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold
from hedgerow.errors import HedgerowError
from hedgerow.federation.setting import stream_of
from hedgerow.federation.terms import own_stream
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.identity import Certificate, Identity
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.security.tls import client_context

PAUSE = 0.2
"""Seconds before an agent that was sent away comes again: rehearsals shall not take long."""


GONE = 5.0
"""Seconds for which a member that vanishes is not heard of."""


def streams(seed: str, label: str, release: str, purpose: str) -> Stream:
    """Return a rehearsing client's randomness for a purpose in a release."""
    return own_stream(partial(stream_of, seed, release), label, purpose)


async def live(folder: Path, models: Models, seed: str) -> None:
    """Let one agent take part until the process is killed."""
    profile, store = Profile.open(folder), Store(folder)
    random = partial(streams, seed, folder.name)
    agent = Agent(profile, store, source_of(profile, store), print, random, models)
    async with connect(profile) as http:
        api = api_of(profile, http)
        while True:
            try:
                found = await agent.once(api)
            except HedgerowError as problem:
                print(folder.name, problem, flush=True)
                found = Later(PAUSE)
            if isinstance(found, Later):
                await asyncio.sleep(min(found.seconds, PAUSE))


async def agents(folders: list[Path], seed: str) -> None:
    """Let all agents live."""
    models = Models()
    await asyncio.gather(*(live(folder, models, seed) for folder in folders))


async def crowd(path: Path, drop: float) -> None:
    """Let a crowd take part until the process is killed."""
    values = json.loads(path.read_text())
    servers = Servers(*(bytes.fromhex(values[k]) for k in ("coordinator", "helper", "sealing")))
    models, authority = Models(), bytes.fromhex(values["authority"])
    members = tuple(
        Member(
            Identity(
                Ed25519PrivateKey.from_private_bytes(bytes.fromhex(each["key"])),
                from_wire(Certificate, bytes.fromhex(each["certificate"])),
            ),
            authority,
            servers,
            1,
            holding(each["number"]),
            MemoryConscience(PATIENT),
            models,
        )
        for each in values["members"]
    )
    trust = client_context(values["ca"] and Path(values["ca"]))

    async def live_on(member: Member, number: int) -> None:
        # A connection of each one's own, as agents have: a pool that all share is searched from
        # end to end for every request, which took more time than all that members compute.
        async with httpx.AsyncClient(base_url=values["url"], verify=trust) as http:
            await take_turns(
                Api(http, member.identity.key, audience=AUDIENCE), member, number, drop
            )

    await asyncio.gather(
        *(live_on(member, number) for number, member in enumerate(members, values["first"]))
    )


async def take_turns(api: Api, member: Member, number: int, drop: float) -> None:
    """Let one member of a crowd take part, and vanish from some rounds for a while."""
    gone: set[str] = set()
    while True:
        try:
            admitted = await api.check_in()
            if isinstance(admitted, Later):
                await asyncio.sleep(min(admitted.seconds, 1.0))
            elif admitted.round in gone or vanishes(drop, number, admitted):
                gone.add(admitted.round)
                await asyncio.sleep(GONE)
            else:
                await take_part(api, member, admitted)
        except HedgerowError as problem:
            print(number, problem, flush=True)
            await asyncio.sleep(PAUSE)


def holding(number: int) -> Callable[[Catalog, bool], Fold]:
    """Return what gives a member's few interactions."""

    @cache
    def read(items: int) -> Interactions:
        chosen = np.random.default_rng(number).choice(items, min(HISTORY, items), replace=False)
        columns: dict[str, Any] = {
            "user_id": [str(number)] * len(chosen),
            "item_id": [str(item) for item in chosen],
            "timestamp": range(len(chosen)),
        }
        return Interactions.read(pl.DataFrame(columns))

    found: dict[int, Fold] = {}

    def held(catalog: Catalog, _held_out: bool) -> Fold:  # noqa: FBT001 - as `Member` says
        if len(catalog) not in found:
            found[len(catalog)] = fold_of(Read(read(len(catalog))), catalog, None, 1).fold
        return found[len(catalog)]

    return held


class Read:
    """A source that was read already."""

    def __init__(self, log: Interactions) -> None:
        self._log = log

    def read(self) -> Interactions:
        """Return the interactions."""
        return self._log


def vanishes(drop: float, number: int, admitted: Admitted) -> bool:
    """Say which share of the members vanishes from a round."""
    return float(uniform(int(admitted.round[:15], 16), number)) < drop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["agents", "crowd"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--seed", default="rehearsal")
    parser.add_argument("--drop", type=float, default=0.0)
    chosen = parser.parse_args()
    asyncio.run(
        agents(chosen.paths, chosen.seed)
        if chosen.kind == "agents"
        else crowd(chosen.paths[0], chosen.drop)
    )
