"""Which reports have been in a sum, in a database: all replicas of a server share one record."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, select

from hedgerow.server.storage.database import Database, insert_once, retried
from hedgerow.server.storage.tables import used_reports

MANY = 1000
"""How many reports one statement names."""


@dataclass(frozen=True)
class DatabaseUsedReports:
    """The used reports of one server, as one session sees them.

    A report that this session used does not count as used: a server that goes on with a session
    after a crash claims its reports once more.

    Parameters
    ----------
    database
        Where the record is kept.
    role
        Which server's: each of the two keeps its own.
    session
        The session that claims, in hexadecimal.
    """

    database: Database
    role: str
    session: str

    def __contains__(self, report: object) -> bool:
        """Return whether a report has been used in another session."""
        if not isinstance(report, bytes):
            return False
        query = select(used_reports.c.report).where(
            self._others(), used_reports.c.report == report.hex()
        )
        with self.database.read() as connection:
            return connection.execute(query).first() is not None

    def claim(self, reports: Collection[bytes]) -> bool:
        """Mark reports as used in this session, all or none, lastingly before it returns.

        Returns
        -------
        bool
            False, and nothing is marked, where one of them had been used in another session.
        """
        return retried(partial(self._claim, sorted(report.hex() for report in reports)))

    def _claim(self, reports: list[str]) -> bool:
        with self.database.write() as connection:
            for some in _chunks(reports):
                # Whoever claims one of them at the same time is waited for here, by its key; those
                # who wait go through the reports in one order, so that none waits for another.
                insert_once(connection, used_reports, [self._row(report) for report in some])
                query = select(used_reports.c.report).where(
                    self._others(), used_reports.c.report.in_(some)
                )
                if connection.execute(query).first() is not None:
                    connection.rollback()
                    return False
        return True

    def _row(self, report: str) -> dict[str, str]:
        return {"role": self.role, "report": report, "session": self.session}

    def _others(self) -> ColumnElement[bool]:
        return (used_reports.c.role == self.role) & (used_reports.c.session != self.session)


def _chunks(reports: list[str]) -> Iterator[list[str]]:
    for n in range(0, len(reports), MANY):
        yield reports[n : n + MANY]
