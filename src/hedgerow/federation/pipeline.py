"""The pipeline: what every term passes on its way into a sum that is used.

Clip, quantise, add the clients' share of the noise, mask, sum, unmask, add the servers' noise, and
charge the ledger before any of it is published: the same for every step. Which stages there are
follows from the policy alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from hedgerow.data.split import Fold
from hedgerow.errors import PolicyError
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.charging import charge, norms_before
from hedgerow.federation.clients import Clients
from hedgerow.federation.group import Group
from hedgerow.federation.secured import secured_sum
from hedgerow.federation.setting import Noise, Setting, stream_of
from hedgerow.federation.terms import unit_terms
from hedgerow.models.base import Step
from hedgerow.privacy import gaussian
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.planning import NoisePlan, plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release
from hedgerow.statistics import Statistics, total

Result = TypeVar("Result")

SHARED = "all runs"
"""The account of a ledger in which all runs on it add up."""


def run_name(secret: str, belongs: str) -> str:
    """Return a name under which a ledger knows a run, and which tells nothing of its data.

    Parameters
    ----------
    secret
        The run's own.
    belongs
        The fingerprint of its data and settings.
    """
    return hashlib.sha256(f"{secret}\n{belongs}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Passed:
    """What came out of the pipeline for one step.

    Parameters
    ----------
    total
        The sum, with the noise that it carries.
    bytes_up
        What one client sent, on average over those that answered.
    """

    total: Statistics
    bytes_up: int


@dataclass(frozen=True)
class Pipeline:
    """Sums over clients, made as a policy promises.

    Parameters
    ----------
    policy
        What is promised.
    plan
        The noise and the bound of every step, and delta.
    ledger
        Where releases are written down before they are made.
    account
        Whose budget they are charged to.
    run
        Names the run's releases, and with the seed keys its randomness.
    seed
        For noise and rounding: a secret, or a number with which a simulation can be repeated.
    """

    policy: Policy
    plan: NoisePlan
    ledger: Ledger
    account: str
    run: str
    seed: int | str

    @classmethod
    def of(
        cls,
        policy: Policy,
        charges: Sequence[Charge],
        clients: Clients,
        *,
        ledger: Ledger,
        run: str,
        account: str,
        seed: int | str,
    ) -> Pipeline:
        """Plan a run with what is left of its budget, before it starts.

        Parameters
        ----------
        policy
            What is promised.
        charges
            What the run's steps ask for.
        clients
            Who may take part.
        ledger, account, run, seed
            As of the class.

        Raises
        ------
        PolicyError
            Nothing is left.
        """
        others = [e.release for e in ledger.of(account) if not e.name.startswith(f"{run}/")]
        planned = plan_noise(policy, charges, len(clients.owner), len(clients), others)
        return cls(policy, planned, ledger, account, run, seed)

    def resumed_at(self, number: int) -> Pipeline:
        """Return the pipeline, if the ledger has all that was released before a step.

        Raises
        ------
        PolicyError
            It has not; what was spent would be forgotten.
        """
        charged = {entry.name for entry in self.ledger.of(self.account)}
        if self.policy.private and any(f"{self.run}/{k}" not in charged for k in range(number)):
            raise PolicyError(
                "The ledger does not have this run's earlier releases; resume with its own ledger."
            )
        return self

    @classmethod
    def unprotected(cls, clients: int) -> Pipeline:
        """Return the pipeline that promises nothing, for a run of any number of steps."""
        return cls(Policy(), NoisePlan(0.0, (), clients, "none"), Ledger(), "", "", 0)

    @property
    def spent(self) -> float | None:
        """The epsilon that the account has spent so far; None where nothing is promised."""
        entries = self.ledger.of(self.account)
        if not self.policy.private:
            return None
        return entries[-1].epsilon if entries else 0.0

    def sum(
        self, group: Group, step: Step[Fold, Result], number: int, model: bytes = b""
    ) -> Passed:
        """Return a step's sum over a group of clients.

        Parameters
        ----------
        group
            Who takes part.
        step
            What is computed.
        number
            Of the step in the plan, from 0.
        model
            Hash of the public state and the catalog from which clients compute, 32 bytes, to
            which secured sums are bound.

        Raises
        ------
        PolicyError
            Too few clients answered, or the release would overspend.
        """
        if not self.policy.private and self.policy.secure == "none":
            return Passed(total(group.sums(step)), step.schema.nbytes)
        group = group.of_at_least(self.policy.minimum)
        name, bound, sent = f"{self.run}/{number}", self.plan.steps[number].bound, 0
        if bound is None:
            bound, sent = self._clip(group, step, number, model)
        passed = self._released(
            group, step, Noise(name, bound, self.plan.steps[number].multiplier), model
        )
        return Passed(passed.total, passed.bytes_up + sent)

    def _clip(
        self, group: Group, step: Step[Fold, Result], number: int, model: bytes
    ) -> tuple[float, int]:
        """Return the clip of a step, found before the first of its kind, and what clients sent."""
        planned = self.plan.steps[number]
        if self.policy.private and planned.norms_multiplier is None:
            # The ledger remembers, also for a run that goes on after a crash.
            first = f"{self.run}/{planned.clip_of}"
            return next(e.clip for e in self.ledger.of(self.account) if e.name == first), 0
        norms, noise = norms_before(self.policy, planned, step, f"{self.run}/{number}")
        measured = self._released(group, norms, noise, model)
        return norms.update(measured.total), measured.bytes_up

    def _released(
        self, group: Group, step: Step[Fold, Result], noise: Noise, model: bytes
    ) -> Passed:
        """Charge a release, make the sum, and add the noise."""
        schema, random = step.schema, partial(stream_of, self.seed, noise.name)
        if self.policy.secure == "none":
            self._charge(step.name, noise, self.plan.release(noise.multiplier, 0, 0))
            summed = total(self._plain(group, step, noise.bound))
            flat = schema.flatten(summed).astype(np.float64)
            sigma = noise.sigma(self.policy)
            noised = gaussian.add(flat, sigma, random("server"))
            return Passed(replace(schema.unflatten(noised), noise=sigma), schema.nbytes)
        counts = [group.counts(cohort, self.policy.unit) for cohort in group.cohorts]
        setting = Setting.of(self.policy, noise, schema.size, counts, model)
        for units, clients in counts:
            # What so few clients cannot promise is refused before it is charged.
            setting.among(units, clients).terms(noise.name)
        release = self.plan.release(noise.multiplier, setting.sensitivity, schema.size)
        self._charge(step.name, noise, release)
        opened = [
            secured_sum(group, cohort, step, setting, partial(random, cohort=number))
            for number, cohort in enumerate(group.cohorts)
        ]
        values = np.sum([part.values for part in opened], axis=0)
        sigma = math.hypot(*(part.sigma for part in opened))
        sent = sum(part.bytes_up for part in opened) / group.answered
        return Passed(replace(schema.unflatten(values), noise=sigma), round(sent))

    def _plain(self, group: Group, step: Step[Fold, Result], bound: float) -> Iterator[Statistics]:
        """Yield sums that the server makes of terms it sees."""
        if self.policy.unit == "user":
            yield from group.sums(Clipped(step, bound))
            return
        yield step.schema.zeros()
        for cohort in group.cohorts:
            for client in np.flatnonzero(cohort.present):
                for vector in unit_terms(step, group.data_of(int(client)), bound, self.policy.unit):
                    yield step.schema.unflatten(vector)

    def _charge(self, step: str, noise: Noise, release: Release) -> None:
        charge(
            self.ledger,
            self.account,
            policy=self.policy,
            plan=self.plan,
            step=step,
            noise=noise,
            release=release,
        )
