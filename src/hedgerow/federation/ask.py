"""The ask: all that a client is told of a sum, from which both sides derive the same step.

The simulator has everything at hand; over a network this is what the coordinator publishes for a
round, and a hash of it is in the name of the secured sum.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hedgerow.data.split import Fold
from hedgerow.errors import ConfigError
from hedgerow.evaluation.quality import MeasureQuality
from hedgerow.federation.bounding import MeasureNorms
from hedgerow.federation.charging import QUANTILE
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.setting import Noise, Setting
from hedgerow.models.base import Recipe, State, Step
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.secure.session import Terms

STEP, NORMS, EVALUATION = "step", "norms", "evaluation"

LONGEST_LIST = 1000
"""Recommendations by which quality is measured, at most."""


@dataclass(frozen=True)
class Ask:
    """One sum that clients are asked for.

    Parameters
    ----------
    task
        The name of what is learned.
    purpose
        ``step`` (training), ``norms`` (finding a clip) or ``evaluation``.
    recipe
        The model's name, for a client to decide by; its parts come with the state.
    delta
        Of the promise; 0 without one.
    k, repeats
        How an evaluation ranks.
    held_out
        Whether clients keep each user's last interaction from training, to measure quality by.
    setting
        How terms become integers; its ``model`` is the SHA-256 of the file that holds the state.
    """

    task: str
    purpose: str
    recipe: str
    delta: float
    k: int
    repeats: bool
    held_out: bool
    setting: Setting

    @property
    def policy(self) -> Policy:
        """What the run promises."""
        return self.setting.policy

    @property
    def noise(self) -> Noise:
        """What the promise takes."""
        return self.setting.noise

    @property
    def release(self) -> str:
        """The name under which the sum is charged, and under which a client answers once."""
        return self.setting.noise.name

    @property
    def run(self) -> str:
        """The run that the sum belongs to."""
        return run_of(self.release)

    def step(self, recipe: Recipe, state: State) -> Step[Fold, Any]:
        """Return the step that is asked for, from the public model that the setting names."""
        return step_of(
            recipe,
            state,
            self.purpose,
            private=self.policy.private,
            k=self.k,
            repeats=self.repeats,
        )

    def terms(self, attempt: int) -> Terms:
        """Return what the parties to the secured sum agree on.

        Raises
        ------
        ConfigError
            So few clients cannot keep what the policy promises.
        """
        return self.setting.terms(self.release, attempt, self.to_json().encode())

    def to_json(self) -> str:
        """Return the ask as canonical JSON."""
        values = asdict(self)
        values["setting"]["model"] = self.setting.model.hex()
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Ask:
        """Read an ask.

        Raises
        ------
        ConfigError
            It is not of the form that :meth:`to_json` gives.
        """
        try:
            values = json.loads(text)
            setting = _setting(values.pop("setting"))
            ask = cls(setting=setting, **values)
            whole = ask.to_json() == (text if isinstance(text, str) else text.decode())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ConfigError(f"What the coordinator asks for cannot be read: {error}.") from error
        if not whole:
            raise ConfigError("What the coordinator asks for is not in its canonical form.")
        return ask


def run_of(release: str) -> str:
    """Return the run that a release is named after: ``task/0`` of ``task/0/2/norms``.

    A further attempt, ``task/0/2~1``, is of a run of its own, ``task/0~1``: the sum that is said to
    have failed may have been opened nevertheless.
    """
    name, _, attempt = release.partition("~")
    run = "/".join(name.split("/")[:2])
    return f"{run}~{attempt}" if attempt else run


def _setting(values: Mapping[str, Any]) -> Setting:
    parts = dict(values)
    return Setting(
        policy=Policy.from_json(parts.pop("policy")),
        noise=Noise(**parts.pop("noise")),
        quantizer=Quantizer(**parts.pop("quantizer")),
        model=bytes.fromhex(parts.pop("model")),
        **parts,
    )


def step_of(
    recipe: Recipe, state: State, purpose: str, *, private: bool, k: int, repeats: bool
) -> Step[Fold, Any]:
    """Return the step that is asked for, with the public state as it is.

    Parameters
    ----------
    recipe, state
        The model so far.
    purpose
        As of `Ask`.
    private
        Whether epsilon is promised, so that a clip is found among most terms and not all.
    k, repeats
        As of `Ask`.

    Raises
    ------
    ConfigError
        Training is done, or the purpose is unknown.
    """
    if purpose == EVALUATION:
        return MeasureQuality(recipe.scorer(state), k, repeats)
    step = recipe.step(state)
    if step is None or purpose not in {STEP, NORMS}:
        raise ConfigError(f"There is nothing to do for {purpose!r}; the model is finished.")
    if purpose == STEP:
        return OnHistory(step)
    return MeasureNorms(OnHistory(step), QUANTILE if private else 1.0)
