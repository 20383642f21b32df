"""Simulated runs with canaries in their data, and every audit of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hedgerow.data.interactions import Interactions
from hedgerow.errors import ConfigError, DataError
from hedgerow.federation.audit.attacks import PairEvidence, canary_evidence, pair_evidence
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.pairs import Pairs
from hedgerow.federation.audit.recording import Recorded, Recorder
from hedgerow.federation.audit.releases import clip_verdict, noise_verdicts
from hedgerow.federation.audit.result import (
    AuditResult,
    CanaryResult,
    MembershipResult,
    WireResult,
)
from hedgerow.federation.audit.server import curious_view, setting_of
from hedgerow.federation.audit.training import Training
from hedgerow.federation.audit.wire import among_few, names_of, search_release
from hedgerow.federation.simulator import Round
from hedgerow.models.base import Recipe
from hedgerow.privacy.accounting import default_delta
from hedgerow.privacy.audits.evidence import estimate_epsilon
from hedgerow.privacy.audits.membership import Area
from hedgerow.privacy.audits.one_run import lower_bound
from hedgerow.privacy.audits.promised import honest
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT

CANARIES = 500
"""So many right guesses show an epsilon of about 4.6, and far fewer that of a broken promise."""

FEWEST_CANARIES = 40

PAIRS = 250
"""In each run. One run's area under the curve then has a standard error of about .002."""

FEWEST_PAIRS = 4

DRAWS = 8
"""Runs whose areas are averaged, each with noise of its own, where sums are made in the clear;
where they are secured, a run takes the whole protocol, and one serves."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Progress:
    """Whom to tell how an audit goes on; nobody by default.

    Parameters
    ----------
    stage
        Called when a stage of so many steps begins.
    round
        Called after each round of the run.
    step
        Called after each step of another stage.
    """

    stage: Callable[[str, int], None] = lambda _name, _steps: None
    round: Callable[[Round], None] = lambda _happened: None
    step: Callable[[], None] = lambda: None


def audit(
    log: Interactions,
    recipe: Recipe,
    policy: Policy,
    *,
    canaries: int = CANARIES,
    pairs: int = PAIRS,
    noise: bool = True,
    masks: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> AuditResult:
    """Train under a policy with canaries among the users, and try to break its promise.

    Parameters
    ----------
    log
        The interactions; each user is a client.
    recipe
        What to train.
    policy
        What is claimed: an epsilon, and how sums are secured.
    canaries
        How many users are made up, each of which is in the data or not by a fair coin.
    pairs
        How many pairs of a user and an item are guessed in each run.
    noise, masks
        False leaves them out although they are claimed, to see whether the audit notices.
    seed
        For everything random but keys and masks.
    progress
        Hears how it goes on.

    Raises
    ------
    ConfigError
        No epsilon is claimed, its unit is not the user, or a number is out of range.
    DataError
        The data are too few.
    PolicyError
        The run cannot keep its policy.
    """
    started = time.perf_counter()
    _check(log, policy, canaries, pairs, seed, masks=masks)
    progress = progress or Progress()
    promised = replace(policy, delta=policy.delta or default_delta(len(log.users)))
    rng = np.random.default_rng([seed, len(log)])
    made = Canaries.draw(log.block, canaries, rng)
    kept = _kept(promised, noise=noise, masks=masks)
    training = Training.of(log, recipe, kept, made, seed)
    progress.stage("train", len(recipe.charges))
    recorder = training.run(on_round=progress.round)
    draws = DRAWS if kept.private and kept.secure == "none" else 1
    progress.stage("attack", len(recorder.releases) + draws)
    evidence = []
    for release in recorder.releases:
        evidence.append(canary_evidence(curious_view(release, recorder), made))
        progress.step()
    scores = sum(evidence[1:], evidence[0]).scores()
    told, runs = [], [recorder]
    for draw in range(draws):
        # The canaries' bound holds for one run, so it is the first one's alone.
        run = training.run(draw) if draw else recorder
        told.append(_guessed(log, run, pairs, rng, promised, noise=noise))
        if draw == 1:
            runs.append(run)
        progress.step()
    tests = [*noise_verdicts(runs), clip_verdict(recorder, log.block, rng)]
    seen = [both.seen if masks else both.alone for both in told]
    return AuditResult(
        model=recipe.name,
        users=len(log.users),
        items=len(log.catalog),
        interactions=len(log),
        policy=promised,
        noise=noise,
        masks=masks,
        releases=len(recorder.releases),
        canary=CanaryResult(
            canaries=canaries,
            included=int(made.included.sum()),
            confidence=CONFIDENCE,
            bound=lower_bound(scores, made.included, promised.delta or 0.0, CONFIDENCE),
            estimate=estimate_epsilon(scores, made.included, promised.delta or 0.0),
        ),
        membership=MembershipResult(
            pairs=len(told[0].seen.apart),
            draws=draws,
            area=Area.mean([ratios.balanced() for ratios in seen]),
            plain=Area.mean([ratios.plain() for ratios in seen]),
            server_auc=(
                None
                if promised.secure != "none" and masks
                else Area.mean([both.alone.balanced() for both in told]).value
            ),
        ),
        wire=tuple(_search(log, recorder, promised, progress, masks=masks)),
        tests=tuple(tests),
        seconds=time.perf_counter() - started,
    )


def _kept(promised: Policy, *, noise: bool, masks: bool) -> Policy:
    """Return what the run really does of its promise."""
    kept = promised if noise else replace(promised, epsilon=None, delta=None)
    return kept if masks else replace(kept, secure="none")


def _guessed(
    log: Interactions,
    recorder: Recorder,
    pairs: int,
    rng: np.random.Generator,
    promised: Policy,
    *,
    noise: bool,
) -> PairEvidence:
    """Return what one run tells of fresh pairs."""
    guessed = Pairs.draw(log.block, pairs // 2, rng)
    if len(guessed) < FEWEST_PAIRS:
        raise DataError("Users have met every item or almost, so there is nothing to guess at.")
    told = [
        pair_evidence(
            curious_view(release, recorder),
            guessed,
            _own_sigma(release, recorder, promised, noise=noise),
            rng,
        )
        for release in recorder.releases
    ]
    return sum(told[1:], told[0])


def _own_sigma(release: Recorded, recorder: Recorder, promised: Policy, *, noise: bool) -> float:
    """Return the noise that each client puts on its own term, where clients make the noise."""
    if not noise or promised.noise_by != "clients":
        return 0.0
    setting = setting_of(release, recorder, promised)
    return float(np.sqrt(setting.share.variance)) / setting.quantizer.scale


def _search(
    log: Interactions, recorder: Recorder, promised: Policy, progress: Progress, *, masks: bool
) -> Iterator[WireResult]:
    """Search the messages of the run's smallest sum; all sums pass the same protocols."""
    modes = [promised.secure] if promised.secure != "none" else [SPLIT, PAIRWISE]
    progress.stage("search", len(modes))
    smallest = among_few(min(recorder.releases, key=lambda release: release.step.schema.size))
    clients = smallest.group.answered
    for mode in modes:
        policy = replace(
            recorder.policy,
            secure=mode,
            minimum=min(promised.minimum, honest(clients, promised.adversaries, promised.dropouts)),
        )
        search = search_release(smallest, recorder, policy, names_of(log), masks=masks)
        progress.step()
        yield WireResult(
            mode, tuple(search.findings), search.found, search.messages, search.searched
        )


def _check(
    log: Interactions, policy: Policy, canaries: int, pairs: int, seed: int, *, masks: bool
) -> None:
    if policy.epsilon is None:
        raise ConfigError("An audit compares with a claim: give an epsilon.")
    if policy.unit != "user":
        raise ConfigError("The audit is of single users; leave the unit out.")
    if canaries < FEWEST_CANARIES:
        raise ConfigError(f"An audit takes at least {FEWEST_CANARIES} canaries.")
    if pairs < FEWEST_PAIRS:
        raise ConfigError(f"An audit takes at least {FEWEST_PAIRS} pairs to guess.")
    if seed < 0:
        raise ConfigError("The seed must be 0 or more.")
    if not masks and policy.secure == "none":
        raise ConfigError("Sums that are not secured have no masks to leave out.")
    if len(log.users) < 2 or len(log.catalog) < 2:
        raise DataError("An audit takes at least two users and two items.")
