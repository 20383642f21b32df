"""What an audit found, in one frozen value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hedgerow.privacy.audits.evidence import Estimate
from hedgerow.privacy.audits.membership import Area, area_allowed
from hedgerow.privacy.audits.one_run import LowerBound
from hedgerow.privacy.audits.verdict import Verdict
from hedgerow.privacy.policy import Policy

CHANCE = 2
"""Standard errors by which an area may exceed what is allowed."""


@dataclass(frozen=True)
class CanaryResult:
    """What was told of users made for the audit.

    Parameters
    ----------
    canaries, included
        How many there were, and how many of them were in the data.
    confidence
        Of the lower bound.
    bound
        The lower bound on epsilon.
    estimate
        A guess at epsilon itself.
    """

    canaries: int
    included: int
    confidence: float
    bound: LowerBound
    estimate: Estimate


@dataclass(frozen=True)
class MembershipResult:
    """How well single interactions were told.

    Parameters
    ----------
    pairs
        How many pairs of a user and an item were guessed in each run, half of them interactions.
    draws
        How many runs there were, each with noise and pairs of its own.
    area
        Area under the curve for whoever sees what the policy lets be seen of one run, the mean
        over all runs, with each run's noise met from both sides.
    plain
        The same with members as they are; it scatters more, but takes nothing about the noise for
        granted.
    server_auc
        The same for a server that sees every client's term by itself; None where no party does.
    """

    pairs: int
    draws: int
    area: Area
    plain: Area
    server_auc: float | None


@dataclass(frozen=True)
class WireResult:
    """What was found in messages.

    Parameters
    ----------
    mode
        How the sum was secured.
    findings
        The first of them, a sentence each.
    found, messages, searched
        How many findings, messages and bytes there were.
    """

    mode: str
    findings: tuple[str, ...]
    found: int
    messages: int
    searched: int

    @property
    def verdict(self) -> Verdict:
        """Whether nothing was found."""
        return Verdict(
            audit=f"wire, {self.mode}",
            looked_at=f"{self.messages:,} messages of {self.searched:,} bytes",
            measured=f"{self.found} findings",
            allowed="0",
            passed=not self.found,
            sentence=(
                "Messages were searched for ids, secrets and clear vectors; "
                f"{'; '.join(self.findings[:3]) or 'none was found'}."
            ),
        )


@dataclass(frozen=True)
class AuditResult:
    """What an attacker could tell from a run, beside what it promises.

    Parameters
    ----------
    model
        Name of the recipe.
    users, items, interactions
        Of the data, canaries apart.
    policy
        What is promised, with its delta.
    noise, masks
        Whether they were there; an audit without them must fail.
    releases
        How many sums were looked at.
    canary, membership, wire
        What the audits of the run found.
    tests
        Verdicts on noise, clipping, masks, the ledger, the parties and the clients.
    seconds
        What the run and its audits took.
    """

    model: str
    users: int
    items: int
    interactions: int
    policy: Policy
    noise: bool
    masks: bool
    releases: int
    canary: CanaryResult
    membership: MembershipResult
    wire: tuple[WireResult, ...]
    tests: tuple[Verdict, ...]
    seconds: float

    @property
    def epsilon(self) -> float:
        """The epsilon that is claimed."""
        return math.inf if self.policy.epsilon is None else self.policy.epsilon

    @property
    def passed(self) -> bool:
        """Whether no audit failed."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One verdict per test, for a table."""
        wire = (found.verdict for found in self.wire)
        return self._canaries(), self._membership(), *wire, *self.tests

    def with_tests(self, tests: Sequence[Verdict], seconds: float) -> AuditResult:
        """Return the audit with the verdicts of more tests, and the time that those took."""
        return replace(self, tests=(*self.tests, *tests), seconds=self.seconds + seconds)

    def _canaries(self) -> Verdict:
        found, epsilon = self.canary, self.epsilon
        passed = found.bound.epsilon <= epsilon
        sentence = (
            f"{found.bound.correct} of {found.bound.guesses} guesses about {found.canaries} "
            f"canaries were right, which at {found.confidence:.0%} confidence shows epsilon to be "
            f"at least {found.bound.epsilon:.3g}."
        )
        if found.bound.reach <= epsilon:
            sentence += (
                f" So many canaries show {found.bound.reach:.3g} at most, so this audit cannot "
                f"refute the claim of {epsilon:g}."
            )
        measured = f"epsilon >= {found.bound.epsilon:.3f}"
        looked_at = f"{found.canaries} canaries, {found.included} of them in the data"
        return Verdict("canaries", looked_at, measured, f"<= {epsilon:g}", passed, sentence)

    def _membership(self) -> Verdict:
        found, allowed = self.membership, area_allowed(self.epsilon, self.policy.delta or 0.0)
        sentence = (
            f"Whoever knows all else tells a user's interaction from one that was not with an AUC "
            f"of {found.area.value:.3f} (runs: {found.draws}; standard error "
            f"{found.area.error:.2g}, of which {CHANCE} are allowed for; .5 is chance). With noise "
            f"from one side alone it is {found.plain.value:.3f} (standard error "
            f"{found.plain.error:.2g}), to which the same applies."
        )
        if found.server_auc is not None:
            sentence += (
                f" The server sees each client's term by itself, and tells it with "
                f"{found.server_auc:.3f}: it has to be trusted."
            )
        measured = f"AUC {found.area.value:.3f}"
        allows = f"<= {allowed:.4g}"
        # By chance it may come out higher: it fails where that is no longer likely.
        passed = all(
            area.value - CHANCE * area.error <= allowed for area in (found.area, found.plain)
        )
        looked_at = f"{found.pairs} users and items in each of {found.draws} runs"
        return Verdict("membership", looked_at, measured, allows, passed, sentence)

    def to_json(self) -> dict[str, Any]:
        """Return what was found as plain JSON types, under names that stay the same.

        A number that is not finite is null.
        """
        canary, membership, wire = self.canary, self.membership, self.wire
        return {
            "passed": self.passed,
            "epsilon_claimed": self.policy.epsilon,
            "epsilon_lower_bound": canary.bound.epsilon,
            "membership_auc": membership.area.value,
            "server_view_auc": membership.server_auc,
            "wire_findings": [sentence for found in wire for sentence in found.findings],
            "delta": self.policy.delta,
            "confidence": canary.confidence,
            "canaries": {
                "count": canary.canaries,
                "included": canary.included,
                "guesses": canary.bound.guesses,
                "correct": canary.bound.correct,
                "epsilon_reach": canary.bound.reach,
                "epsilon_estimate": {
                    name: value if math.isfinite(value) else None
                    for name, value in asdict(canary.estimate).items()
                },
            },
            "membership": {
                "pairs": membership.pairs,
                "draws": membership.draws,
                "standard_error": membership.area.error,
                "plain_auc": membership.plain.value,
                "plain_standard_error": membership.plain.error,
                "auc_allowed": area_allowed(self.epsilon, self.policy.delta or 0.0),
            },
            "wire": {
                found.mode: {
                    "findings": found.found,
                    "messages": found.messages,
                    "bytes": found.searched,
                }
                for found in wire
            },
            "verdicts": {
                verdict.audit: {
                    "passed": verdict.passed,
                    "looked_at": verdict.looked_at,
                    "measured": verdict.measured,
                    "allowed": verdict.allowed,
                    "sentence": verdict.sentence,
                }
                for verdict in self.verdicts
            },
            "policy": self.policy.to_json(),
            "noise": self.noise,
            "masks": self.masks,
            "model": self.model,
            "releases": self.releases,
            "data": {"users": self.users, "items": self.items, "interactions": self.interactions},
            "seconds": self.seconds,
        }
