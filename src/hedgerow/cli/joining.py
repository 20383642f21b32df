"""What ``hedgerow join`` does: enrol at first, then take part until it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from hedgerow.cli.join_request import Agreement, Contact, Data, Duty, Joining
from hedgerow.client.agent import Agent, api_of, connect, unless
from hedgerow.client.api import WAIT, Api, Later
from hedgerow.client.connection import Tls, reach
from hedgerow.client.guard import Guard
from hedgerow.client.importing import import_own, read_own
from hedgerow.client.listen import Listener, listen
from hedgerow.client.opting_out import Without
from hedgerow.client.profile import DEVICE, SETTINGS, Profile
from hedgerow.client.sources import Device, Source, Table
from hedgerow.client.store import Store
from hedgerow.client.taking_part import Part
from hedgerow.data.columns import Columns
from hedgerow.errors import ConfigError, DataError
from hedgerow.federation.deployment import HOW, Deployment, digits_of
from hedgerow.privacy.secure.identity import Certificate, public
from hedgerow.privacy.secure.wire import from_wire


def run(chosen: Joining) -> None:
    """Take part as the command says.

    Raises
    ------
    ConfigError
        An option does not fit, or the first time it lacks a token or the servers' keys.
    DataError
        The data cannot be used.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    _check(chosen)
    if not (chosen.folder / SETTINGS).exists():
        asyncio.run(_enrol(chosen, console))
    agreement = chosen.agreement
    profile, store = _agreed(Profile.open(chosen.folder), agreement), Store(chosen.folder)
    console.print(f"Taking part in {', '.join(profile.guard.tasks) or 'any task that there is'}.")
    for purpose in agreement.give:
        store.consents.give(purpose, agreement.by, agreement.text)
    for purpose in agreement.withdraw:
        store.consents.withdraw(purpose, agreement.by)
    source = _source(chosen.data, profile, store, console)
    # What is wrong with the data is said now, and not when a round asks for them.
    source.read()
    agent = Agent(profile, store, source, console.print)
    asyncio.run(_live(agent, chosen.duty, console))


def _check(chosen: Joining) -> None:
    """Find out what is wrong before a token is spent.

    Raises
    ------
    ConfigError
        An option does not fit.
    DataError
        The data cannot be used, by a device nor by a silo.
    """
    if chosen.duty.listen is not None:
        _address(chosen.duty.listen)
    data = chosen.data
    if data.place is not None and not (chosen.folder / SETTINGS).exists():
        # Whether it is a silo's or a device's is only known when the token was redeemed.
        try:
            _table(data).read()
        except DataError:
            if "://" in data.place or data.query:
                raise
            read_own(data.place, Columns(**data.columns))


async def _enrol(chosen: Joining, console: Console) -> None:
    """Make the agent's folder, and redeem the token.

    Whom to trust is settled first: nothing is sent to servers that are not known.
    """
    contact = chosen.contact
    if contact.token is None:
        raise ConfigError(
            f"{chosen.folder} has no agent yet; give --token and --deployment to make one."
        )
    pinned = _pinned(contact)
    url = contact.url or (pinned.audience if pinned else None)
    if url is None:
        raise ConfigError("With --fingerprint, say with --url where the coordinator is.")
    guard = Guard() if contact.guard is None else Guard.from_json(_json(contact.guard))
    if not (chosen.agreement.tasks or chosen.agreement.any_task or guard.tasks):
        raise ConfigError(
            "Name with --task what this client takes part in, or let it be --any-task."
        )
    files = chosen.files
    tls, key = Tls(files.ca, files.certificate, files.key), Ed25519PrivateKey.generate()
    async with reach(url, tls) as http:
        api = Api(http)
        known = pinned or await api.deployment(contact.fingerprint or "")
        found = await api.enrol(contact.token, key)
    Profile.create(
        chosen.folder,
        url,
        known,
        kind=found.kind,
        users=found.users,
        tls=tls,
        guard=guard,
        key=key,
        certificate=from_wire(Certificate, found.certificate),
    )
    console.print(f"Enrolled as the {found.kind} {found.name}, for {found.users:,} users.")


def _pinned(contact: Contact) -> Deployment | None:
    """Return the servers' keys as they were handed over; None where a fingerprint was.

    Raises
    ------
    ConfigError
        Neither was, both were, or they cannot be read.
    """
    if (contact.deployment is None) == (contact.fingerprint is None):
        raise ConfigError(f"An agent has to know the servers' keys; {HOW}.")
    if contact.deployment is None:
        digits_of(contact.fingerprint or "")
        return None
    return Deployment.from_values(_json(contact.deployment))


def _agreed(profile: Profile, agreement: Agreement) -> Profile:
    """Return the profile with the tasks that are agreed to by now, and remember them."""
    known = () if agreement.any_task else (*profile.guard.tasks, *agreement.tasks)
    tasks = tuple(dict.fromkeys(known))
    if tasks == profile.guard.tasks:
        return profile
    changed = replace(profile, guard=replace(profile.guard, tasks=tasks))
    changed.save()
    return changed


async def _live(agent: Agent, duty: Duty, console: Console) -> None:
    """Take part until told to stop, or once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with connect(agent.profile) as http:
        api = api_of(agent.profile, http)
        if duty.once:
            console.print(f"Asking {agent.profile.coordinator} for a round, for up to {WAIT} s.")
            if await unless(stop, _once(agent, api, duty.recommend)) is None:
                console.print("Stopped; what was about to be sent is kept.")
            return
        if duty.recommend is not None:
            await agent.fetch_live(api, duty.recommend)
        listener = None
        if duty.listen is not None:
            listener = _listen(agent, duty.listen, duty.listen_token)
            console.print(f"Recommending on {duty.listen}.")
        try:
            await agent.run(api, stop, duty.recommend)
        finally:
            if listener is not None:
                listener.stop()


async def _once(agent: Agent, api: Api, task: str | None) -> Part | Later:
    """Fetch the model that recommends here, and take part where there is a round."""
    if task is not None:
        await agent.fetch_live(api, task)
    return await agent.once(api)


def _source(data: Data, profile: Profile, store: Store, console: Console) -> Source:
    """Return where the client's interactions come from; a device takes in a file that is named."""
    if profile.kind == DEVICE:
        if data.place is not None:
            added = import_own(store.history, read_own(data.place, Columns(**data.columns)))
            console.print(f"Took {added:,} interactions in from {data.place}.")
        return Device(store.history, public(profile.key).hex())
    if data.place is None:
        raise ConfigError("A silo needs --data: a CSV or Parquet file, or a database URL.")
    return Without(_table(data), store.opt_outs)


def _table(data: Data) -> Table:
    return Table(data.place, data.query, Columns(**data.columns), data.drop_invalid)


def _listen(agent: Agent, where: str, token: str | None) -> Listener:
    """Recommend to this network, from the live model as it is kept."""
    host, port = _address(where)
    return listen(agent.live, host, port, token=token)


def _address(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError("--listen takes HOST:PORT, such as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}.") from error
