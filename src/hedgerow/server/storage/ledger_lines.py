"""The privacy ledger's lines in a database, to which several replicas may write."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from hedgerow.server.storage.database import Database, insert_once, retried
from hedgerow.server.storage.tables import ledger_lines


@dataclass(frozen=True)
class DatabaseLines:
    """The lines of a ledger as rows of a table, in the order of their numbers."""

    database: Database

    @property
    def place(self) -> str:
        """Where the lines are, for people."""
        return f"the database {self.database.engine.url}"

    def read(self) -> list[bytes]:
        """Return all lines, each with its end."""
        query = select(ledger_lines.c.line).order_by(ledger_lines.c.number)
        with self.database.read() as connection:
            return [bytes(line) for line in connection.scalars(query)]

    def append(self, line: bytes, after: int) -> bool:
        """Add a line, lastingly before it returns; False where there are not ``after`` lines."""
        return retried(partial(self._append, line, after))

    def _append(self, line: bytes, after: int) -> bool:
        with self.database.write() as connection:
            query = select(func.count(), func.max(ledger_lines.c.number))
            count, newest = connection.execute(query).one()
            if count != after:
                return False
            # Of two that find the same newest line, the key lets one in.
            row = {"number": (newest or 0) + 1, "line": line}
            return bool(insert_once(connection, ledger_lines, [row]))
