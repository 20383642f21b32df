"""What ``hedgerow join`` does: enrol at first, then take part until it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from hedgerow.cli.join import Joining
from hedgerow.client.agent import Agent, api_of, connect
from hedgerow.client.api import Api, Deployment
from hedgerow.client.connection import Tls
from hedgerow.client.guard import Guard
from hedgerow.client.listen import Listener, listen
from hedgerow.client.profile import DEVICE, SETTINGS, Profile
from hedgerow.client.sources import Device, Source, Table
from hedgerow.client.store import Store
from hedgerow.data.columns import Columns
from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.identity import Certificate, public
from hedgerow.privacy.secure.wire import from_wire

KEYS = ("authority", "coordinator", "helper", "sealing")


def run(chosen: Joining) -> None:
    """Take part as the command says.

    Raises
    ------
    ConfigError
        An option does not fit, or the first time it lacks a URL or a token.
    DataError
        The data cannot be used.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if not (chosen.folder / SETTINGS).exists():
        asyncio.run(_enrol(chosen, console))
    profile, store = Profile.open(chosen.folder), Store(chosen.folder)
    for purpose in chosen.consent:
        store.consents.give(purpose, chosen.consent_by, chosen.consent_text)
    for purpose in chosen.withdraw:
        store.consents.withdraw(purpose, chosen.consent_by)
    source = _source(chosen, profile, store)
    # What is wrong with the data is said now, and not when a round asks for them.
    source.read()
    agent = Agent(profile, store, source, console.print)
    asyncio.run(_live(agent, chosen, console))


async def _enrol(chosen: Joining, console: Console) -> None:
    """Make the agent's folder, and redeem the token."""
    if chosen.url is None or chosen.token is None:
        raise ConfigError(f"{chosen.folder} has no agent yet; give --url and --token to make one.")
    guard = Guard() if chosen.guard is None else Guard.from_json(_json(chosen.guard))
    tls = Tls(chosen.ca, chosen.certificate, chosen.certificate_key)
    nobody = Deployment(chosen.url, bytes(32), bytes(32), bytes(32), bytes(32))
    stranger = Profile(chosen.folder, Ed25519PrivateKey.generate(), chosen.url, nobody, tls=tls)
    async with connect(stranger) as http:
        api = Api(http)
        if chosen.deployment is not None:
            known = _deployment(_json(chosen.deployment))
        else:
            known = await api.deployment()
            console.print(
                "note: believing the servers' public keys at the first contact; to check them, "
                "give --deployment."
            )
        found = await api.enrol(chosen.token, stranger.key)
    made = Profile.create(
        chosen.folder,
        chosen.url,
        known,
        kind=found.kind,
        users=found.users,
        tls=tls,
        guard=guard,
        key=stranger.key,
    )
    made.enrolled(from_wire(Certificate, found.certificate))
    console.print(f"Enrolled as the {found.kind} {found.name}, for {found.users:,} users.")


async def _live(agent: Agent, chosen: Joining, console: Console) -> None:
    """Take part until told to stop, or once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with connect(agent.profile) as http:
        api = api_of(agent.profile, http)
        if chosen.task is not None:
            await agent.fetch_live(api, chosen.task)
        if chosen.once:
            await agent.once(api)
            return
        listener = None
        if chosen.listen is not None:
            listener = _listen(agent, chosen.listen, chosen.listen_token)
            console.print(f"Recommending on {chosen.listen}.")
        try:
            await agent.run(api, stop, chosen.task)
        finally:
            if listener is not None:
                listener.stop()


def _source(chosen: Joining, profile: Profile, store: Store) -> Source:
    """Return where the client's interactions come from."""
    if profile.kind == DEVICE:
        if chosen.data is not None:
            raise ConfigError("A device records its own user's interactions; leave --data out.")
        return Device(store.history, public(profile.key).hex())
    if chosen.data is None:
        raise ConfigError("A silo needs --data: a CSV or Parquet file, or a database URL.")
    return Table(chosen.data, chosen.query, Columns(**chosen.columns), chosen.drop_invalid)


def _listen(agent: Agent, where: str, token: str | None) -> Listener:
    """Recommend to this network, from the live model as it is kept."""
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError("--listen takes HOST:PORT, such as 127.0.0.1:8080.")
    return listen(agent.live, host.strip("[]"), int(port), token=token)


def _deployment(values: Mapping[str, Any]) -> Deployment:
    try:
        keys = {name: bytes.fromhex(values[name]) for name in KEYS}
        return Deployment(str(values["audience"]), **keys)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            "The deployment's file is JSON as the coordinator gives it at /v1/deployment."
        ) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}.") from error
