"""Verdicts: what one test of an audit looked at, what it measured, and whether that passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FALSE_ALARM = 1e-4
"""The probability with which an audit of right code fails by chance, at most."""

TESTS = 100
"""The most tests by chance in one audit, among which that probability is shared."""

LEVEL = FALSE_ALARM / TESTS
"""A test fails where honest noise gives something as odd with less than this probability."""


@dataclass(frozen=True)
class Verdict:
    """Whether one test passed.

    Parameters
    ----------
    audit
        Its name, which no other verdict of an audit has.
    looked_at
        What was examined.
    measured, allowed
        In few words, for a table.
    passed
        Whether what was measured is allowed.
    sentence
        What it means; where it failed, what is wrong.
    """

    audit: str
    looked_at: str
    measured: str
    allowed: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Judged:
    """A statistic, and how likely honest noise gives one at least as odd.

    Parameters
    ----------
    value
        The statistic.
    p
        The probability, corrected for all places that were looked at.
    """

    value: float
    p: float

    def verdict(self, audit: str, looked_at: str, measured: str, wrong: str) -> Verdict:
        """Return the verdict of this test.

        Parameters
        ----------
        audit, looked_at
            As of the verdict.
        measured
            The statistic in words, with ``{}`` where its value goes.
        wrong
            What is the matter where it fails.
        """
        passed = self.p >= LEVEL
        return Verdict(
            audit=audit,
            looked_at=looked_at,
            measured=f"{measured.format(f'{self.value:.4g}')}, p {self.p:.2g}",
            allowed=f"p >= {LEVEL:.0e}",
            passed=passed,
            sentence="As honest noise gives it." if passed else wrong,
        )


def worst(tests: Sequence[Judged]) -> Judged:
    """Return the oddest of several tests, corrected for their number."""
    oddest = min(tests, key=lambda test: test.p)
    return Judged(oddest.value, min(1.0, oddest.p * len(tests)))


def must(audit: str, looked_at: str, findings: Sequence[str], passing: str) -> Verdict:
    """Return the verdict of a search that may find nothing.

    Parameters
    ----------
    audit, looked_at
        As of the verdict.
    findings
        What is wrong, a sentence each.
    passing
        What it means where nothing is.
    """
    return Verdict(
        audit=audit,
        looked_at=looked_at,
        measured=f"{len(findings)} findings",
        allowed="0",
        passed=not findings,
        sentence=" ".join(findings) if findings else passing,
    )
