"""Judging a run's own releases: their noise, and the terms of those who have done the most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.federation.audit.attacks import fold_of
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.recording import UNCLIPPED, Recorded, Recorder
from hedgerow.federation.audit.server import setting_of
from hedgerow.federation.terms import unit_terms
from hedgerow.privacy.audits import residuals
from hedgerow.privacy.audits.verdict import Judged, Verdict, must, worst

BUSIEST = 4
"""Users made up who have met as many items as anybody, or more."""

LONGEST = 2000
"""Items that those have met at least, where there are as many."""

EXACT = 1e-6
"""By which share floats may make a clipped term longer than the bound."""


def noise_verdicts(runs: Sequence[Recorder]) -> Iterator[Verdict]:
    """Judge the noise of all releases of some runs of one training.

    Parameters
    ----------
    runs
        One at least; the noise of two must have nothing in common.
    """
    noises, spreads = list[NDArray[np.float64]](), list[Judged]()
    for run in runs:
        for release in run.releases:
            if release.sigma > 0:
                noises.append(_residual(release))
                spreads.append(residuals.spread(noises[-1], _least(release, run)))
    if not noises:
        return
    seen = f"{len(noises)} releases of {len(runs)} runs"
    yield worst(spreads).verdict(
        "spread of noise, model",
        f"{seen}, by {residuals.BLOCK:,}",
        "{} of what is promised",
        "Somewhere the noise of the model's sums is not as strong as is promised, or a term is not "
        "in the sum as it should be.",
    )
    yield worst([residuals.along(noise) for noise in noises]).verdict(
        "noise along a sum, model",
        f"{seen}, at all distances",
        "correlation {}",
        "Values of one of the model's sums share their noise.",
    )
    pairs = [residuals.between(one, two) for one, two in combinations(noises, 2)]
    if pairs:
        yield worst(pairs).verdict(
            "noise between sums, model",
            f"{len(pairs)} pairs of releases, at all shifts",
            "correlation {}",
            "Two of the model's sums have the same noise, so that their difference is bare.",
        )


def clip_verdict(run: Recorder, data: Block, rng: np.random.Generator) -> Verdict:
    """Judge whether the longest terms that the model can make are within their bounds.

    Norms are measured on the terms themselves, not by the closed forms with which they are clipped.

    Parameters
    ----------
    run
        Whose steps are looked at.
    data
        The real users.
    rng
        For the histories.
    """
    longest = min(data.n_items, max(LONGEST, int(data.lengths.max())))
    busiest = fold_of(Canaries.draw(data, BUSIEST, rng, longest).block)
    findings = []
    for release in run.releases:
        if release.bound == UNCLIPPED:
            continue
        terms = unit_terms(release.step, busiest, release.bound, "user")
        over = max(float(np.linalg.norm(term)) for term in terms) / release.bound
        if over > 1 + EXACT:
            findings.append(f"A term of {release.step.name!r} is {over:.4g} times its bound.")
    return must(
        "longest terms, model",
        f"{BUSIEST} users with {longest:,} items in {len(run.releases)} releases",
        findings,
        "No term is longer than the bound that the noise is made for.",
    )


def _residual(release: Recorded) -> NDArray[np.float64]:
    """Return the noise of a release, standardised, with terms clipped by the audit itself."""
    group, step = release.group, release.step
    present = sum(group.clients.users_of(cohort.present) for cohort in group.cohorts)
    norms = step.contributions(group.executor.data).norms()
    weights = np.asarray(present) * np.minimum(1.0, release.bound / np.maximum(norms, 1e-300))
    exact = step.schema.flatten(group.executor.sum(step, weights)).astype(np.float64)
    residual: NDArray[np.float64] = (release.values - exact) / release.sigma
    return residual


def _least(release: Recorded, run: Recorder) -> float:
    """Return the share of a release's variance that is noise for certain, and not rounding."""
    policy = run.policy
    if policy.secure == "none":
        return 1.0
    setting = setting_of(release, run, policy)
    rounding = setting.units / 4 / (release.sigma * setting.quantizer.scale) ** 2
    return max(0.1, 1 - rounding)
