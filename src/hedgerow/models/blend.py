"""A blend of models whose weights are fitted by one sum on what clients hold out themselves.

Dense data favour the sequence model, sparse catalogues transitions or the decayed item_item; the
blend finds out. Its components are trained without each user's last interaction, every client then
judges a public grid of weights on it, and with the best weights the components are trained again
on everything.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold, LastOut
from hedgerow.models.base import Items, Recipe, Scorer, Scores, State, Step, check, run_steps
from hedgerow.models.expected import Expected, prefixed
from hedgerow.models.item_item import ItemItem
from hedgerow.models.limits import CANDIDATES, COMPONENTS, at_most
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions
from hedgerow.privacy.charges import Charge
from hedgerow.statistics import Array, Contributions, Field, Rows, Schema, Statistics

CHUNK = 1 << 23
"""Scores held at a time: 32 MB."""

INITIAL = "initial"
"""Under this name the server keeps the components' initial states."""

CUT = 10
"""The NDCG that the weights maximise looks at so many recommendations."""


@dataclass(frozen=True)
class Blend:
    """A weighted sum of standardised scores.

    Parameters
    ----------
    components
        The models that are blended.
    resolution
        Weights are multiples of 1 / resolution and add up to 1.
    repeats
        Whether recommending what a user has met before is judged, too.
    """

    components: tuple[Recipe, ...] = (Sequence(), Transitions(), ItemItem())
    resolution: int = 10
    repeats: bool = False

    name: ClassVar[str] = "blend"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    def __post_init__(self) -> None:
        check(len(self.components) >= 2, "A blend needs at least two components.")
        nested = any(isinstance(component, Blend) for component in self.components)
        check(not nested, "A blend cannot have a blend among its components.")
        check(1 <= self.resolution <= 20, "The blend's resolution must lie between 1 and 20.")
        n = len(self.components)
        at_most(COMPONENTS, n, "number of components")
        tried = math.comb(self.resolution + n - 1, n - 1)
        at_most(CANDIDATES, tried, "number of weights that a blend tries")

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Train every component twice, and weigh them once."""
        once = tuple(
            replace(charge, kind=f"{number}/{charge.kind}" if charge.kind else "")
            for number, component in enumerate(self.components)
            for charge in component.charges
        )
        return (*once, Charge(), *once)

    @property
    def candidates(self) -> Array:
        """The grid of weights, shape (candidates, components)."""
        steps, n = self.resolution, len(self.components)
        bars = itertools.combinations(range(steps + n - 1), n - 1)
        parts = [np.diff([-1, *bar, steps + n - 1]) - 1 for bar in bars]
        return np.asarray(parts, np.float32) / np.float32(steps)

    def start(self, catalog: Items, seed: int) -> State:
        """Return the components' initial states, side by side.

        The server keeps them, for the components start twice.
        """
        arrays: dict[str, Array] = {}
        for number, component in enumerate(self.components):
            arrays |= _prefixed(number, component.start(catalog, seed).arrays)
        return State(arrays, server=_prefixed(INITIAL, arrays))

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect what each component does, and the weights once they are fitted."""
        arrays: dict[str, Expected] = {}
        weighed = sum(len(component.charges) for component in self.components) + 1
        done = round_number % weighed
        for number, component in enumerate(self.components):
            own = min(done, len(component.charges))
            arrays |= prefixed(str(number), component.expects(items, own))
            done -= own
        if round_number >= weighed:
            arrays["weights"] = Expected((len(self.components),), 0, 1)
        return arrays

    def step(self, state: State) -> Step[Block, State] | None:
        """Find whose turn it is."""
        for turn in self._turns():
            if state.round < turn.stop:
                return self._take(state, turn)
        return None

    def _turns(self) -> Iterator[_Turn]:
        stop = 0
        for held_out in (True, False):
            for number, component in enumerate(self.components):
                start, stop = stop, stop + len(component.charges)
                yield _Turn(start, stop, number, held_out=held_out)
            if held_out:
                stop += 1
                yield _Turn(stop - 1, stop, None, held_out=held_out)

    def _take(self, state: State, turn: _Turn) -> Step[Block, State]:
        if turn.component is None:
            return WeighComponents(self, state)
        inner = self.components[turn.component].step(self._of(state, turn.component, turn.start))
        if inner is None:
            raise ValueError(f"component {turn.component} takes fewer steps than it planned")
        return ComponentStep(state, turn.component, inner, turn.held_out)

    def _of(self, state: State, number: int, start: int = 0) -> State:
        """Return one component's own state."""
        arrays = _picked(number, state.arrays)
        return State(arrays, state.round - start, _picked(number, state.server))

    def scorer(self, state: State) -> Blended:
        """Score by the weighted sum; by equal weights before they are fitted."""
        n = len(self.components)
        weights = state.arrays.get("weights", np.full(n, 1 / n, np.float32))
        scorers = tuple(c.scorer(self._of(state, i)) for i, c in enumerate(self.components))
        return Blended(scorers, weights, self.repeats)

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Take the same steps in one place."""
        return run_steps(self, self.start(catalog, seed), block)


@dataclass(frozen=True)
class _Turn:
    start: int
    stop: int
    component: int | None
    held_out: bool


def _prefixed(number: int | str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{number}/{name}": array for name, array in arrays.items()}


def _picked(number: int | str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    prefix = f"{number}/"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


@dataclass(frozen=True)
class ComponentStep:
    """A step of one component, as a step of the blend."""

    state: State
    number: int
    inner: Step[Block, State]
    held_out: bool

    @property
    def name(self) -> str:
        """Say whose step it is."""
        return f"component {self.number + 1}: {self.inner.name}"

    @property
    def additive(self) -> bool:
        """As the component's own."""
        return self.inner.additive

    @property
    def schema(self) -> Schema:
        """As the component's own."""
        return self.inner.schema

    def contributions(self, data: Block) -> Contributions:
        """Contribute to the component, at first without each user's last interaction."""
        return self.inner.contributions(LastOut().test(data).history if self.held_out else data)

    def update(self, total: Statistics) -> State:
        """Put the component's new state in its place."""
        new = self.inner.update(total)
        kept = {k: v for k, v in self.state.arrays.items() if not k.startswith(f"{self.number}/")}
        initial = _prefixed(INITIAL, _picked(INITIAL, self.state.server))
        return self.state.then(
            kept | _prefixed(self.number, new.arrays),
            initial | _prefixed(self.number, new.server),
        )


@dataclass(frozen=True)
class WeighComponents:
    """Judge the grid of weights on each user's last interaction."""

    recipe: Blend
    state: State
    name: ClassVar[str] = "weigh the components"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One NDCG per candidate."""
        return Schema({"ndcg": Field((len(self.recipe.candidates),))})

    def contributions(self, data: Block) -> Contributions:
        """Each user's NDCG under each candidate."""
        blended = self.recipe.scorer(self.state)
        fold = LastOut().test(data)
        judged = np.flatnonzero(fold.targets.lengths > 0)
        gains = np.zeros((len(data), len(self.recipe.candidates)))
        step = max(1, CHUNK // (data.n_items * len(self.recipe.candidates)))
        for start in range(0, len(judged), step):
            users = judged[start : start + step]
            gains[users] = _gains(blended, self.recipe.candidates, fold.take(users))
        return Rows(self.schema, gains)

    def update(self, total: Statistics) -> State:
        """Keep the best weights, and set the components back to their start."""
        best = self.recipe.candidates[int(np.argmax(total["ndcg"]))]
        return self.state.then({**_picked(INITIAL, self.state.server), "weights": best})


def _gains(blended: Blended, candidates: Array, fold: Fold) -> Array:
    """Return NDCG per user and candidate; a tie counts against the candidate."""
    standard = np.stack(blended.standardised(fold.history))
    n, m = standard.shape[1:]
    scores = (candidates @ standard.reshape(len(standard), -1)).reshape(-1, n, m)
    if not blended.repeats:
        scores[:, fold.history.rows, fold.history.items] = -np.inf
    target = scores[:, np.arange(n), fold.targets.items]
    ranks = np.count_nonzero(scores >= target[:, :, None], axis=2)
    return np.where(ranks <= CUT, 1 / np.log2(ranks + 1.0), 0).T


@dataclass(frozen=True)
class Blended:
    """The weighted sum of several scorers' standardised scores."""

    scorers: tuple[Scorer, ...]
    weights: Array
    repeats: bool

    def standardised(self, histories: Block) -> list[Scores]:
        """Return each scorer's scores with mean 0 and deviation 1 over a user's candidates."""
        fresh = np.ones((len(histories), histories.n_items), np.bool_)
        if not self.repeats:
            fresh[histories.rows, histories.items] = False
        count = np.maximum(fresh.sum(1, keepdims=True), 1)
        results = []
        for scorer in self.scorers:
            scores = scorer.scores(histories)
            mean = np.where(fresh, scores, 0).sum(1, keepdims=True) / count
            centred = scores - mean
            variance = (np.where(fresh, centred, 0) ** 2).sum(1, keepdims=True) / count
            results.append(np.asarray(centred / (np.sqrt(variance) + 1e-9), np.float32))
        return results

    def scores(self, histories: Block) -> Scores:
        """Add up the standardised scores."""
        result = np.zeros((len(histories), histories.n_items), np.float32)
        for weight, scores in zip(self.weights, self.standardised(histories), strict=True):
            result += weight * scores
        return result
