"""What a client knows of its users: its own data, and what was tracked since."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

from hedgerow.client.history import OWN, Seen
from hedgerow.client.store import Store
from hedgerow.data.interactions import Interactions


@dataclass(frozen=True)
class Known:
    """Histories of a client's users, with or without a model to recommend from.

    Parameters
    ----------
    store
        Interactions tracked here.
    log
        A silo's own data, as last read; None on a device.
    """

    store: Store
    log: Interactions | None = None

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
        ConfigError
            The user has opted out.
        DataError
            A value is outside its range.
        """
        self.store.opt_outs.check(user)
        if timestamp is None:
            latest = max((seen.timestamp for seen in self.history(user)[-1:]), default=0)
            timestamp = max(int(time.time()), latest)
        return self.store.history.append(item, timestamp, weight=weight, kind=kind, user=user)

    def history(self, user: str = OWN) -> list[Seen]:
        """Return a user's interactions, oldest first; of who has opted out there are none.

        In a silo, what was tracked follows what its data say, as far as these do not go beyond it:
        they will have taken it in.
        """
        if user in self.store.opt_outs.people():
            return []
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
