"""Promises in words: epsilon never without its delta, unit, mechanism and assumptions."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.privacy.wording import beyond, per
from hedgerow.server.console.rendering import epsilon, power
from hedgerow.server.routes.tasks import BudgetOut

UNITS = {"user": "one person, with all they did", "silo": "one silo, with everybody in it"}


@dataclass(frozen=True)
class Promise:
    """What a task promises and has spent.

    Parameters
    ----------
    short
        One line: epsilon with what it is for.
    long
        Sentences with mechanism and assumptions.
    spent, promised, left
        Epsilons; None without a promise.
    share
        Of the promise that is spent, from 0 to 1.
    """

    short: str
    long: str
    spent: float
    promised: float | None
    left: float | None
    share: float


def promise_of(budget: BudgetOut) -> Promise:
    """Return what is to be said of a budget."""
    if budget.promised is None:
        return Promise(
            "No epsilon is promised",
            "Sums are secured, and no noise is added: nothing is promised about what models and "
            "sums tell of one person. Two sums that differ by one client tell what it sent.",
            budget.spent, None, None, 0.0,
        )  # fmt: skip
    delta = "its delta is fixed by the first run" if budget.delta is None else _delta(budget.delta)
    short = f"ε {epsilon(budget.spent)} of {epsilon(budget.promised)} spent, {delta}"
    unit = f"Who is protected is {UNITS[budget.unit]} (add or remove)."
    less = beyond(budget.unit, budget.clients_per_person)
    unit = f"{unit} {less}".rstrip()
    if budget.mechanism is None:
        made = "Nothing has been released so far."
    else:
        made = (
            f"{budget.releases} releases with {budget.mechanism.title()} noise made by "
            f"{budget.noise_by}; sampling assumed: {budget.sampling}."
        )
    left = max(0.0, budget.promised - budget.spent)
    share = min(1.0, budget.spent / budget.promised)
    short = f"{short}, per {per(budget.unit, budget.clients_per_person)}"
    return Promise(short, f"{unit} {made}", budget.spent, budget.promised, left, share)


def _delta(delta: float) -> str:
    return f"δ {power(delta)}"
