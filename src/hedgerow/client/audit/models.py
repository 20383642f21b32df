"""Public models that a hostile coordinator might serve, to tell histories apart by what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Recipe, State
from hedgerow.models.file import ModelFile, names_of
from hedgerow.models.registry import MODELS, make
from hedgerow.statistics import Array

ITEMS = 12
"""In the catalog of hostile models."""

SMALL: Mapping[str, Any] = {
    "dimension": 6,
    "rounds": 3,
    "local_epochs": 3,
    "vector_rounds": 2,
    "dimensions": (4, 3),
    "decays": (0.7, 0.3),
    "fourier": 6,
    "resolution": 3,
}
"""Smaller values of whatever hyper-parameters a recipe has, to be quick."""

WRONG: Mapping[str, float] = {
    "no numbers": float("nan"),
    "infinite numbers": float("inf"),
    "huge numbers": -1e30,
    "numbers that are slow to compute with": 1e-40,
}


@dataclass(frozen=True)
class Served:
    """A public model.

    Parameters
    ----------
    what
        In few words.
    recipe
        Of the model.
    honest
        The state that it was made from, which tells how long terms are.
    body
        Its file.
    """

    what: str
    recipe: Recipe
    honest: State
    body: bytes


def catalog() -> Catalog:
    """Return the items of all hostile models."""
    ids = pl.Series([f"i{number}" for number in range(ITEMS)])
    return Catalog(ids, pl.DataFrame({"title": ids}))


def everything(users: int = 1) -> Block:
    """Return histories of users who have met every item, several times."""
    return Block.of([[number * 5 % ITEMS for number in range(4 * ITEMS)]] * users, ITEMS)


def recipes() -> list[Recipe]:
    """Return every recipe, small."""
    return [_small(make(name)) for name in MODELS]


def _small(recipe: Any) -> Any:
    """Return a recipe with small hyper-parameters, its components too."""
    values = {f.name: getattr(recipe, f.name) for f in fields(recipe)}
    changes = {name: value for name, value in SMALL.items() if name in values}
    for name, value in values.items():
        if isinstance(value, tuple) and value and type(value[0]) in MODELS.values():
            changes[name] = tuple(map(_small, value))
    return replace(recipe, **changes)


def learned(recipe: Recipe) -> State:
    """Return what a recipe has learned of a few people before its last step."""
    drawn = np.random.default_rng(0)
    block = Block.of([drawn.permutation(ITEMS)[:8].tolist() for _ in range(20)], ITEMS)
    state = before = recipe.start(catalog(), 0)
    while (step := recipe.step(state)) is not None:
        before, state = state, step.update(step.contributions(block).sum(np.ones(len(block))))
    return before


def spoilt(recipe: Recipe, state: State, folder: Path) -> Iterator[Served]:
    """Yield models from which no client should compute.

    Where numbers are wrong they are so for the first half of the items alone, of which one client
    has met all and another none.

    Parameters
    ----------
    recipe, state
        Of the models, and what it has learned.
    folder
        Where files are made.
    """

    def served(what: str, arrays: Mapping[str, Array], number: int = state.round) -> Served:
        return Served(what, recipe, state, _file(recipe, State(arrays, number), folder))

    floats = [name for name, array in state.arrays.items() if array.dtype.kind == "f"]
    for what, value in WRONG.items():
        for name in floats:
            array = np.array(state.arrays[name])
            array[: ITEMS // 2 if len(array) == ITEMS else None] = value
            yield served(f"{what} in {name}", {**state.arrays, name: array})
    longer = np.concatenate([state.arrays[floats[0]]] * 2)
    yield served("too many items", {**state.arrays, floats[0]: longer})
    yield served("too few arrays", {n: a for n, a in state.arrays.items() if n != floats[0]})
    yield served("a round that there is not", state.arrays, 10_000)


def extreme(recipe: Recipe, state: State, folder: Path) -> Iterator[Served]:
    """Yield an honest model, and one that is as far from it as clients accept.

    Parameters
    ----------
    recipe, state, folder
        As of `spoilt`.
    """
    yield Served("an honest model", recipe, state, _file(recipe, state, folder))
    arrays = dict(state.arrays)
    for name, expected in recipe.expects(ITEMS, state.round).items():
        if arrays[name].dtype.kind == "f":
            array = np.zeros_like(arrays[name])
            array[: ITEMS // 2 if len(array) == ITEMS else None] = expected.high
            arrays[name] = array
    yield Served(
        "the largest numbers", recipe, state, _file(recipe, State(arrays, state.round), folder)
    )


def _file(recipe: Recipe, state: State, folder: Path) -> bytes:
    path = folder / "model.safetensors"
    ModelFile(recipe, state, names_of(catalog())).write(path)
    return path.read_bytes()
