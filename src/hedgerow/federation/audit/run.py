"""One simulated run with canaries in its data, and every audit of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hedgerow.data.interactions import Interactions
from hedgerow.errors import ConfigError, DataError
from hedgerow.federation.audit.attacks import canary_evidence, fold_of, pair_evidence
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.pairs import Pairs
from hedgerow.federation.audit.recording import Recorded, Recorder
from hedgerow.federation.audit.result import (
    AuditResult,
    CanaryResult,
    MembershipResult,
    WireResult,
)
from hedgerow.federation.audit.server import curious_view, setting_of
from hedgerow.federation.audit.wire import names_of, search_release
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import Round, train
from hedgerow.models.base import Recipe
from hedgerow.privacy.accounting import default_delta
from hedgerow.privacy.audits.evidence import estimate_epsilon
from hedgerow.privacy.audits.membership import area_under_curve, standard_error
from hedgerow.privacy.audits.one_run import lower_bound
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

CANARIES = 500
"""So many right guesses show an epsilon of about 4.6, and far fewer that of a broken promise."""

FEWEST_CANARIES = 40

PAIRS = 1_000
"""The area under the curve then has a standard error below .02."""

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
        How many pairs of a user and an item are guessed.
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
    guessed = Pairs.draw(log.block, pairs // 2, rng)
    if not len(guessed):
        raise DataError("Every user has met every item, so there is no interaction to guess at.")
    kept = _kept(promised, noise=noise, masks=masks)
    recorder = _train(log, recipe, kept, made, seed=seed, progress=progress)
    progress.stage("attack", len(recorder.releases))
    evidence, told = [], []
    for release in recorder.releases:
        view = curious_view(release, recorder)
        evidence.append(canary_evidence(view, made))
        own = _own_sigma(release, recorder, promised, noise=noise)
        told.append(pair_evidence(view, guessed, own, rng))
        progress.step()
    scores = sum(evidence[1:], evidence[0]).scores()
    ratios = sum(told[1:], told[0])
    alone = _area(ratios.alone, guessed)
    area = _area(ratios.seen, guessed) if masks else alone
    half = len(guessed) // 2
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
            pairs=len(guessed),
            auc=area,
            error=standard_error(area, half, half),
            server_auc=None if promised.secure != "none" and masks else alone,
        ),
        wire=_search(log, recorder, promised, progress, masks=masks),
        seconds=time.perf_counter() - started,
    )


def _kept(promised: Policy, *, noise: bool, masks: bool) -> Policy:
    """Return what the run really does of its promise."""
    kept = promised if noise else replace(promised, epsilon=None, delta=None)
    return kept if masks else replace(kept, secure="none")


def _train(
    log: Interactions,
    recipe: Recipe,
    policy: Policy,
    canaries: Canaries,
    *,
    seed: int,
    progress: Progress,
) -> Recorder:
    """Train on the users and the canaries that are included, and record all sums."""
    data = canaries.beside(log.block)
    names = [f"canary {number}" for number in np.flatnonzero(canaries.included)]
    clients = Clients.devices(
        pl.concat([log.users.cast(pl.String), pl.Series(names, dtype=pl.String)])
    )
    pipeline = Pipeline.of(
        policy, recipe.charges, clients, ledger=Ledger(), run="audit", account="audit", seed=seed
    )
    recorder = Recorder(pipeline)
    progress.stage("train", len(recipe.charges))
    with Serial(fold_of(data)) as workers:
        train(
            recipe,
            workers,
            log.catalog,
            clients,
            pipeline=recorder,
            seed=seed,
            on_round=progress.round,
        )
    return recorder


def _own_sigma(release: Recorded, recorder: Recorder, promised: Policy, *, noise: bool) -> float:
    """Return the noise that each client puts on its own term, where clients make the noise."""
    if not noise or promised.noise_by != "clients":
        return 0.0
    setting = setting_of(release, recorder, promised)
    return float(np.sqrt(setting.share.variance)) / setting.quantizer.scale


def _area(ratios: np.ndarray[tuple[int], np.dtype[np.float64]], pairs: Pairs) -> float:
    return area_under_curve(ratios[pairs.member], ratios[~pairs.member])


def _search(
    log: Interactions, recorder: Recorder, promised: Policy, progress: Progress, *, masks: bool
) -> WireResult:
    """Search the messages of the run's smallest sum; all sums pass the same protocol."""
    if promised.secure == "none":
        return WireResult()
    progress.stage("search", 1)
    policy = replace(recorder.policy, secure=promised.secure)
    smallest = min(recorder.releases, key=lambda release: release.step.schema.size)
    search = search_release(smallest, recorder, policy, names_of(log), masks=masks)
    progress.step()
    return WireResult(tuple(search.findings), search.found, search.messages, search.searched)


def _check(
    log: Interactions, policy: Policy, canaries: int, pairs: int, seed: int, *, masks: bool
) -> None:
    if policy.epsilon is None:
        raise ConfigError("An audit compares with a claim: give an epsilon.")
    if policy.unit != "user":
        raise ConfigError("The audit is of single users; leave the unit out.")
    if canaries < FEWEST_CANARIES:
        raise ConfigError(f"An audit takes at least {FEWEST_CANARIES} canaries.")
    if pairs < 2:
        raise ConfigError("An audit takes at least two pairs to guess.")
    if seed < 0:
        raise ConfigError("The seed must be 0 or more.")
    if not masks and policy.secure == "none":
        raise ConfigError("Sums that are not secured have no masks to leave out.")
    if len(log.users) < 2 or len(log.catalog) < 2:
        raise DataError("An audit takes at least two users and two items.")
