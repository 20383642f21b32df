"""What a model is: hyper-parameters, a state that grows round by round, and a scorer.

A *recipe* is a frozen set of hyper-parameters. It makes an initial *state* (named arrays, public),
and for each state the next *step*: a client side that turns a block into contributions, and a
server side that turns their total into the next state. A finished state gives a *scorer*, which
recommends from nothing but the public state and one history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.errors import ConfigError
from hedgerow.privacy.charges import Charge
from hedgerow.statistics import BYTES_PER_VALUE, Array, Contributions, Schema, Statistics

if TYPE_CHECKING:
    import polars as pl

    from hedgerow.models.expected import Expected

Scores = NDArray[np.float32]

MAX_PAIRED_ITEMS = 30_000
"""Models of item pairs hold items x items values; beyond this they would need over 3 GB."""


@dataclass(frozen=True)
class State:
    """What has been learned so far; everyone may see it, so it is broadcast as it is.

    Parameters
    ----------
    arrays
        Named arrays that clients need for their next step or for recommending.
    round
        Number of steps done.
    server
        Arrays that only the server's side of a step needs, such as momenta; never broadcast.
    """

    arrays: Mapping[str, Array] = field(default_factory=dict)
    round: int = 0
    server: Mapping[str, Array] = field(default_factory=dict)

    def then(self, arrays: Mapping[str, Array], server: Mapping[str, Array] | None = None) -> State:
        """Return the state after one more step."""
        return replace(self, arrays=arrays, round=self.round + 1, server=server or {})

    @property
    def nbytes(self) -> int:
        """What a client downloads, in bytes."""
        return sum(a.size for a in self.arrays.values()) * BYTES_PER_VALUE


Data_contra = TypeVar("Data_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Step(Protocol[Data_contra, Result_co]):
    """One federated computation: two pure functions around one sum."""

    @property
    def name(self) -> str:
        """What is being done, for people to read."""
        ...

    @property
    def additive(self) -> bool:
        """Whether each client takes part once and cohorts may be added up over several rounds.

        A step that improves on the last round's state is not additive: it works with whichever
        clients come.
        """
        ...

    @property
    def schema(self) -> Schema:
        """The public shape of a contribution."""
        ...

    def contributions(self, data: Data_contra) -> Contributions:
        """Client side: what a block's users have to say."""
        ...

    def update(self, total: Statistics) -> Result_co:
        """Server side: what follows from the sum."""
        ...


class Scorer(Protocol):
    """What recommends: a pure function of a public state and of histories."""

    def scores(self, histories: Block) -> Scores:
        """Return a score for every item, shape (users, items); higher is better."""
        ...


class Items(Protocol):
    """The public items, such as a `Catalog`, as far as a model looks at them beforehand."""

    def __hash__(self) -> int:
        """Tell them from others, as what follows from them may be kept."""
        ...

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    @property
    def features(self) -> pl.DataFrame:
        """One row per item; may have no column."""
        ...


class Recipe(Protocol):
    """A model family with its hyper-parameters: a frozen dataclass."""

    name: ClassVar[str]
    grid: ClassVar[Mapping[str, tuple[Any, ...]]]
    """The values worth trying for each hyper-parameter, for tuning on validation."""

    @property
    def charges(self) -> tuple[Charge, ...]:
        """What each step of training takes of a privacy budget, in order; one per step."""
        ...

    def start(self, catalog: Items, seed: int) -> State:
        """Return the state before any data was seen."""
        ...

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Return what the public arrays must look like after so many steps, all of them by name.

        Clients refuse any other state, and compute from none before they have looked.
        """
        ...

    def step(self, state: State) -> Step[Block, State] | None:
        """Return the next step, or None when training is done."""
        ...

    def scorer(self, state: State) -> Scorer:
        """Return what recommends from a state, finished or not."""
        ...

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Train as one would with all data in one place: the reference for the federation tax."""
        ...


def run_steps(recipe: Recipe, state: State, block: Block) -> State:
    """Take all steps that are left with everybody's data in one block."""
    while (step := recipe.step(state)) is not None:
        state = step.update(step.contributions(block).sum(np.ones(len(block))))
    return state


def check(condition: object, sentence: str) -> None:
    """Refuse a hyper-parameter with one clear sentence.

    Raises
    ------
    ConfigError
        The condition does not hold.
    """
    if not condition:
        raise ConfigError(sentence)


def check_pairs(catalog: Items, model: str) -> None:
    """Refuse a catalog too large for a model of item pairs."""
    check(
        len(catalog) <= MAX_PAIRED_ITEMS,
        f"The {model} model holds a number for each pair of items, too much for {len(catalog)} "
        "items; use als, sequence or factorization.",
    )
