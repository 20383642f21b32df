"""A client as rounds know it: identity, data and conscience, and the terms that it contributes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hedgerow.client.models import Models
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.terms import noise_share, with_terms
from hedgerow.models.base import Recipe, Step
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.session import Floor, Terms
from hedgerow.privacy.secure.split.messages import Servers


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

    def accept(self, recipe: Recipe) -> None:
        """Refuse a model that this client does not help train, whatever the ask has called it.

        Raises
        ------
        ProtocolError
            ``other-model``.
        """
        ...

    def claim(self, ask: Ask, session: bytes) -> None:
        """Note lastingly, before a history is opened, that a release is answered in a session.

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
        """Note lastingly that a vector is about to be sent, which others may then open."""
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
    said
        Told what went wrong with this client's data; it goes nowhere else.
    """

    identity: Identity
    authority: bytes
    servers: Servers
    users: int
    data: Callable[[Catalog, bool], Fold]
    conscience: Conscience
    models: Models
    random: Callable[[str, str], Stream] = lambda _release, _purpose: Stream.secret()
    said: Callable[[str], None] = lambda _what: None


def noise_of(member: Member, ask: Ask) -> NDArray[np.int64]:
    """Return a client's share of the noise, which is drawn before its history is opened."""
    return noise_share(ask.setting, partial(member.random, ask.release))


def compute(
    member: Member, ask: Ask, catalog: Catalog, step: Step[Fold, Any], noise: NDArray[np.int64]
) -> Words:
    """Return what a client contributes, through the one door.

    Where its data cannot be read, are more than it promised, or lead to no term, that is its share
    of the noise alone, of the same size; only its own log is told.

    Parameters
    ----------
    member
        Who contributes.
    ask, step
        What is asked for.
    catalog
        In whose numbers.
    noise
        See `noise_of`.
    """
    try:
        fold = member.data(catalog, ask.held_out)
        _check_users(len(fold), member.users)
        return with_terms(noise, step, fold, ask.setting, partial(member.random, ask.release))
    except BaseException as problem:  # noqa: BLE001 - a reader's panic is no `Exception`
        # What is said is for this client alone, and no reason not to send, either.
        with suppress(Exception):
            member.said(f"an empty term is sent: {type(problem).__name__}: {problem}")
        return ask.setting.ring.encode(noise)


def _check_users(found: int, promised: int) -> None:
    if found > promised:
        raise ProtocolError(
            "too-many-users",
            f"There are {found} users where {promised} were promised; enrol for more.",
        )
