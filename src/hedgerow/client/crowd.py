"""A crowd: many clients in one process, each with its own key, history and conscience.

For rehearsals, demonstrations and load; real devices run one `Agent` each. What crosses the network
is the same, but that the members fetch a public model once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.client.api import Admitted, Api, Later, UnavailableError
from hedgerow.client.guard import Guard
from hedgerow.client.member import Member
from hedgerow.client.models import Models
from hedgerow.client.taking_part import Part, take_part
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.deployment import Deployment
from hedgerow.models.base import Recipe
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.identity import Certificate, Identity
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms
from hedgerow.privacy.secure.wire import from_wire

AT_ONCE = 32
"""How many members enrol at a time."""

GONE = 2.0
"""Seconds after which a member that has vanished from a round looks whether there is another."""


@dataclass
class MemoryConscience:
    """A conscience that is forgotten with the process, for members of a crowd.

    Parameters
    ----------
    guard
        What every member insists on.
    """

    guard: Guard
    answered: dict[str, bytes] = field(default_factory=dict)
    kept_messages: dict[tuple[bytes, str], bytes] = field(default_factory=dict)

    def agree(self, ask: Ask, terms: Terms) -> Floor:
        """Return the floor of a secured sum, or refuse to take part."""
        self.guard.check_offer(ask, terms)
        return self.guard.floor()

    def accept(self, recipe: Recipe) -> None:
        """Refuse a model that a member does not help train."""
        self.guard.check_model(recipe)

    def claim(self, ask: Ask, session: bytes) -> None:
        """Answer a release in one session only."""
        if self.answered.get(ask.release, session) != session:
            raise ProtocolError("answered-before", "This release was answered in another session.")
        if ask.policy.secure == SPLIT:
            self.answered[ask.release] = session

    def kept(self, session: bytes, kind: str) -> bytes | None:
        """Return a message that was about to be sent."""
        return self.kept_messages.get((session, kind))

    def keep(self, session: bytes, kind: str, body: bytes) -> None:
        """Keep a message that is about to be sent, in place of older ones."""
        self.kept_messages = {(session, kind): body}

    def commit(self, ask: Ask, session: bytes) -> None:
        """Note that a vector is about to be sent."""
        self.answered[ask.release] = session

    def record(self, ask: Ask, session: bytes, answer: bytes) -> None:
        """Note that what opens a sum is about to be sent."""
        self.answered[ask.release] = session


Vanish = Callable[[int, Admitted], bool]
"""Whether a member vanishes from a round after it was admitted."""


def stay(_number: int, _admitted: Admitted) -> bool:
    """Let nobody vanish."""
    return False


@dataclass(frozen=True)
class Crowd:
    """Enrolled clients of one coordinator.

    Parameters
    ----------
    http
        Connections to the coordinator, shared by all. The client looks at every one of them for
        each request, so a large crowd is better made of several with a client each.
    audience
        The deployment's name.
    members
        The clients.
    """

    http: httpx.AsyncClient
    audience: str
    members: tuple[Member, ...]

    async def run(
        self,
        until: Callable[[], bool],
        *,
        vanish: Vanish = stay,
        heard: Callable[[int, Part | HedgerowError], None] = lambda _number, _what: None,
    ) -> None:
        """Let all members take part in whatever they are asked for.

        Parameters
        ----------
        until
            Says when to stop, which is looked at between rounds.
        vanish
            Who vanishes from which round.
        heard
            Told what came of each member's part.
        """
        await asyncio.gather(
            *(self._live(number, until, vanish, heard) for number in range(len(self.members)))
        )

    async def _live(
        self,
        number: int,
        until: Callable[[], bool],
        vanish: Vanish,
        heard: Callable[[int, Part | HedgerowError], None],
    ) -> None:
        member = self.members[number]
        api = Api(self.http, member.identity.key, audience=self.audience)
        gone: set[str] = set()
        while not until():
            try:
                admitted = await api.check_in(wait=2)
                if isinstance(admitted, Later):
                    await asyncio.sleep(min(admitted.seconds, 1.0))
                elif admitted.round in gone:
                    await asyncio.sleep(GONE)
                elif vanish(number, admitted):
                    gone.add(admitted.round)
                else:
                    heard(number, await take_part(api, member, admitted))
            except UnavailableError as problem:
                heard(number, problem)
                await asyncio.sleep(0.5)
            except HedgerowError as problem:
                heard(number, problem)
                await asyncio.sleep(0.1)


async def enrol(
    http: httpx.AsyncClient,
    deployment: Deployment,
    tokens: Sequence[str],
    folds: Sequence[Callable[[Catalog, bool], Fold]],
    *,
    users: Sequence[int] | None = None,
    guard: Guard | None = None,
    random: Callable[[int], Callable[[str, str], Stream]] | None = None,
    models: Models | None = None,
) -> Crowd:
    """Enrol a crowd with fresh keys.

    Parameters
    ----------
    http
        A connection to the coordinator.
    deployment
        The servers' public keys.
    tokens
        One single-use token per member.
    folds
        What each member holds.
    users
        The most users of each; 1 by default.
    guard
        What all insist on.
    random
        Gives each member's streams for noise and rounding, for rehearsals; secrets by default.
    models
        Where public models are kept, also for other crowds of this process.
    """
    kept, insisted = Models() if models is None else models, guard or Guard()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Member:
        key = Ed25519PrivateKey.generate()
        async with gate:
            found = await Api(http).enrol(tokens[number], key)
        identity = Identity(key, from_wire(Certificate, found.certificate))
        streams: dict[str, Any] = {} if random is None else {"random": random(number)}
        return Member(
            identity,
            deployment.authority,
            deployment.servers,
            1 if users is None else users[number],
            folds[number],
            MemoryConscience(insisted),
            kept,
            **streams,
        )

    waiting: list[Awaitable[Member]] = [one(number) for number in range(len(tokens))]
    return Crowd(http, deployment.audience, tuple(await asyncio.gather(*waiting)))
