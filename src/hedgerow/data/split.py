"""Splits: what a client holds out from its own history, and how it is judged by it.

A split is a pure function of one block and draws on nothing but a user's own interactions and key,
so a device or a silo can make its own part of it and nothing has to move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.hashing import uniform
from hedgerow.errors import ConfigError


@dataclass(frozen=True)
class Fold:
    """What a model may see of each user, and what it must foretell.

    Parameters
    ----------
    history
        The interactions a model is trained on and recommends from.
    targets
        The held-out interactions, row by row for the same users; empty for users not judged.
    """

    history: Block
    targets: Block

    def __post_init__(self) -> None:
        if len(self.history) != len(self.targets):
            raise ValueError("history and targets are of different users")

    def __len__(self) -> int:
        return len(self.history)

    def __getitem__(self, users: slice) -> Fold:
        return Fold(self.history[users], self.targets[users])

    def take(self, users: NDArray[np.integer]) -> Fold:
        """Return the users of the given row numbers."""
        return Fold(self.history.take(users), self.targets.take(users))

    def judged(self) -> Fold:
        """Return the users that have both a history and something to foretell."""
        have = (self.history.lengths > 0) & (self.targets.lengths > 0)
        return self.take(np.flatnonzero(have))


class Split(Protocol):
    """How interactions are held out."""

    def test(self, block: Block) -> Fold:
        """Return the fold on which results are reported; its history is for training."""
        ...

    def validation(self, block: Block) -> Fold:
        """Return the fold on which choices are made: the split applied to the test history."""
        ...


@dataclass(frozen=True)
class LastOut:
    """Each user's last interaction is the target, the one before it the validation's.

    Users with a single interaction are trained on and not judged.
    """

    def test(self, block: Block) -> Fold:
        """Hold out the last interaction of users who have two or more."""
        held = (block.ages == 0) & (block.lengths[block.rows] > 1)
        return Fold(block.where(~held), block.where(held))

    def validation(self, block: Block) -> Fold:
        """Hold out the last interaction that is left when the test's is gone."""
        return self.test(self.test(block).history)


@dataclass(frozen=True)
class Temporal:
    """One moment in time parts the past from the future, for everyone alike.

    Parameters
    ----------
    test_from
        Interactions at or after this timestamp are the test's.
    validation_from
        Interactions at or after this one and before ``test_from`` are the validation's.
    """

    validation_from: int
    test_from: int

    def __post_init__(self) -> None:
        if self.validation_from >= self.test_from:
            raise ConfigError("The validation must begin before the test does.")

    @classmethod
    def at(cls, block: Block, test: float = 0.1, validation: float = 0.1) -> Temporal:
        """Choose the moments so that about these shares of the interactions come after them."""
        if not (0 < test < 1 and 0 < validation < 1 - test):
            raise ConfigError("The shares for test and validation must lie between 0 and 1.")
        moments = np.quantile(block.timestamps, [1 - test - validation, 1 - test])
        return cls(int(np.ceil(moments[0])), int(np.ceil(moments[1])))

    def test(self, block: Block) -> Fold:
        """Part at ``test_from``."""
        return _parted(block, block.timestamps >= self.test_from)

    def validation(self, block: Block) -> Fold:
        """Part the test's past at ``validation_from``."""
        past = self.test(block).history
        return _parted(past, past.timestamps >= self.validation_from)


@dataclass(frozen=True)
class RandomPerUser:
    """A random share of each user's interactions is held out, whatever their time.

    The classical protocol for models that ignore order; a model of order is not judged fairly.

    Parameters
    ----------
    share
        The share that is held out, rounded down, at least one for users with two or more.
    seed
        Which random shares.
    """

    share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ConfigError("The share to hold out must lie between 0 and 1.")

    def test(self, block: Block) -> Fold:
        """Hold out the random share."""
        return _parted(block, self._drawn(block, stream=0))

    def validation(self, block: Block) -> Fold:
        """Hold out a random share of the test's history."""
        history = self.test(block).history
        return _parted(history, self._drawn(history, stream=1))

    def _drawn(self, block: Block, stream: int) -> NDArray[np.bool_]:
        draws = uniform(self.seed, stream, block.keys[block.rows], block.positions)
        order = np.lexsort((draws, block.rows))
        rank = np.empty(len(draws), np.int64)
        rank[order] = block.positions
        count = np.maximum((block.lengths * self.share).astype(np.int64), block.lengths > 1)
        held: NDArray[np.bool_] = rank < count[block.rows]
        return held


def _parted(block: Block, held: NDArray[np.bool_]) -> Fold:
    return Fold(block.where(~held), block.where(held))
