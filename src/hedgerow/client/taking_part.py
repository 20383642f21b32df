"""Taking part in a round: from the invitation to the receipt."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hedgerow.client.api import Admitted, Api
from hedgerow.client.models import Models
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Counted, Invitation
from hedgerow.federation.terms import client_words
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.messages import Agreement, Delivery, Opening, Survivors
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.receipt import check_receipt
from hedgerow.privacy.secure.session import Floor, Terms, sid
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.split.messages import Report, Servers
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.recommender import Recommender

KEYS, SHARES, MASKED, CONSENT, UNMASK, REPORT, FINISHED = (
    "keys",
    "shares",
    "masked",
    "consent",
    "unmask",
    "report",
    "done",
)


class Conscience(Protocol):
    """What a client insists on, and remembers of what it has taken part in."""

    def agree(self, ask: Ask, terms: Terms) -> Floor:
        """Return the floor for a secured sum, or refuse to take part.

        Raises
        ------
        PolicyError, ProtocolError
            It is below what the client promised its users, or they have not consented.
        """
        ...

    def claim(self, ask: Ask, session: bytes) -> None:
        """Note lastingly, before anything is sent, that a release is answered in a session.

        Raises
        ------
        ProtocolError
            ``answered-before``: it was answered in another.
        """
        ...

    def kept(self, session: bytes, kind: str) -> bytes | None:
        """Return a message that was about to be sent before a crash; None where there is none."""
        ...

    def keep(self, session: bytes, kind: str, body: bytes) -> None:
        """Keep a message that is about to be sent, so that no other is sent in its place."""
        ...

    def commit(self, ask: Ask, session: bytes) -> None:
        """Note lastingly that a masked vector is about to be sent, which others may then open."""
        ...

    def record(self, ask: Ask, session: bytes, answer: bytes) -> None:
        """Note lastingly that what opens a sum is about to be sent."""
        ...


@dataclass(frozen=True)
class Member:
    """A client, as rounds know it.

    Parameters
    ----------
    identity
        Its enrolled key.
    authority, servers
        Public keys that it was given when it was set up.
    users
        The most users that it promised to hold.
    data
        Gives what it holds, in the numbers of a catalog, with or without something held out.
    conscience
        What it insists on.
    models
        Where public models are kept, also for other clients of this process.
    random
        Gives streams for noise and rounding of a release; of secrets, but for rehearsals.
    """

    identity: Identity
    authority: bytes
    servers: Servers
    users: int
    data: Callable[[Catalog, bool], Fold]
    conscience: Conscience
    models: Models
    random: Callable[[str, str], Stream] = lambda _release, _purpose: Stream.secret()


@dataclass(frozen=True)
class Part:
    """What came of taking part.

    Parameters
    ----------
    release, purpose
        What was contributed to.
    session
        The secured sum's name.
    model
        Hash of the model afterwards.
    bytes_up
        What was sent.
    """

    release: str
    purpose: str
    session: bytes
    model: bytes
    bytes_up: int


async def take_part(api: Api, member: Member, admitted: Admitted) -> Part:
    """Contribute to a round once.

    Parameters
    ----------
    api
        The coordinator.
    member
        Who takes part.
    admitted
        In what.

    Raises
    ------
    ProtocolError, PolicyError
        The client refuses, or the round has failed.
    UnavailableError
        The coordinator is away.
    """
    invitation = from_wire(Invitation, await api.told(admitted.round, admitted.phase))
    ask, terms = Ask.from_json(invitation.ask), invitation.terms
    if ask.terms(terms.attempt) != terms:
        raise ProtocolError("bad-terms", "The terms of the sum are not those of what is asked.")
    floor = member.conscience.agree(ask, terms)
    model = await member.models.get(api, ask.setting.model)
    words = await asyncio.to_thread(compute, member, ask, model)
    session = sid(terms)
    member.conscience.claim(ask, session)
    talk = _Talk(api, admitted.round)
    if admitted.phase == REPORT:
        digest = await _report(talk, member, terms, floor, words)
    else:

        def journal(answer: bytes) -> None:
            member.conscience.record(ask, session, answer)

        client = Client(
            terms, floor, member.identity, member.authority, journal=journal, random=os.urandom
        )

        def commit() -> None:
            member.conscience.commit(ask, session)

        digest = await _pairwise(talk, client, words, commit, signed=terms.consistency)
    counted = from_wire(Counted, await api.told(admitted.round, FINISHED))
    check_receipt(counted.receipt, counted.inclusion, member.servers.coordinator, session, digest)
    return Part(ask.release, ask.purpose, session, counted.model, talk.sent)


def compute(member: Member, ask: Ask, model: Recommender) -> Words:
    """Return what a client contributes, through the one door.

    Raises
    ------
    ProtocolError
        ``too-many-users``: it holds more users than it promised.
    """
    fold = member.data(model.catalog, ask.held_out)
    if len(fold) > member.users:
        raise ProtocolError(
            "too-many-users",
            f"There are {len(fold)} users where {member.users} were promised; enrol for more.",
        )
    step = ask.step(model.recipe, model.state)
    return client_words(step, fold, ask.setting, lambda what: member.random(ask.release, what))


@dataclass
class _Talk:
    """One round's messages."""

    api: Api
    name: str
    sent: int = 0

    async def send(self, kind: str, message: object) -> None:
        await self.pass_on(kind, to_wire(message))

    async def pass_on(self, kind: str, body: bytes) -> None:
        self.sent += len(body)
        await self.api.send(self.name, kind, body)

    async def hear(self, phase: str) -> bytes:
        return await self.api.told(self.name, phase)


async def _report(talk: _Talk, member: Member, terms: Terms, floor: Floor, words: Words) -> bytes:
    session, kept = sid(terms), member.conscience.kept(sid(terms), REPORT)
    if kept is None:
        report = make_report(terms, member.servers, member.identity, words, floor=floor)
        kept = to_wire(report)
        member.conscience.keep(session, REPORT, kept)
    await talk.pass_on(REPORT, kept)
    return from_wire(Report, kept).signed.envelope.digest


async def _pairwise(
    talk: _Talk, client: Client, words: Words, commit: Callable[[], None], *, signed: bool
) -> bytes:
    await talk.send("advert", client.advertise())
    opening = from_wire(Opening, await talk.hear(SHARES))
    await talk.send("shares", await asyncio.to_thread(client.share, opening))
    delivery = from_wire(Delivery, await talk.hear(MASKED))
    masked = await asyncio.to_thread(client.mask, delivery, words)
    commit()
    await talk.send("masked", masked)
    if signed:
        survivors = from_wire(Survivors, await talk.hear(CONSENT))
        await talk.send("consent", client.consent(survivors))
        agreement = from_wire(Agreement, await talk.hear(UNMASK))
        await talk.send("reveal", await asyncio.to_thread(client.reveal, survivors, agreement))
    else:
        survivors = from_wire(Survivors, await talk.hear(UNMASK))
        await talk.send("reveal", await asyncio.to_thread(client.reveal, survivors))
    return hashlib.sha256(masked.words).digest()
