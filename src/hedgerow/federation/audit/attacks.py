"""The attacks: what an auditor who knows everything else reads from recorded releases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.split import Fold
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.pairs import Pairs
from hedgerow.federation.audit.recording import Recorded
from hedgerow.federation.terms import unit_terms
from hedgerow.privacy.audits.evidence import Evidence
from hedgerow.privacy.audits.membership import Ratios

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A release as an attacker sees it.

    Parameters
    ----------
    release
        What was recorded.
    values
        The sum, less whatever noise the attacker knows, shape (size,).
    sigma
        Standard deviation of the noise that is left.
    """

    release: Recorded
    values: Vector
    sigma: float

    @classmethod
    def of(cls, release: Recorded) -> View:
        """Return what is published."""
        return cls(release, release.values, release.sigma)


def fold_of(histories: Block) -> Fold:
    """Return a fold to train on, with nothing held out."""
    return Fold(histories, histories.where(np.zeros(len(histories.items), np.bool_)))


def canary_evidence(view: View, canaries: Canaries) -> Evidence:
    """Return what a release says of the canaries' coins.

    Parameters
    ----------
    view
        Of the release; the run's last users are the canaries that are included.
    canaries
        All of them.
    """
    release, data = view.release, fold_of(canaries.block)
    users = len(release.group.clients.owner)
    real = np.arange(users) < users - int(canaries.included.sum())
    residual = view.values - release.exact(real)

    def terms() -> Iterator[Vector]:
        return unit_terms(release.step, data, release.bound, "user")

    return Evidence.of(terms, len(canaries), residual, view.sigma)


@dataclass(frozen=True)
class PairEvidence:
    """What some view says of pairs, to an attacker who knows everything else about everybody.

    Parameters
    ----------
    seen
        Log-likelihood ratios of each pair's two histories given the view.
    alone
        The same given the users' own terms, each seen by itself.
    """

    seen: Ratios
    alone: Ratios

    def __add__(self, other: PairEvidence) -> PairEvidence:
        return PairEvidence(self.seen + other.seen, self.alone + other.alone)


def pair_evidence(
    view: View, pairs: Pairs, own_sigma: float = 0.0, rng: np.random.Generator | None = None
) -> PairEvidence:
    """Return what a release says of whether users have met items.

    With everybody else's terms taken out of it, a release is the user's own term plus noise,
    whose likelihood under both histories is known.

    Parameters
    ----------
    view
        Of the release.
    pairs
        Of users who took part.
    own_sigma
        Standard deviation of the noise that a client has put on its term before anyone sees it
        by itself.
    rng
        For that noise, where there is some.
    """
    release = view.release
    everyone = np.ones(len(release.group.clients.owner), np.bool_)
    noise = view.values - release.exact(everyone)
    apart, along = np.zeros(len(pairs)), np.zeros(len(pairs))
    both = zip(
        unit_terms(release.step, fold_of(pairs.present), release.bound, "user"),
        unit_terms(release.step, fold_of(pairs.absent), release.bound, "user"),
        strict=True,
    )
    for place, (present, absent) in enumerate(both):
        change = present - absent
        # Seen from the middle of both terms, the user's own lies half a change to one side.
        apart[place] = change @ change / 2
        along[place] = noise @ change
    variance, own_variance = view.sigma**2 or 1.0, own_sigma**2 or 1.0
    own = np.zeros(len(pairs))
    if own_sigma and rng is not None:
        own = rng.standard_normal(len(pairs)) * np.sqrt(2 * apart / own_variance)
    return PairEvidence(
        seen=Ratios(apart / variance, along / variance), alone=Ratios(apart / own_variance, own)
    )
