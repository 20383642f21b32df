"""What lying clients put into a sum so that a model recommends the item that they push.

One function per model. It is given all that a well-informed liar knows, namely the public state and
everybody else's sum but for its noise, and yields terms worth trying, none longer than the liars
together may send; :func:`best_lie` rehearses each and keeps the one that puts the item before most
people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from lying_aims import Audience, aimed

from hedgerow.data.block import Block
from hedgerow.models.als import OBSERVED_CURVATURE, solve_users
from hedgerow.models.base import Recipe, State, Step
from hedgerow.models.denoising import counted, steadied
from hedgerow.models.private_sequence import FIRST_WEIGHT
from hedgerow.statistics import Array, Statistics

SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Of what may be sent, what is tried where more is not always better."""


@dataclass(frozen=True)
class Situation:
    """What liars know when they are asked for a term.

    Parameters
    ----------
    recipe, state, step
        What is asked for; public.
    honest
        Everybody else's sum, with a draw of the noise that the liars made themselves.
    audience
        To whom they push what.
    reach
        L2 norm of all that the liars together may send.
    """

    recipe: Recipe
    state: State
    step: Step[Block, State]
    honest: Statistics
    audience: Audience
    reach: float

    @property
    def target(self) -> int:
        """The item that is pushed."""
        return self.audience.target

    @cached_property
    def before(self) -> State:
        """The state that would come of honest terms alone."""
        return self.step.update(self.honest)

    def exposure(self, term: Statistics) -> float:
        """Return what a term would reach, 0 where the model could not be made of it."""
        try:
            state = self.step.update(self.honest + term)
        except (np.linalg.LinAlgError, ValueError):
            return 0.0
        return self.audience.exposure(self.recipe.scorer(state).scores(self.audience.histories))

    def lacking(self, state: State) -> Array:
        """Return how much the target lacks to be in each newcomer's list under a state."""
        return -self.audience.ahead(self.recipe.scorer(state).scores(self.audience.histories))

    def term(self, **arrays: Array) -> Statistics:
        """Return a term that is zero but for the arrays given."""
        return Statistics({**self.step.schema.zeros(), **arrays})

    def row(self, name: str, values: Any) -> Statistics:
        """Return a term that is zero but in the target's row of one array."""
        array = np.zeros(self.step.schema.fields[name].shape)
        array[self.target] = values
        return self.term(**{name: array})


def best_lie(situation: Situation) -> Statistics:
    """Return the term that reaches most newcomers, of those that are worth trying."""
    if not situation.reach:
        return situation.term()
    terms = list(LIES[situation.recipe.name](situation)) or [situation.term()]
    return terms[0] if len(terms) == 1 else max(terms, key=situation.exposure)


def count(situation: Situation) -> Iterator[Statistics]:
    """Put all into the target's count."""
    yield situation.row("counts", situation.reach)


def transitions(situation: Situation) -> Iterator[Statistics]:
    """Have the target follow the items that people met last; its rivals pay, so totals stay."""
    recipe, target, reach = situation.recipe, situation.target, situation.reach
    counts = situation.before.arrays["counts"].astype(np.float64)
    totals = np.maximum(counts.sum(1), 1) ** recipe.normalization
    histories = situation.audience.histories
    aged = histories.matrix(np.float32(recipe.decay) ** histories.ages.astype(np.float32))
    gains = (aged.toarray() / totals)[situation.audience.newcomers]
    column = aimed(gains, situation.lacking(situation.before), reach)
    pairs = np.zeros(counts.shape)
    pairs[:] = -column[:, None] / (len(column) - 1)
    pairs[:, target] = column
    for followed in (pairs, np.where(np.arange(len(column)) == target, pairs, 0)):
        yield situation.term(counts=followed * min(1, reach / np.linalg.norm(followed)))


def sequence(situation: Situation) -> Iterator[Statistics]:
    """Aim the target's row of the readout; counts and item vectors are left alone."""
    if "next" not in situation.step.schema.fields:
        return
    recipe, state, honest = situation.recipe, situation.state, situation.honest
    gram = steadied(honest["gram"].astype(np.float64), honest.noise)
    gram[np.diag_indices(len(gram))] += recipe.regularization
    features = recipe.features(state).at_end(situation.audience.histories)
    discount = (state.arrays["counts"][situation.target] + 1) ** -recipe.popularity_discount
    gains = discount * np.linalg.solve(gram, features[situation.audience.newcomers].T).T
    lacking = situation.lacking(situation.before)
    yield situation.row("next", aimed(gains, lacking, situation.reach))


def private_sequence(situation: Situation) -> Iterator[Statistics]:
    """Put all into the count, then aim the target's rows of both readouts."""
    if situation.state.round == 0:
        yield from count(situation)
        return
    state, histories = situation.state, situation.audience.histories
    vectors = state.arrays[f"vectors{state.round}"]
    aged = np.float32(situation.recipe.decay) ** histories.ages.astype(np.float32)
    states = np.asarray(histories.matrix(aged) @ vectors, np.float64)
    states /= np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-9)
    scale = np.sqrt(vectors.shape[1]) * (FIRST_WEIGHT if state.round == 1 else 1)
    scale *= (state.arrays["popularity"][situation.target] + 1) ** (
        -situation.recipe.popularity_discount
    )
    lacking = situation.lacking(situation.before)
    gains = scale * states[situation.audience.newcomers]
    yield situation.row("next", aimed(gains, lacking, situation.reach))


def als(situation: Situation) -> Iterator[Statistics]:
    """Move the target's vector to where users are, so far as the step on it goes.

    In the last round, which nothing undoes. Where noise hides what they may send, liars send all of
    it in all rounds: what is left of each adds up, and a rehearsal tells little.
    """
    hidden = situation.reach < 2 * situation.honest.noise
    if situation.state.round < situation.recipe.rounds - 1 and not hidden:
        return
    recipe, honest, target = situation.recipe, situation.honest, situation.target
    before = situation.before
    users = max(float(honest["users"]), 1.0)
    share = counted(honest["counts"].astype(np.float64), honest.noise)[target] / users
    spectrum, basis = np.linalg.eigh(steadied(honest["gram"].astype(np.float64), honest.noise))
    curvature = (recipe.unobserved + OBSERVED_CURVATURE * share) * spectrum.clip(0) / users
    curvature += recipe.regularization * (share + recipe.unobserved)
    tastes = solve_users(recipe, before.arrays["vectors"], situation.audience.histories).vectors
    gains = (tastes[situation.audience.newcomers] @ basis / curvature) @ basis.T / users
    lacking = situation.lacking(before)
    for part in SHARES[:1] if hidden else SHARES:
        yield situation.row("residual", aimed(gains, lacking, part * situation.reach))


def item_item(situation: Situation) -> Iterator[Statistics]:
    """Aim the target's column of the Gram matrix; its own count keeps the matrix definite."""
    recipe, target, honest = situation.recipe, situation.target, situation.honest
    gram = steadied(honest["gram"].astype(np.float64), honest.noise)
    others = np.delete(np.arange(len(gram)), target)
    rest = gram[np.ix_(others, others)] + recipe.regularization * np.eye(len(others))
    histories = situation.audience.histories
    aged = histories.matrix(np.float32(recipe.decay) ** histories.ages.astype(np.float32))
    wanted = aged.toarray()[situation.audience.newcomers][:, others].T.astype(np.float64)
    gains = scipy.linalg.cho_solve(scipy.linalg.cho_factor(rest), wanted).T
    lacking = situation.lacking(situation.before)
    for part in SHARES[::2]:
        column = aimed(gains, lacking, part * situation.reach)
        pairs = np.zeros(gram.shape)
        pairs[target, others] = pairs[others, target] = column
        pairs[target, target] = np.sqrt(max(situation.reach**2 - column @ column, 0))
        yield situation.term(gram=pairs)


LIES: Mapping[str, Callable[[Any], Iterator[Statistics]]] = {
    "popularity": count,
    "transitions": transitions,
    "sequence": sequence,
    "private_sequence": private_sequence,
    "als": als,
    "item_item": item_item,
}
"""By the name of the model."""
