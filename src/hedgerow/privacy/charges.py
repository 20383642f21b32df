"""Charges: what the steps of a run ask of its privacy budget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Charge:
    """What one step asks of a run's privacy budget.

    Parameters
    ----------
    share
        Of the budget, relative to the other steps' shares. Budgets are split in units of
        ``1 / multiplier**2``, in which releases with Gaussian noise add up.
    bound
        L2 norm within which every user's term lies by construction; None where it does not, and
        terms are clipped to the policy's clip or to one found from a private histogram of norms.
    kind
        Steps of one kind share the clip that is found before the first of them; a step of no kind
        has one of its own.
    """

    share: float = 1.0
    bound: float | None = None
    kind: str = ""


def evenly(steps: int) -> tuple[Charge, ...]:
    """Return the charges of steps that are alike and have no bounds of their own."""
    return (Charge(kind="alike"),) * steps
