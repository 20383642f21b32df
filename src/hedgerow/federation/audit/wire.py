"""Making a secured sum with its secrets noted down, and searching what crossed the wire."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.interactions import Interactions
from hedgerow.federation.audit.recording import Recorded, Recorder
from hedgerow.federation.audit.server import setting_of
from hedgerow.federation.clients import Cohort
from hedgerow.federation.secured import task_of
from hedgerow.federation.setting import SERVERS, Setting
from hedgerow.federation.terms import client_words
from hedgerow.privacy import gaussian
from hedgerow.privacy.audits.wire import Search, searchable, shortest_name
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure import messages as pairwise_messages
from hedgerow.privacy.secure.messages import Reveal
from hedgerow.privacy.secure.pairwise import drive as pairwise
from hedgerow.privacy.secure.session import PAIRWISE, Terms
from hedgerow.privacy.secure.shamir import SHARE_BYTES
from hedgerow.privacy.secure.split import drive as split
from hedgerow.privacy.secure.split import messages as split_messages
from hedgerow.privacy.secure.wire import from_wire, kind

MOST_SEARCHED = 1 << 40
"""Bytes, a terabyte: more than any audit searches."""

MOST_CLIENTS = 12
"""Whose messages are searched; those of others are made by the same code."""

BEFORE_ANSWERS = {"shares", "delivery"}
"""Messages of pairwise mode that carry shares, which must be sealed there; in the answers that
follow, one share for each neighbour is told on purpose."""


def names_of(log: Interactions) -> dict[str, str]:
    """Return the ids that no message may hold, and what each of them is.

    Ids that also are words of the protocol cannot be told from these, and are left out.
    """
    words = [word for module in (pairwise_messages, split_messages) for word in _words(module)]
    ids = {"the item id": log.catalog.ids.to_list(), "the user id": log.users.to_list()}
    return {name: what for what, names in ids.items() for name in searchable(names, words)}


def _words(module: object) -> list[str]:
    """Return the names of a module's messages and of their fields."""
    classes = [c for c in vars(module).values() if isinstance(c, type) and is_dataclass(c)]
    return [word for c in classes for word in (kind(c), *(f.name for f in fields(c)))]


@dataclass
class Listener:
    """Notes the secrets of a sum, and searches its messages as they pass.

    Parameters
    ----------
    search
        What is searched for, and what was found.
    """

    search: Search
    _early: list[tuple[str, bytes]] = field(default_factory=list, init=False)
    _told: list[bytes] = field(default_factory=list, init=False)

    def random(self, count: int) -> bytes:
        """Return fresh random bytes, which become somebody's secret."""
        drawn = os.urandom(count)
        self.search.hide(drawn, "a secret (key, seed or coefficient of shares)")
        return drawn

    def message(self, name: str, data: bytes) -> None:
        """Search a message."""
        self.search.look(data, f"a message of the type {name!r}")
        if name in BEFORE_ANSWERS:
            self._early.append((name, data))
        if name == kind(Reveal):
            shares = from_wire(Reveal, data).shares
            self._told += [
                shares[at : at + SHARE_BYTES] for at in range(0, len(shares), SHARE_BYTES)
            ]

    def end(self) -> None:
        """Search what passed before for the shares that were told at the end."""
        for share in self._told:
            self.search.hide(share, "a share of a secret")
        for name, data in self._early:
            self.search.look(data, f"a message of the type {name!r}")


def among_few(release: Recorded) -> Recorded:
    """Return a release as a secured one of a few of its clients, spread over all of them."""
    group = release.group
    everyone = np.flatnonzero(np.any([cohort.present for cohort in group.cohorts], axis=0))
    count = min(MOST_CLIENTS, len(everyone))
    few = np.zeros(len(group.clients), np.bool_)
    few[everyone[np.linspace(0, len(everyone) - 1, count).astype(np.int64)]] = True
    # A sum in the clear is bound to no public state.
    model = release.model or bytes(32)
    return replace(release, group=replace(group, cohorts=[Cohort(few, few)]), model=model)


def search_release(
    release: Recorded, recorder: Recorder, policy: Policy, names: dict[str, str], *, masks: bool
) -> Search:
    """Make one of a run's sums once more, noting every secret, and search all messages.

    The clients, their terms, the noise and the protocol are those of the run; keys, seeds and
    roundings are fresh, as they are in any sum.

    Parameters
    ----------
    release
        Which sum.
    recorder
        Of the run.
    policy
        Of secured sums.
    names
        Ids to look for, see `names_of`.
    masks
        Whether clients mask their vectors; without, all that they would mask is sent as it is,
        which the search must find.
    """
    search = Search(names, shortest_name(len(names), MOST_SEARCHED))
    listener = Listener(search)
    for cohort in release.group.cohorts:
        setting = setting_of(release, recorder, policy)
        setting = setting.among(*release.group.counts(cohort, policy.unit))
        asked = np.flatnonzero(cohort.asked)
        vector = _vectors(release, setting, asked, listener)
        if not masks:
            for place in range(len(asked)):
                packed = setting.ring.pack(vector(place))
                listener.message("vector without a mask", packed)
        elif policy.secure == PAIRWISE:
            _pairwise(setting.terms(task_of(setting, cohort)), setting, vector, listener)
        else:
            _split(setting.terms(task_of(setting, cohort)), setting, vector, listener)
    listener.end()
    return search


def _vectors(
    release: Recorded, setting: Setting, asked: NDArray[np.int64], listener: Listener
) -> Callable[[int], Words]:
    """Return what gives a client's vector in the ring, and has it looked for."""

    def vector(place: int) -> Words:
        data = release.group.data_of(int(asked[place]))
        words = client_words(release.step, data, setting, lambda _: Stream.secret())
        listener.search.hide_vector(setting.ring.pack(words), f"the vector of client {place}")
        return words

    return vector


def _pairwise(
    terms: Terms, setting: Setting, vector: Callable[[int], Words], listener: Listener
) -> None:
    population = pairwise.Population.enrol(terms.clients, listener.random)
    pairwise.run(
        terms,
        setting.floor,
        population,
        vector,
        random=listener.random,
        tap=listener.message,
    )


def _split(
    terms: Terms, setting: Setting, vector: Callable[[int], Words], listener: Listener
) -> None:
    noise = [partial(gaussian.integers, Stream.secret(), sigma=setting.deviation) for _ in SERVERS]
    split.run(
        terms,
        setting.floor,
        split.Deployment.enrol(terms.clients, listener.random),
        vector,
        coordinator_noise=noise[0],
        helper_noise=noise[1],
        random=listener.random,
        tap=listener.message,
    )
