"""Planning: how a run's privacy budget is split over its releases, before any data is touched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hedgerow.errors import ConfigError, PolicyError
from hedgerow.privacy.accounting import default_delta, multiplier_for
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release, epsilon_spent
from hedgerow.privacy.skellam_accounting import Part, variances_for

NORMS_SHARE = 0.1
"""What the histogram of norms takes of the budget of all steps for which it finds the bound."""

COARSEST, LARGEST = 1024.0, 1 << 26
"""Clients' noise is planned for sensitivities of so few steps and for so many values; vectors that
are released are finer and shorter, and cost no more."""

MOST_NOISE = 1e4
"""No release has noise of more than so many times its sensitivity: nothing could be learned from
it, so that clients suspect another purpose and refuse."""

MOST_STRETCH = 10.0
"""A budget of which so little is left that noise would have to be so many times as strong is
spent."""

STRETCH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class PlannedStep:
    """The noise of one step.

    Parameters
    ----------
    multiplier
        Standard deviation of the noise over the sensitivity; 0 without a promise.
    norms_multiplier
        The same of the histogram of norms before the step; None where there is none.
    bound
        L2 bound of a unit's term; None where a histogram finds it.
    clip_of
        The number of the step before which it is found.
    """

    multiplier: float
    norms_multiplier: float | None
    bound: float | None
    clip_of: int


@dataclass(frozen=True)
class NoisePlan:
    """The noise of a whole run.

    Parameters
    ----------
    delta
        Of the promise; 0 without one.
    steps
        In their order.
    clients
        How many there are.
    mechanism
        ``gaussian`` or ``skellam``, or ``none``.
    """

    delta: float
    steps: tuple[PlannedStep, ...]
    clients: int
    mechanism: str

    @property
    def releases(self) -> tuple[Release, ...]:
        """All that the run will release, as coarse as it may be."""
        each = ((step.norms_multiplier, step.multiplier) for step in self.steps)
        return tuple(_release(self.mechanism, z, self.clients) for pair in each for z in pair if z)

    def release(self, multiplier: float, sensitivity: float, size: int) -> Release:
        """Return what a sum costs under this plan's mechanism.

        Parameters
        ----------
        multiplier
            Standard deviation of the noise over the sensitivity.
        sensitivity, size
            Of the integer vectors that are summed, where the mechanism asks.
        """
        if self.mechanism == "skellam":
            return Release("skellam", multiplier, sensitivity, size, self.clients)
        return Release(self.mechanism, multiplier)

    @property
    def combined(self) -> float:
        """The noise multiplier of the one Gaussian release that all of these amount to."""
        return sum(r.multiplier**-2 for r in self.releases) ** -0.5 if self.releases else 0.0


def plan_noise(
    policy: Policy,
    charges: Sequence[Charge],
    users: int,
    clients: int,
    spent: Sequence[Release] = (),
) -> NoisePlan:
    """Split a policy's budget over a run's steps.

    Gaussian releases with multipliers ``z_i`` are together as private as one with
    ``sum(1 / z_i**2) ** -0.5`` (Dong, Roth, Su 2022), so a step with the share w of the budget
    gets the combined multiplier over the root of w; Skellam noise is split in the same way and
    accounted as what it is.

    Parameters
    ----------
    policy
        What is promised.
    charges
        One per step.
    users, clients
        How many there are; the default delta follows from the number of units.
    spent
        What was released before from the same budget; the run gets what is left.

    Raises
    ------
    ConfigError
        The unit is a silo, whose terms no step bounds, and the policy has no clip.
    PolicyError
        Nothing is left, or so little that clients refuse the noise.
    """
    if policy.unit == "silo" and policy.clip is None:
        raise ConfigError("With silos as the unit of privacy, give the clip of a silo's term.")
    own = (None,) * len(charges) if policy.unit == "silo" else [c.bound for c in charges]
    bounds = [policy.clip if bound is None else bound for bound in own]
    kinds = [charge.kind or str(number) for number, charge in enumerate(charges)]
    first = [kinds.index(kind) for kind in kinds]
    shares: list[float] = []
    for number, (charge, bound) in enumerate(zip(charges, bounds, strict=True)):
        if bound is None and first[number] == number:
            whole = sum(c.share for c, f in zip(charges, first, strict=True) if f == number)
            shares.append(NORMS_SHARE * whole)
        shares.append(charge.share if bound is not None else (1 - NORMS_SHARE) * charge.share)
    delta, mechanism, multipliers = 0.0, "none", [0.0] * len(shares)
    if policy.epsilon is not None:
        delta = policy.delta or default_delta(users if policy.unit == "user" else clients)
        mechanism = "skellam" if policy.noise_by == "clients" else "gaussian"
        multipliers = _multipliers(policy.epsilon, delta, shares, mechanism, clients)
        if spent:
            alike = [_release(mechanism, z, clients) for z in multipliers]
            factor = _stretch(policy.epsilon, delta, alike, spent)
            multipliers = [factor * z for z in multipliers]
        if max(multipliers, default=0.0) > MOST_NOISE:
            raise PolicyError(
                f"Epsilon {policy.epsilon:.4g} over {len(multipliers):,} releases takes noise of "
                f"{max(multipliers):,.0f} times what a person adds, and clients refuse more than "
                f"{MOST_NOISE:,.0f} times; allow more, or make fewer releases."
            )
    steps = []
    left = iter(multipliers)
    for number, bound in enumerate(bounds):
        measures = bound is None and first[number] == number
        norms = next(left) if measures else None
        steps.append(PlannedStep(next(left), norms, bound, first[number]))
    return NoisePlan(delta, tuple(steps), clients, mechanism)


def _release(mechanism: str, multiplier: float, clients: int) -> Release:
    """Return a release as coarse as it may be."""
    if mechanism == "skellam":
        return Release(mechanism, multiplier, COARSEST, LARGEST, clients)
    return Release(mechanism, multiplier)


def _stretch(
    epsilon: float, delta: float, planned: Sequence[Release], spent: Sequence[Release]
) -> float:
    """Return by how much more noise planned releases fit beside what was spent before."""

    def exceeds(factor: float) -> bool:
        noisier = [replace(r, multiplier=r.multiplier * factor) for r in planned]
        return epsilon_spent([*spent, *noisier], delta) > epsilon

    if exceeds(MOST_STRETCH):
        before = epsilon_spent(spent, delta)
        raise PolicyError(
            f"Of epsilon {epsilon:.4g} at delta {delta:.2g}, {before:.4g} is spent already on "
            "these data and nothing worth while is left; allow more, or stop here."
        )
    low, high = 1.0, MOST_STRETCH
    if not exceeds(low):
        return low
    while high / low > 1 + STRETCH_TOLERANCE:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if exceeds(middle) else (low, middle)
    return high


def _multipliers(
    epsilon: float, delta: float, shares: Sequence[float], mechanism: str, clients: int
) -> list[float]:
    if mechanism == "skellam":
        parts = [Part(COARSEST, LARGEST, share) for share in shares]
        variances = variances_for(epsilon, delta, parts, clients)
        return [math.sqrt(variance) / COARSEST for variance in variances]
    combined, whole = multiplier_for(epsilon, delta), sum(shares)
    return [combined / math.sqrt(share / whole) for share in shares]
