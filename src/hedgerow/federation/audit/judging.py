"""Judging the bench: tests of noise, masks, ledger and helper, in each way of securing sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hedgerow.errors import HedgerowError
from hedgerow.federation.audit.bench import BOUND, RELEASES, Bench
from hedgerow.federation.audit.noise import Noise, rounding_verdict, verdicts
from hedgerow.federation.audit.probe import CLIENTS
from hedgerow.privacy.audits import uniformity
from hedgerow.privacy.audits.forgery import forged_reports
from hedgerow.privacy.audits.pairwise_view import PairwiseView
from hedgerow.privacy.audits.promised import gaussian_epsilon
from hedgerow.privacy.audits.verdict import Verdict, must
from hedgerow.privacy.ledger import Entry
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.ring import Words

LEAST_EPSILON, MOST_EPSILON = 0.5, 8.0
"""The bench has few clients, which could not make the noise of a much smaller epsilon."""

LEEWAY = 0.02
"""By which share an epsilon worked out from measured noise may lie above the claim by chance."""

ACCOUNTANTS = 1e-3
"""By which share two accountants' epsilons of the same Gaussian noise may differ."""

SESSIONS = 2
"""In which all secrets are fresh, so that what comes again is no secret."""

STRETCHES = (slice(0, 8192), slice(1 << 16, (1 << 16) + 8192))
"""Of each mask, where it is looked whether it has been used before."""

SAMPLED = 6
"""Masks of each session whose bits are counted."""


def bench_verdicts(
    promised: Policy, *, noise: bool, step: Callable[[], None] = lambda: None
) -> tuple[Verdict, ...]:
    """Return what the bench shows of all ways to secure sums.

    Parameters
    ----------
    promised
        The policy that is claimed; its mode is tried with the others.
    noise
        False leaves the noise out although it is claimed.
    step
        Called after each mode.
    """
    epsilon = min(max(promised.epsilon or MOST_EPSILON, LEAST_EPSILON), MOST_EPSILON)
    found = list[Verdict]()
    for mode, judged in _JUDGED.items():
        bench = Bench.of(replace(promised, epsilon=epsilon), mode, noise=noise)
        found += _guarded(mode, judged, bench)
        step()
    found.append(forged_reports())
    return tuple(found)


def _guarded(
    mode: str, judged: Callable[[Bench], Iterator[Verdict]], bench: Bench
) -> list[Verdict]:
    """Return verdicts, one of which is that the sums could not even be made."""
    found, failed = list[Verdict](), list[str]()
    try:
        found.extend(judged(bench))
    except (HedgerowError, ValueError) as error:
        failed.append(f"Clients or servers give up on a sum that is in order: {error}")
    found.append(
        must(
            f"sums of the probe, {mode}",
            f"{CLIENTS} clients, some far over the bound",
            failed,
            "All sums were made.",
        )
    )
    return found


def _none(bench: Bench) -> Iterator[Verdict]:
    noises = list[Noise]()
    for label in ("first run", "second run"):
        values, entries = bench.run()
        noises += bench.residuals(label, values)
    yield from verdicts("none", noises)
    yield from _ledger(bench, entries, noises[-RELEASES:])


def _split(bench: Bench) -> Iterator[Verdict]:
    values, entries = bench.run()
    released = list(bench.residuals("run", values))
    noises, masks, expected = list(released), list[Words](), bench.expected_of(CLIENTS, bench.each)
    roundings, unhidden = list[Noise](), bench.expected_of(CLIENTS, 0.0)
    for number, view in enumerate(bench.split_views(SESSIONS), 1):
        roundings.append(Noise.of(f"words {number}", view.words.astype(float), unhidden))
        noises.append(Noise.of(f"coordinator's view {number}", view.before.astype(float), expected))
        deviation = np.sqrt(bench.each)
        own = (view.opened - view.before) / deviation
        noises.append(
            Noise(f"coordinator's noise {number}", own, np.full(len(own), deviation), None)
        )
        masks += view.masks
    yield from verdicts("split", noises)
    yield rounding_verdict("split", roundings)
    yield from _ledger(bench, entries, released)
    yield from _masks("masks of reports, split", bench, masks, "the coordinator")


def _pairwise(bench: Bench) -> Iterator[Verdict]:
    values, entries = bench.run()
    released = list(bench.residuals("run", values))
    views = list(bench.pairwise_views(SESSIONS))
    shut = [
        f"Session {number} did not open." for number, v in enumerate(views, 1) if v.opened is None
    ]
    yield must(
        "opening, pairwise",
        f"{SESSIONS} sums that a client drops out of",
        shut,
        "Masks vanish from sums whoever drops out.",
    )
    yield from verdicts("pairwise", [*released, *_opened(bench, views)])
    yield from _ledger(bench, entries, released)
    yield from _masks(
        "masks of survivors, pairwise",
        bench,
        [mask for view in views for mask in view.masks],
        "the server, which has been told their own masks,",
    )
    yield from _masks(
        "masks of the late, pairwise",
        bench,
        [view.late for view in views],
        "the server, which has been told the masks that they share,",
    )
    yield must(
        "curious server, pairwise",
        "too few shares pooled, a client asked twice",
        [sentence for view in views for sentence in view.broken],
        "Too few shares recover nothing, and a client answers once.",
    )


def _opened(bench: Bench, views: Sequence[PairwiseView]) -> Iterator[Noise]:
    """Yield the residuals of sums without the last client, which came too late."""
    there = CLIENTS - 1
    expected = bench.expected_of(there, bench.each * there)
    for number, view in enumerate(views, 1):
        if view.opened is not None:
            yield Noise.of(f"session {number}", view.opened.astype(float), expected)


def _masks(audit: str, bench: Bench, masks: Sequence[Words], who: str) -> Iterator[Verdict]:
    """Judge what hides clients' words from somebody."""
    ring, per_session = bench.ring, len(masks) // SESSIONS
    sampled = [mask for at, mask in enumerate(masks) if at % max(1, per_session) < SAMPLED]
    found = uniformity.bits(sampled, ring)
    yield found.verdict(
        f"{audit}: bits",
        f"{len(sampled)} masks, {ring.bits} bits of {len(masks[0]):,} words",
        "{} of a bit are 1",
        f"Words that {who} sees are not hidden in all of their bits.",
    )
    stretches = [mask[part] for mask in masks for part in STRETCHES]
    again = uniformity.repeats(stretches, ring)
    yield again.verdict(
        f"{audit}: repeats",
        f"{len(masks)} masks of {SESSIONS} sessions",
        "{} stretches again",
        f"Masks are used twice, so that {who} sees differences of words.",
    )


def _ledger(bench: Bench, entries: Sequence[Entry], noises: Sequence[Noise]) -> Iterator[Verdict]:
    """Judge whether what was charged is what was made, and both what is claimed."""
    policy, wrong = bench.promised, list[str]()
    if len(entries) != len(noises):
        wrong.append(f"{len(noises)} releases were made and {len(entries)} charged.")
    charged = np.array([entry.release.multiplier for entry in entries])
    if len(charged) and not np.allclose(charged, bench.multiplier, rtol=1e-9):
        wrong.append("The ledger has noise that was not planned.")
    if any(entry.clip != BOUND for entry in entries):
        wrong.append("The ledger has another bound than the one to which terms are clipped.")
    delta = policy.delta or 0.0
    stated = entries[-1].epsilon if entries else 0.0
    alone = gaussian_epsilon(charged, delta) if len(charged) else 0.0
    dearer = policy.noise_by == "clients"
    if stated < alone * (1 - ACCOUNTANTS) or (not dearer and stated > alone * (1 + ACCOUNTANTS)):
        wrong.append(f"The ledger states epsilon {stated:.4g} where its noise gives {alone:.4g}.")
    yield must(
        f"ledger, {policy.secure}",
        f"{len(entries)} entries against a second accountant",
        wrong,
        "What is charged is what was planned, and costs what the ledger states.",
    )
    claimed = policy.epsilon or 0.0
    measured = np.array([float(np.sqrt(np.mean(noise.residual**2))) for noise in noises])
    # One server's part, or that of the honest clients, is all that hides anything from the others.
    found = gaussian_epsilon(measured * bench.multiplier, delta)
    allowed = claimed * (1 + LEEWAY)
    yield Verdict(
        audit=f"epsilon of the noise, {policy.secure}",
        looked_at=f"{len(noises)} sums, noise as measured",
        measured=f"epsilon {found:.4f}",
        allowed=f"<= {allowed:.4g}",
        passed=found <= allowed,
        sentence=(
            f"The noise that was made gives epsilon {found:.4g} where {claimed:g} is claimed, to "
            "whoever knows no part of it more than is reckoned with."
        ),
    )


_JUDGED: Mapping[str, Callable[[Bench], Iterator[Verdict]]] = {
    "none": _none,
    "split": _split,
    "pairwise": _pairwise,
}

BENCHES = len(_JUDGED)
"""How many ways of securing sums are tried."""
