"""A task and its policy as JSON has them, with bounds on everything that can be bounded."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from hedgerow.privacy.policy import MOST_CLIENTS
from hedgerow.server.routes.shapes import SLUG, Hex32, Strict
from hedgerow.server.tasks.task import Task

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]
Word = Annotated[str, Field(max_length=100)]

Hyper = TypeAliasType(
    "Hyper",
    "bool | Whole | Number | Word | Annotated[list[Hyper], Field(max_length=64)] | RecipeBody",
)
"""A hyper-parameter; a model of models has these as parts."""

Options = Annotated[dict[Word, Hyper], Field(max_length=64)]


class RecipeBody(Strict):
    """A model inside a model, and its hyper-parameters."""

    model: Word
    options: Options = Field(default_factory=dict)


class PolicyBody(Strict):
    """What is promised, see `hedgerow.privacy.policy.Policy`; over a network sums are secured."""

    epsilon: Annotated[float, Field(ge=1e-4, le=1e6)] | None = None
    delta: Annotated[float, Field(gt=0, lt=1)] | None = None
    secure: Literal["pairwise", "split"]
    unit: Literal["user", "silo"] = "user"
    clients_per_person: Annotated[int, Field(ge=1, le=MOST_CLIENTS)] = 1
    clip: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    minimum: Annotated[int, Field(ge=2, lt=2**31)] = 20
    adversaries: Share = 0.2
    dropouts: Share = 0.1
    semi_malicious: bool = True


class TaskBody(Strict):
    """What is to be learned, see `hedgerow.server.tasks.task.Task`.

    Repeatable noise is for rehearsals on the coordinator's own host and is not asked for here:
    whoever knows its seed can take the noise away.
    """

    name: Annotated[str, Field(pattern=SLUG)]
    model: Word
    catalog: Hex32
    policy: PolicyBody
    options: Options = Field(default_factory=dict)
    clients: Annotated[int, Field(ge=0, lt=2**31)] = 0
    over_selection: Annotated[float, Field(ge=1, le=10)] = 1.3
    gather_seconds: Seconds = 60.0
    phase_seconds: Seconds = 60.0
    measure: Literal["none", "end", "every"] = "end"
    k: Annotated[int, Field(ge=1, le=1000)] = 10
    repeats: bool = False
    runs: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    schedule: Annotated[str, Field(min_length=1, max_length=100)] = "once"
    attempts: Annotated[int, Field(ge=1, le=100)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def task(self) -> Task:
        """Return the task.

        Raises
        ------
        ConfigError
            Its parts do not fit each other, or the model.
        """
        return Task.from_json(self.model_dump_json())

    @classmethod
    def of(cls, task: Task) -> TaskBody:
        """Return a task's body."""
        values: dict[str, Any] = json.loads(task.to_json())
        del values["noise_seed"]
        return cls.model_validate_json(json.dumps(values))
