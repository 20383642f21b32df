"""Taking part in a round: from the invitation to the receipt."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.client.api import Admitted, Api
from hedgerow.client.member import Member, compute, noise_of
from hedgerow.client.offer import read_offer, step_asked
from hedgerow.client.pace import Pace
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Counted
from hedgerow.models.base import Step
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.messages import Agreement, Delivery, Opening, Survivors
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.receipt import check_receipt
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms, sid
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.split.messages import Report
from hedgerow.privacy.secure.wire import from_wire, to_wire

KEYS, SHARES, MASKED, CONSENT, UNMASK, REPORT, FINISHED = (
    "keys",
    "shares",
    "masked",
    "consent",
    "unmask",
    "report",
    "done",
)


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

    What is public is checked first, then the release is claimed and charged, and only then is a
    history opened. From there on a term is sent whatever the history leads to, and what it is
    timed by is known beforehand, but for the rung of a ladder: see `Pace`.

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
        The client refuses, for a reason that has nothing to do with its data; or the round has
        failed.
    UnavailableError
        The coordinator is away.
    """
    ask, terms = read_offer(await api.told(admitted.round, admitted.phase))
    if (admitted.phase == REPORT) != (terms.mode == SPLIT):
        raise ProtocolError("bad-terms", "The terms of the sum are of another mode than the round.")
    floor = member.conscience.agree(ask, terms)
    model = await member.models.get(api, ask.setting.model)
    member.conscience.accept(model.recipe)
    step = await asyncio.to_thread(step_asked, ask, model)
    noise = await asyncio.to_thread(noise_of, member, ask)
    member.conscience.claim(ask, sid(terms))
    talk = _Talk(api, admitted.round)
    part = _Part(talk, member, ask, terms, floor, model.catalog, step, noise)
    digest = await (_report(part) if terms.mode == SPLIT else _pairwise(part))
    counted = from_wire(Counted, await api.told(admitted.round, FINISHED))
    check_receipt(
        counted.receipt, counted.inclusion, member.servers.coordinator, sid(terms), digest
    )
    return Part(ask.release, ask.purpose, sid(terms), counted.model, talk.sent)


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


@dataclass(frozen=True)
class _Part:
    """Who takes part in what."""

    talk: _Talk
    member: Member
    ask: Ask
    terms: Terms
    floor: Floor
    catalog: Catalog
    step: Step[Fold, Any]
    noise: NDArray[np.int64]

    async def words(self, pace: Pace) -> Words:
        """Open the history, and return what follows from it."""
        return await pace.work(
            lambda: compute(self.member, self.ask, self.catalog, self.step, self.noise),
            lambda: self.ask.setting.ring.encode(self.noise),
        )

    async def paced_words(self) -> Words:
        """Return what follows from the history when its moment has come."""
        pace = Pace.start()
        words = await self.words(pace)
        await pace.moment()
        return words

    def commit(self) -> None:
        """Note that a vector is about to be sent."""
        self.member.conscience.commit(self.ask, sid(self.terms))


async def _report(part: _Part) -> bytes:
    member, terms, session = part.member, part.terms, sid(part.terms)
    kept = member.conscience.kept(session, REPORT)
    if kept is None:
        pace = Pace.start()
        words = await part.words(pace)
        report = make_report(terms, member.servers, member.identity, words, floor=part.floor)
        kept = to_wire(report)
        part.commit()
        member.conscience.keep(session, REPORT, kept)
        await pace.moment()
    await part.talk.pass_on(REPORT, kept)
    return from_wire(Report, kept).signed.envelope.digest


async def _pairwise(part: _Part) -> bytes:
    talk, member, terms = part.talk, part.member, part.terms

    def journal(answer: bytes) -> None:
        member.conscience.record(part.ask, sid(terms), answer)

    client = Client(
        terms, part.floor, member.identity, member.authority, journal=journal, random=os.urandom
    )
    await talk.send("advert", client.advertise())
    opening, vector = await _while_computing(talk.hear(SHARES), part.paced_words())
    shares = await asyncio.to_thread(client.share, from_wire(Opening, opening))
    await talk.send("shares", shares)
    delivery = from_wire(Delivery, await talk.hear(MASKED))
    masked = await asyncio.to_thread(client.mask, delivery, vector)
    part.commit()
    await talk.send("masked", masked)
    if terms.consistency:
        survivors = from_wire(Survivors, await talk.hear(CONSENT))
        await talk.send("consent", client.consent(survivors))
        agreement = from_wire(Agreement, await talk.hear(UNMASK))
        await talk.send("reveal", await asyncio.to_thread(client.reveal, survivors, agreement))
    else:
        survivors = from_wire(Survivors, await talk.hear(UNMASK))
        await talk.send("reveal", await asyncio.to_thread(client.reveal, survivors))
    return hashlib.sha256(masked.words).digest()


async def _while_computing(
    hearing: Awaitable[bytes], computing: Awaitable[Words]
) -> tuple[bytes, Words]:
    """Wait for others' keys while a vector is computed; nothing goes on before both are there.

    Not even where the round has failed meanwhile: a processor at work would slow down whatever came
    next, which would tell how long it is at it.
    """
    both = asyncio.ensure_future(hearing), asyncio.ensure_future(computing)
    try:
        await asyncio.wait(both)
        return both[0].result(), both[1].result()
    finally:
        for each in both:
            each.cancel()
