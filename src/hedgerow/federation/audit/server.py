"""What the servers of secured sums know beyond what is published."""

from __future__ import annotations

import math

from hedgerow.federation.audit.attacks import View
from hedgerow.federation.audit.recording import UNCLIPPED, Recorded, Recorder
from hedgerow.federation.setting import SERVERS, Noise, Setting, stream_of
from hedgerow.privacy import gaussian
from hedgerow.privacy.policy import Policy


def noise_of(release: Recorded, recorder: Recorder) -> Noise:
    """Return the noise that a recorded release was planned with.

    A bound that the run had no need of, because nothing is promised, is that of the longest term.
    """
    pipeline, bound = recorder.pipeline, release.bound
    if bound == UNCLIPPED:
        executor = release.group.executor
        bound = float(release.step.contributions(executor.data).norms().max())
    planned = pipeline.plan.steps[release.number]
    return Noise(f"{pipeline.run}/{release.number}", bound, planned.multiplier)


def setting_of(release: Recorded, recorder: Recorder, policy: Policy) -> Setting:
    """Return how a release's terms become integers under a policy of secured sums."""
    noise, size = noise_of(release, recorder), release.step.schema.size
    counts = [release.group.counts(cohort, policy.unit) for cohort in release.group.cohorts]
    return Setting.of(policy, noise, size, counts, release.model)


def curious_view(release: Recorded, recorder: Recorder) -> View:
    """Return a release as the party sees it that knows most.

    Of two servers, each knows the noise that it has added itself, so that of the other is all
    that hides anything from it.
    """
    policy = recorder.policy
    if policy.secure != "split" or not policy.private:
        return View.of(release)
    setting = setting_of(release, recorder, policy)
    own = sum(
        gaussian.integers(
            stream_of(recorder.pipeline.seed, setting.noise.name, SERVERS[0], number),
            setting.quantizer.size,
            setting.deviation,
        )
        for number, _ in enumerate(release.group.of_at_least(policy.minimum).cohorts)
    )
    left = math.sqrt(setting.deviation**2 + setting.units / 4) / setting.quantizer.scale
    return View(release, release.values - own / setting.quantizer.scale, left)
