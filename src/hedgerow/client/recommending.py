"""Recommending where the history is: the public model, and what the client alone knows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hedgerow.client.consent import RECOMMEND
from hedgerow.client.history import OWN, Seen
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
        items = [seen.item for seen in self.history(user)]
        return self.model.recommend(items, k, repeats=repeats, among=among)

    def track(
        self,
        item: str,
        user: str = OWN,
        *,
        timestamp: int | None = None,
        weight: float | None = None,
        kind: str = "",
    ) -> Seen:
        """Record an interaction, which the next recommendation takes into account.

        Without a timestamp it is the user's latest, whatever the clock says.

        Raises
        ------
        DataError
            A value is outside its range.
        """
        if timestamp is None:
            latest = max((seen.timestamp for seen in self.history(user)[-1:]), default=0)
            timestamp = max(int(time.time()), latest)
        return self.store.history.append(item, timestamp, weight=weight, kind=kind, user=user)

    def history(self, user: str = OWN) -> list[Seen]:
        """Return a user's interactions, oldest first.

        In a silo, what was tracked follows what its data say, as far as these do not go beyond it:
        they will have taken it in.
        """
        told, tracked = self._told(user), self.store.history.of(user)
        if not told:
            return tracked
        last, known = told[-1].timestamp, {(seen.item, seen.timestamp) for seen in told}
        fresh = [
            seen
            for seen in tracked
            if seen.timestamp >= last and (seen.item, seen.timestamp) not in known
        ]
        return told + fresh

    def _told(self, user: str) -> list[Seen]:
        row = self._rows.get(user)
        if self.log is None or row is None:
            return []
        one = self.log.block[row : row + 1]
        ids = self.log.catalog.ids
        return [
            Seen(str(ids[int(item)]), int(stamp))
            for item, stamp in zip(one.items, one.timestamps, strict=True)
        ]

    @cached_property
    def _rows(self) -> dict[str, int]:
        users = self.log.users if self.log is not None else ()
        return {user: row for row, user in enumerate(users)}
