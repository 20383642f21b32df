"""Opting out: people of a silo whose interactions are in nothing that the silo does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hedgerow.client.database import Clock, LocalDatabase
from hedgerow.client.sources import Source
from hedgerow.data.interactions import Interactions
from hedgerow.data.validation import LONGEST_ID
from hedgerow.errors import ConfigError


class OptOuts:
    """Who has opted out, since when.

    Parameters
    ----------
    database
        Where they are. It is asked anew each time, so that a decision takes effect at once, also
        one from another process.
    clock
        Gives the time.
    """

    def __init__(self, database: LocalDatabase, clock: Clock = time.time) -> None:
        self._database, self._clock = database, clock

    def add(self, person: str) -> None:
        """Leave a person out from now on, and erase what was tracked of them here.

        Raises
        ------
        ConfigError
            It is no id.
        """
        if not person.strip() or len(person) > LONGEST_ID:
            raise ConfigError(f"Name a person by an id of 1 to {LONGEST_ID} characters.")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO opted_out (user, at) VALUES (?, ?)",
                (person, self._clock()),
            )
            connection.execute("DELETE FROM interactions WHERE user = ?", (person,))

    def remove(self, person: str) -> None:
        """Take a person in again."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM opted_out WHERE user = ?", (person,))

    def people(self) -> Mapping[str, float]:
        """Return who has opted out, and when, in seconds since 1970."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT user, at FROM opted_out ORDER BY at, user").fetchall()
        return dict(rows)

    def check(self, person: str) -> None:
        """Refuse to do anything with a person who has opted out.

        Raises
        ------
        ConfigError
            This one has.
        """
        if person in self.people():
            raise ConfigError("This person has opted out; nothing is noted of them.")


@dataclass(frozen=True)
class Without:
    """A source less the people who have opted out.

    They stay as users with empty histories, so that what is sent, when and how much, is as before.

    Parameters
    ----------
    source
        Of everybody.
    opt_outs
        Who is left out.
    """

    source: Source
    opt_outs: OptOuts

    def read(self) -> Interactions:
        """Return the interactions of everybody else."""
        log, people = self.source.read(), self.opt_outs.people()
        if not people:
            return log
        out = np.flatnonzero(log.users.is_in(list(people)).to_numpy())
        return log.where(~np.isin(log.block.rows, out))
