"""Which reports have been in a sum: each is in one at most, whatever restarts or is replayed.

Two sums over sets that differ by one client would give away that client, so each server keeps its
own record, which outlives sessions. A server that runs for real keeps it in a database.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class UsedReports(Protocol):
    """A lasting set of the identifiers of reports that have been summed."""

    def __contains__(self, report: object) -> bool:
        """Return whether a report has been used."""
        ...

    def claim(self, reports: Collection[bytes]) -> bool:
        """Mark reports as used, all or none, lastingly before it returns.

        Returns
        -------
        bool
            False, and nothing is marked, where one of them had been used before.
        """
        ...


class UsedInMemory:
    """Used reports for simulations and tests: forgotten when the process ends."""

    def __init__(self) -> None:
        self._used: set[bytes] = set()

    def __contains__(self, report: object) -> bool:
        return report in self._used

    def claim(self, reports: Collection[bytes]) -> bool:
        """Mark reports as used, all or none."""
        if not self._used.isdisjoint(reports):
            return False
        self._used.update(reports)
        return True
