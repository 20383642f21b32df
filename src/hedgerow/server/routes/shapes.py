"""What the operators' routes have in common: strict bodies, names, pages, and what is not there."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

SLUG = "^[a-z0-9][a-z0-9-]{0,62}$"

Hex32: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Id: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Name: TypeAlias = Annotated[str, Path(pattern=SLUG)]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Every: TypeAlias = Annotated[int, Query(ge=1, le=100_000, description="Of so many, one is shown.")]
Offset: TypeAlias = Annotated[int, Query(ge=0, lt=2**31, description="How many to leave out.")]


class Strict(BaseModel):
    """A body in which nothing is left over, and nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DoneOut(Strict):
    """What was changed."""

    changed: str
