"""Releases: noised sums that become public, and what they cost together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hedgerow.errors import PolicyError
from hedgerow.privacy.accounting import Event, GaussianEvent, composed
from hedgerow.privacy.skellam_accounting import SkellamEvent


@dataclass(frozen=True)
class Release:
    """One noised sum, as the accountant needs to know it.

    Parameters
    ----------
    mechanism
        ``gaussian`` or ``skellam``.
    multiplier
        Standard deviation of the noise over the sensitivity.
    sensitivity
        L2 bound of a unit's integer vector, in steps; of Skellam noise alone, which is made of
        integers.
    size, clients
        Values in the vector, and clients that make noise at most; of Skellam noise alone.
    """

    mechanism: str
    multiplier: float
    sensitivity: float = 0.0
    size: int = 0
    clients: int = 0

    def event(self) -> Event:
        """Return what the accountant adds up.

        Raises
        ------
        PolicyError
            The mechanism is unknown.
        """
        if self.mechanism == "gaussian":
            return GaussianEvent(self.multiplier)
        if self.mechanism == "skellam":
            variance = (self.multiplier * self.sensitivity) ** 2
            return SkellamEvent(variance, self.sensitivity, self.size, self.clients)
        raise PolicyError(f"The mechanism {self.mechanism!r} is not one this version accounts for.")


def epsilon_spent(releases: Sequence[Release], delta: float) -> float:
    """Return the epsilon of releases together; 0 of none.

    Nothing is claimed for sampling: whoever takes part is charged every release in full.
    """
    return composed([release.event() for release in releases], delta) if releases else 0.0
