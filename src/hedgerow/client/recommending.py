"""Recommending where the history is: the public model, and what the client alone knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hedgerow.client.consent import RECOMMEND
from hedgerow.client.history import OWN
from hedgerow.client.known import Known
from hedgerow.client.store import Store
from hedgerow.data.interactions import Interactions
from hedgerow.recommender import Recommendation, Recommender


@dataclass(frozen=True)
class LocalRecommender:
    """A model with this client's histories; nothing leaves the client.

    Parameters
    ----------
    model
        The live public model.
    store
        Interactions tracked here, and consent.
    log
        A silo's own data, as last read; None on a device.
    """

    model: Recommender
    store: Store
    log: Interactions | None = None

    @classmethod
    def load(cls, path: Path, store: Store, log: Interactions | None = None) -> Self:
        """Read the model from a file that is kept.

        Raises
        ------
        CheckpointError
            The file is missing or damaged.
        """
        return cls(Recommender.load(path), store, log)

    def recommend(
        self,
        user: str = OWN,
        k: int = 10,
        *,
        repeats: bool = False,
        among: Iterable[Any] | None = None,
    ) -> list[Recommendation]:
        """Recommend to a user from all that is known of them here, the latest included.

        Parameters
        ----------
        user
            Of a silo; whoever is not known there has an empty history.
        k, repeats, among
            As of `Recommender.recommend`.

        Raises
        ------
        ProtocolError
            ``no-consent``.
        ConfigError, DataError
            As of `Recommender.recommend`.
        """
        self.store.consents.now().require(RECOMMEND)
        items = [seen.item for seen in self.known.history(user)]
        return self.model.recommend(items, k, repeats=repeats, among=among)

    @cached_property
    def known(self) -> Known:
        """The histories."""
        return Known(self.store, self.log)
