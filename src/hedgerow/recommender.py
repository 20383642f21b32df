"""Recommending: a trained public model and a catalog, applied to one history at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.errors import CheckpointError, ConfigError
from hedgerow.models.base import Recipe, Scorer, State
from hedgerow.models.file import ModelFile, names_of
from hedgerow.models.ranking import best


@dataclass(frozen=True)
class Recommendation:
    """An item for a user.

    Parameters
    ----------
    item_id, title
        What is recommended.
    score
        The model's score; only its order within one list means anything.
    rank
        From 1.
    """

    item_id: str
    title: str
    score: float
    rank: int


@dataclass(frozen=True)
class Recommender:
    """A trained model that recommends; it holds nothing of any person.

    Parameters
    ----------
    recipe
        The model and its hyper-parameters.
    state
        Its public arrays.
    catalog
        The items.
    """

    recipe: Recipe
    state: State
    catalog: Catalog

    @cached_property
    def scorer(self) -> Scorer:
        """What scores histories."""
        return self.recipe.scorer(self.state)

    def recommend(
        self,
        history: Sequence[Any],
        k: int = 10,
        *,
        repeats: bool = False,
        among: Iterable[Any] | None = None,
    ) -> list[Recommendation]:
        """Recommend to one person, from that person's history alone.

        Parameters
        ----------
        history
            Item ids, oldest first; may be empty. Items that the model does not know are left out.
        k
            How many recommendations; fewer are the beginning of more.
        repeats
            Whether items of the history may be recommended again.
        among
            Item ids to choose from, such as those in stock; all by default.

        Raises
        ------
        ConfigError
            ``k`` is below 1, or the history is a single text.
        DataError
            ``among`` names an unknown item.
        """
        return self.recommend_many([history], k, repeats=repeats, among=among)[0]

    def recommend_many(
        self,
        histories: Iterable[Sequence[Any]],
        k: int = 10,
        *,
        repeats: bool = False,
        among: Iterable[Any] | None = None,
    ) -> list[list[Recommendation]]:
        """Recommend to many at once.

        Parameters
        ----------
        histories
            One list of item ids per person, oldest first, as in :meth:`recommend`.
        k, repeats, among
            As in :meth:`recommend`.

        Raises
        ------
        ConfigError, DataError
            As in :meth:`recommend`.
        """
        if k < 1:
            raise ConfigError("Ask for at least one recommendation.")
        block = Block.of([self._known(history) for history in histories], len(self.catalog))
        scores = np.array(self.scorer.scores(block), np.float32)
        if not repeats:
            scores[block.rows, block.items] = -np.inf
        if among is not None:
            barred = np.ones(len(self.catalog), np.bool_)
            barred[self.catalog.known(among)] = False
            scores[:, barred] = -np.inf
        return [self._listed(row, best(row, k)) for row in scores]

    def _known(self, history: Sequence[Any]) -> list[int]:
        """Return the numbers of a history's items, but for those that the model does not know."""
        if isinstance(history, str):
            raise ConfigError("A history is a list of item ids, not one text.")
        numbers = self.catalog.numbers(history)
        known: list[int] = numbers[numbers >= 0].tolist()
        return known

    def _listed(self, scores: NDArray[Any], numbers: NDArray[Any]) -> list[Recommendation]:
        return [
            Recommendation(
                str(self.catalog.ids[int(i)]), self.catalog.title(int(i)), float(scores[i]), place
            )
            for place, i in enumerate(numbers, start=1)
            if np.isfinite(scores[i])
        ]

    def save(self, path: str | Path) -> None:
        """Write the model and the catalog's ids and titles to one safetensors file."""
        ModelFile(self.recipe, self.state, names_of(self.catalog)).write(Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Recommender:
        """Read a model that :meth:`save` wrote.

        Raises
        ------
        CheckpointError
            The file is missing, damaged, malformed or of another kind.
        """
        found = ModelFile.read(Path(path))
        ids, titles = found.ids, found.titles
        if len(ids) != len(titles):
            raise CheckpointError(f"{path} has {len(titles)} titles for {len(ids)} items.")
        features = pl.DataFrame({"title": pl.Series(titles, dtype=pl.String)})
        return cls(found.recipe, found.state, Catalog(pl.Series(ids, dtype=pl.String), features))
