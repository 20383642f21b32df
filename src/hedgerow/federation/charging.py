"""Writing a release down in the ledger before it is made, and what is measured before a clip."""

from __future__ import annotations

from hedgerow.data.split import Fold
from hedgerow.federation.bounding import MeasureNorms
from hedgerow.federation.setting import Noise
from hedgerow.models.base import Step
from hedgerow.privacy.accounting import ACCOUNTANT, RENYI_ACCOUNTANT
from hedgerow.privacy.adaptive_clipping import HISTOGRAM_SENSITIVITY
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.planning import NoisePlan, PlannedStep
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release

QUANTILE = 0.8
"""Of the norms, where a clip that has to be found is put: most are whole, none is very long."""


def norms_before(
    policy: Policy, planned: PlannedStep, step: Step[Fold, object], release: str
) -> tuple[MeasureNorms, Noise]:
    """Return the sum that finds the clip of a step, and its noise.

    Parameters
    ----------
    policy
        What is promised. Without an epsilon nobody need be cut: the longest term sets the bound.
    planned
        The step's noise.
    step
        Whose terms are measured.
    release
        Name of the step's own release.
    """
    norms = MeasureNorms(step, QUANTILE if policy.private else 1.0)
    return norms, norms_noise(planned, release)


def norms_noise(planned: PlannedStep, release: str) -> Noise:
    """Return the noise of the sum that finds the clip of a step, given the step's own release."""
    return Noise(f"{release}/norms", HISTOGRAM_SENSITIVITY, planned.norms_multiplier or 0.0)


def charge(
    ledger: Ledger,
    account: str,
    *,
    policy: Policy,
    plan: NoisePlan,
    step: str,
    noise: Noise,
    release: Release,
    shared: bool = False,
) -> None:
    """Charge a release to an account; nothing where no epsilon is promised.

    Parameters
    ----------
    ledger, account
        Where, and whose budget.
    policy, plan
        What is promised.
    step
        What is computed, for people to read.
    noise, release
        How much noise there is, and what the accountant makes of it.
    shared
        Whether other programs charge the same ledger.

    Raises
    ------
    PolicyError
        The account would overspend; nothing was written.
    """
    if policy.epsilon is None:
        return
    entry = Entry(
        account=account,
        name=noise.name,
        step=step,
        unit=policy.unit,
        clients_per_person=policy.clients_per_person,
        noise_by=policy.noise_by,
        secure=policy.secure,
        release=release,
        clip=noise.bound,
        sigma=noise.sigma(policy),
        delta=plan.delta,
        accountant=ACCOUNTANT if release.mechanism == "gaussian" else RENYI_ACCOUNTANT,
    )
    ledger.charge(entry, policy.epsilon, shared=shared)
