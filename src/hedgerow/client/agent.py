"""The agent: takes part whenever it is asked, and keeps the live model for recommending here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from hedgerow.client.api import Admitted, Api, Later, RefusedError, UnavailableError
from hedgerow.client.connection import reach
from hedgerow.client.conscience import LocalConscience
from hedgerow.client.member import Member
from hedgerow.client.models import Models, read
from hedgerow.client.profile import SILO, Profile
from hedgerow.client.recommending import LocalRecommender
from hedgerow.client.sources import Source, fold_of
from hedgerow.client.store import Store
from hedgerow.client.taking_part import Part, take_part
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold, LastOut
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.privacy.randomness import Stream

T = TypeVar("T")

PAUSE = 30.0
"""Seconds before the next try where the coordinator is away, or this client refuses."""

SOON = 1.0
"""Seconds before the next try where a round has failed."""

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Agent:
    """A client of a federation, on a device or in a silo.

    Parameters
    ----------
    profile, store
        Its folder.
    source
        Where its interactions come from.
    listener
        Told what happens, for people; nothing about anybody.
    random
        Gives streams for noise and rounding; of secrets, but for rehearsals.
    models
        Public models of this process.
    """

    profile: Profile
    store: Store
    source: Source
    listener: Listener = lambda _said: None
    random: Callable[[str, str], Stream] = lambda _release, _purpose: Stream.secret()
    models: Models = field(default_factory=Models)
    _loaded: dict[str, LocalRecommender] = field(default_factory=dict, init=False, repr=False)

    @property
    def member(self) -> Member:
        """The client, as rounds know it."""
        return Member(
            self.profile.identity,
            self.profile.deployment.authority,
            self.profile.servers,
            self.profile.users,
            self.held,
            LocalConscience(self.profile.guard, self.store),
            self.models,
            self.random,
            self.listener,
        )

    def held(self, catalog: Catalog, held_out: bool) -> Fold:  # noqa: FBT001 - as `Member` says
        """Return what this client contributes from."""
        found = fold_of(self.source, catalog, LastOut() if held_out else None, self.profile.users)
        for note in found.notes:
            self.listener(f"note: {note}")
        return found.fold

    async def once(self, api: Api) -> Part | Later:
        """Check in, and take part where there is a round.

        Returns
        -------
        Part or Later
            As of :meth:`take`, or when to come again.

        Raises
        ------
        UnavailableError
            The coordinator is away.
        """
        admitted = await api.check_in()
        return await self.take(api, admitted) if isinstance(admitted, Admitted) else admitted

    async def take(self, api: Api, admitted: Admitted) -> Part | Later:
        """Take part in a round.

        Returns
        -------
        Part or Later
            What was contributed; or when to come again, as this client refused, or the round
            failed.

        Raises
        ------
        UnavailableError
            The coordinator is away.
        """
        try:
            part = await take_part(api, self.member, admitted)
        except UnavailableError:
            raise
        except RefusedError as problem:
            self.listener(f"a round went on without this client: {problem}")
            return Later(SOON)
        except HedgerowError as problem:
            self.listener(f"did not take part: {problem}")
            # A round that this client refuses would be offered to it at once again.
            return Later(PAUSE)
        self.listener(f"contributed to {part.release} ({part.bytes_up:,} bytes)")
        return part

    async def run(self, api: Api, stop: asyncio.Event, task: str | None = None) -> None:
        """Take part until told to stop.

        Parameters
        ----------
        api
            The coordinator.
        stop
            Set to end at once, also in the middle of a round.
        task
            Whose live model is kept for recommending; None keeps none.
        """
        while not stop.is_set():
            try:
                if task is not None:
                    await self.fetch_live(api, task)
                # The journal has what it was about to send, as after a crash.
                found = await unless(stop, self.once(api))
                if found is None:
                    return
                pause = found.seconds if isinstance(found, Later) else 0.0
                if task is not None and pause:
                    # What the last round led to is live by now.
                    await self.fetch_live(api, task)
            except UnavailableError as problem:
                self.listener(str(problem))
                pause = PAUSE
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def fetch_live(self, api: Api, task: str) -> str | None:
        """Keep the model that recommends for a task, once it has been looked at.

        Returns
        -------
        str or None
            Its hash; None before there is one that can be used.
        """
        name = await api.live(task)
        if name is not None and self.store.public(name) is None:
            body = await api.model(name)
            try:
                await asyncio.to_thread(read, body)
                self.store.put_public(name, body)
            except ProtocolError as problem:
                self.listener(f"the live model is not taken: {problem}")
                return None
            self.store.keep_public({name})
            self.listener(f"fetched the live model {name[:12]}")
        return name

    def live(self) -> LocalRecommender | None:
        """Return what recommends here, from the model that is kept; None before there is one."""
        name = next(iter(self.store.public_names()), None)
        path = None if name is None else self.store.public(name)
        if name is None or path is None:
            return None
        if name not in self._loaded:
            self._loaded.clear()
            log = self.source.read() if self.profile.kind == SILO else None
            self._loaded[name] = LocalRecommender.load(path, self.store, log)
        return self._loaded[name]


def connect(profile: Profile) -> httpx.AsyncClient:
    """Return a connection to a profile's coordinator; see `reach`."""
    return reach(profile.coordinator, profile.tls)


def api_of(profile: Profile, http: httpx.AsyncClient) -> Api:
    """Return the calls that a profile makes."""
    return Api(http, profile.key, audience=profile.deployment.audience)


async def unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """Return what comes of some waiting; None where it is told to stop first."""
    waiting, told = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
        return await waiting if waiting.done() else None
    finally:
        waiting.cancel()
        told.cancel()
