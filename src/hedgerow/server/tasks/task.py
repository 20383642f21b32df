"""A task: what is to be learned, from whom, under which promise, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from hedgerow.errors import ConfigError
from hedgerow.evaluation.quality import BOUND
from hedgerow.federation.ask import LONGEST_LIST
from hedgerow.models.base import Recipe
from hedgerow.models.expected import SEED
from hedgerow.models.registry import make
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.policy import Policy

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

MEASURED = ("none", "end", "every")

MEASURE_SHARE = 0.1
"""What all evaluations of a run together take of its budget."""


@dataclass(frozen=True)
class Task:
    """One model that a federation learns.

    Parameters
    ----------
    name
        Lower-case letters, digits and hyphens; part of the names under which privacy is charged.
    model, options
        Of the recipe, see `hedgerow.models.registry`.
    catalog
        Hash of the public items.
    policy
        What is promised; its epsilon is for all runs together, its sums are secured.
    clients
        How many take part in a sum; 0 asks everyone who is enrolled.
    over_selection
        So many times as many are asked, as some will vanish.
    gather_seconds
        How long a round waits for clients to come.
    phase_seconds
        How long each phase waits for the answers of those who came.
    measure
        When quality is measured: ``none``, at the ``end`` of a run, or after ``every`` step.
    k, repeats
        How quality is measured, and whether items of the history may be recommended.
    runs
        How many runs share the budget.
    schedule
        ``once``, ``continuous`` (a run after the other) or a cron expression of five fields, UTC.
    attempts
        How often a sum is tried before the run fails.
    seed
        For initial vectors and local draws.
    noise_seed
        Makes noise and rounding repeatable, for tests and rehearsals only; None takes them from
        secrets.
    """

    name: str
    model: str
    catalog: str
    policy: Policy
    options: Mapping[str, Any] = field(default_factory=dict)
    clients: int = 0
    over_selection: float = 1.3
    gather_seconds: float = 60.0
    phase_seconds: float = 60.0
    measure: str = "end"
    k: int = 10
    repeats: bool = False
    runs: int = 1
    schedule: str = "once"
    attempts: int = 5
    seed: int = 0
    noise_seed: str | None = None

    def __post_init__(self) -> None:
        _check(NAME.fullmatch(self.name), "A task's name has a-z, 0-9 and hyphens, at most 63.")
        _check(
            self.policy.secure in {"pairwise", "split"},
            "Over a network sums are secured: let the policy say pairwise or split.",
        )
        _check(self.clients >= 0, "The number of clients in a sum is 0 (all) or more.")
        _check(1 <= self.over_selection <= 10, "Over-selection lies between 1 and 10.")
        for seconds in (self.gather_seconds, self.phase_seconds):
            _check(0 < seconds <= 7 * 86_400, "Deadlines lie between 0 seconds and a week.")
        _check(self.measure in MEASURED, f"Quality is measured {', '.join(MEASURED)}.")
        _check(
            1 <= self.k <= LONGEST_LIST, f"The length of lists lies between 1 and {LONGEST_LIST}."
        )
        _check(1 <= self.runs <= 1_000_000, "The number of runs is at least 1.")
        _check(1 <= self.attempts <= 100, "The number of attempts lies between 1 and 100.")
        _check(0 <= self.seed <= SEED, f"The seed lies between 0 and {SEED}.")
        self.recipe  # noqa: B018 - refuses unknown models and options

    @property
    def recipe(self) -> Recipe:
        """The model and its hyper-parameters."""
        return make(self.model, self.options)

    @property
    def evaluations(self) -> int:
        """How many sums of a run measure quality."""
        return {"none": 0, "end": 1, "every": len(self.recipe.charges)}[self.measure]

    @property
    def charges(self) -> tuple[Charge, ...]:
        """What a run's sums ask for: its steps, then its evaluations."""
        steps, count = self.recipe.charges, self.evaluations
        if not count:
            return steps
        whole = sum(charge.share for charge in steps)
        each = whole * MEASURE_SHARE / (1 - MEASURE_SHARE) / count
        return (*steps, *[Charge(each, BOUND, "quality")] * count)

    def to_json(self) -> str:
        """Return the task as JSON; :meth:`from_json` gives it again."""
        return json.dumps({**asdict(self), "policy": self.policy.to_json()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Task:
        """Read a task, whose parts may be left out where they have a default.

        Raises
        ------
        ConfigError
            A part is missing, unknown or does not fit.
        """
        try:
            values = json.loads(text)
            policy = {**Policy().to_json(), **values.pop("policy")}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                "A task is a JSON object with at least name, model, catalog and policy."
            ) from error
        known = {f.name for f in fields(cls)}
        odd = sorted(set(values) - known)
        _check(not odd, f"A task has no part {', '.join(odd)}.")
        for f in fields(cls):
            if f.name in values:
                _check_type(f.name, str(f.type), values[f.name])
        try:
            return cls(policy=Policy.from_json(policy), **values)
        except TypeError as error:
            raise ConfigError(f"The task does not fit: {error}.") from error


_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str | None": (str, type(None)),
    "Mapping[str, Any]": (dict,),
}


def _check_type(name: str, kind: str, value: object) -> None:
    fits = isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))
    _check(fits, f"The part {name} of a task does not fit: {str(value)[:40]!r}.")


def _check(condition: object, sentence: str) -> None:
    if not condition:
        raise ConfigError(sentence)
