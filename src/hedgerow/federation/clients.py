"""Clients: which users share a device, a shop or a hospital, and who takes part in a round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.errors import ConfigError


@dataclass(frozen=True)
class Clients:
    """Who holds which users.

    Parameters
    ----------
    owner
        The client of each user, shape (users,), numbered from 0.
    names
        One name per client.
    kind
        ``devices`` (one user each) or ``silos``.
    """

    owner: NDArray[np.int64]
    names: pl.Series
    kind: str

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def devices(cls, users: pl.Series) -> Clients:
        """Make every user a client."""
        return cls(np.arange(len(users)), users, "devices")

    @classmethod
    def by_column(cls, attributes: pl.DataFrame, column: str) -> Clients:
        """Put users with the same value in a column into one silo.

        Raises
        ------
        ConfigError
            There is no such column.
        """
        if column not in attributes.columns:
            have = ", ".join(attributes.columns) or "none"
            raise ConfigError(
                f"There is no user column {column!r} to make silos of (have: {have})."
            )
        labels = attributes[column].cast(pl.String).fill_null("unknown")
        names = labels.unique().sort()
        owner = labels.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
        return cls(owner, names, "silos")

    @classmethod
    def dirichlet(cls, users: int, silos: int, concentration: float, seed: int) -> Clients:
        """Split users at random over silos of uneven size.

        Parameters
        ----------
        users, silos
            How many there are.
        concentration
            Of the symmetric Dirichlet distribution of silo sizes: small is uneven.
        seed
            For the draw.
        """
        if not 1 <= silos <= users:
            raise ConfigError(f"The number of silos must lie between 1 and {users}, the users.")
        if not 0 < concentration < np.inf:
            raise ConfigError("The Dirichlet concentration must be above 0 and finite.")
        rng = np.random.default_rng(seed)
        shares = rng.dirichlet(np.full(silos, concentration))
        owner = rng.choice(silos, size=users, p=shares)
        # Every silo has someone, as a silo without users would not exist.
        owner[rng.permutation(users)[:silos]] = np.arange(silos)
        return cls(owner, pl.Series([f"silo {i}" for i in range(silos)]), "silos")

    def users_of(self, present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return 1 for each user whose client is present and 0 for the others."""
        return present[self.owner].astype(np.float64)


@dataclass(frozen=True)
class Cohort:
    """Who is asked in a round, and who answers.

    Parameters
    ----------
    asked, present
        Shape (clients,); those present are among those asked.
    """

    asked: NDArray[np.bool_]
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class Participation:
    """How many clients take part.

    Parameters
    ----------
    share
        The share of clients asked in each round.
    dropout
        The share of those asked that vanish before they answer.
    seed
        For both draws.
    """

    share: float = 1.0
    dropout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ConfigError("The share of clients in a round must be above 0 and at most 1.")
        if not 0 <= self.dropout < 1:
            raise ConfigError("The share of dropouts must be at least 0 and below 1.")

    def cohorts(self, clients: int, step: int, *, additive: bool) -> list[Cohort]:
        """Draw who takes part in a step.

        A step that improves on the last round's state asks one random cohort. An additive step
        asks everyone once, cohort after cohort, and those that vanished once more at the end.

        Parameters
        ----------
        clients
            How many there are.
        step
            Number of the step, which changes the draw.
        additive
            Whether sums of several cohorts may be added up.
        """
        rng = np.random.default_rng([self.seed, step])
        size = max(1, round(self.share * clients))
        order = rng.permutation(clients) if size < clients else np.arange(clients)
        groups = (
            [order[i : i + size] for i in range(0, clients, size)] if additive else [order[:size]]
        )
        cohorts = [self._answer(group, clients, rng) for group in groups]
        if additive and self.dropout:
            lost = np.flatnonzero(sum(c.asked & ~c.present for c in cohorts))
            if len(lost):
                cohorts.append(self._answer(lost, clients, rng))
        return cohorts

    def _answer(self, group: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Cohort:
        asked = np.zeros(clients, np.bool_)
        asked[group] = True
        present = asked.copy()
        present[group] = rng.random(len(group)) >= self.dropout
        return Cohort(asked, present)
