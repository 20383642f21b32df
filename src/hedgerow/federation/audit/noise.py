"""What residuals are tested for, and what each test means where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hedgerow.privacy.audits import residuals
from hedgerow.privacy.audits.promised import rounding_variance
from hedgerow.privacy.audits.verdict import Judged, Verdict, worst

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """What a sum of the probe has to be, but for its noise.

    Parameters
    ----------
    terms
        What each client puts in, clipped, in steps (or in the terms' own unit, where there are
        none), shape (clients, size).
    variance
        Of the noise in each value, in steps squared.
    rounds
        Whether terms are rounded to steps at random.
    """

    terms: Vector
    variance: float
    rounds: bool

    @property
    def total(self) -> Vector:
        """The exact sum, shape (size,)."""
        summed: Vector = self.terms.sum(axis=0)
        return summed

    @property
    def deviations(self) -> Vector:
        """Standard deviations of a sum, rounding included, shape (size,)."""
        rounding = rounding_variance(self.terms).sum(axis=0) if self.rounds else 0.0
        return np.sqrt(np.full(self.terms.shape[1], self.variance) + rounding)

    @property
    def foretold(self) -> tuple[Vector, ...]:
        """What would be added by who always rounds down, and by who rounds to the nearest step."""
        if not self.rounds:
            return ()
        down, near = (
            (rounded(self.terms) - self.terms).sum(axis=0) for rounded in (np.floor, np.rint)
        )
        return down, near


@dataclass(frozen=True)
class Noise:
    """The residual of one sum.

    Parameters
    ----------
    name
        Which sum, such as ``the second release``.
    residual
        Standardised, shape (size,).
    deviations
        By which it was divided.
    expected
        Of the sum; None where clients' terms are not in the residual at all.
    """

    name: str
    residual: Vector
    deviations: Vector
    expected: Expected | None

    @classmethod
    def of(cls, name: str, values: Vector, expected: Expected) -> Noise:
        """Return the residual of a sum, shape (size,)."""
        deviations = expected.deviations
        return cls(name, (values - expected.total) / deviations, deviations, expected)


def verdicts(mode: str, noises: Sequence[Noise]) -> list[Verdict]:
    """Judge all residuals of sums that were secured in one way.

    Parameters
    ----------
    mode
        How.
    noises
        Of several sums of one length, in two runs at least.
    """
    vectors = [noise.residual for noise in noises]
    seen = f"{len(vectors)} sums of {len(vectors[0]):,} values"
    pairs = list(combinations(noises, 2))

    def told(test: str, found: Judged, measured: str, wrong: str, what: str = seen) -> Verdict:
        return found.verdict(f"{test}, {mode}", what, measured, wrong)

    summed = [noise for noise in noises if noise.expected is not None]
    return [
        told(
            "spread of noise",
            worst([residuals.spread(vector) for vector in vectors]),
            "{} of what is promised",
            "Somewhere the noise is not as strong as is promised, or a term is not in the sum as "
            "it should be.",
            f"{seen}, by {residuals.BLOCK:,}",
        ),
        told(
            "bias of noise",
            worst([residuals.bias(vector) for vector in vectors]),
            "{} deviations",
            "The noise, or the rounding, leans to one side.",
        ),
        told(
            "shape of noise",
            worst([residuals.shape(vector) for vector in vectors]),
            "{} from normal",
            "The noise has another distribution than the accountant takes it for.",
        ),
        told(
            "noise along a sum",
            worst([residuals.along(vector) for vector in vectors]),
            "correlation {}",
            "Values of one sum share their noise, so that differences between them are bare.",
            f"{seen}, at all distances",
        ),
        told(
            "noise between sums",
            worst([residuals.between(one.residual, two.residual) for one, two in pairs]),
            "correlation {}",
            "Two sums, or two parties, have the same noise, so that their difference is bare.",
            f"{len(pairs)} pairs of sums, at all shifts",
        ),
        told(
            "noise in each value",
            residuals.everywhere(vectors),
            "quietest {} deviations",
            "A value of the sum has no noise in any release.",
            f"{len(vectors[0]):,} values of {len(vectors)} sums",
        ),
        told(
            "clip",
            worst([_towards_terms(noise) for noise in summed]),
            "{} deviations",
            "A term is in the sum longer or shorter than clipping allows: one far over the bound "
            "has to be cut to it, and one within has to be whole.",
            f"{len(summed)} sums with terms up to 1,000 bounds long",
        ),
    ]


def rounding_verdict(mode: str, roundings: Sequence[Noise]) -> Verdict:
    """Judge how terms were rounded to steps, where they can be seen without noise.

    Noise is made so strong that rounding adds next to nothing to it, and hides any fault of it.

    Parameters
    ----------
    mode
        How sums were secured.
    roundings
        Sums of clients' words less their terms, each standardised by what rounding alone adds.
    """
    tests = [
        judged
        for rounding in roundings
        for judged in (
            residuals.spread(rounding.residual),
            residuals.bias(rounding.residual),
            _towards_rounding(rounding),
        )
    ]
    return worst(tests).verdict(
        f"rounding, {mode}",
        f"{len(roundings)} sums of clients' words, without noise",
        "{}",
        "Terms are rounded in a way that can be foretold, not at random.",
    )


def _towards_terms(noise: Noise) -> Judged:
    terms = noise.expected.terms if noise.expected else ()
    return residuals.towards(noise.residual, noise.deviations, list(terms))


def _towards_rounding(noise: Noise) -> Judged:
    foretold = noise.expected.foretold if noise.expected else ()
    return residuals.towards(noise.residual, noise.deviations, foretold)
