"""What a user's own past says of meeting the same item again, where repeats are allowed.

The readout does not know which items a user has met often. A second, tiny regression explains what
it leaves over on a user's own items, by how often and how lately each was met: four numbers for
everyone, from one sum of 4 x 4 and 4 values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.models.base import Scores
from hedgerow.models.decay import TimeMajor, pieces
from hedgerow.models.features import LinearReadout
from hedgerow.models.sparse_sums import packed_outer_norms
from hedgerow.statistics import Array, Schema, Statistics, total

DECAYS = (0.0, 0.5, 0.8, 0.99)
"""From 'just met' to 'met at all'."""


def recalled(block: Block) -> list[scipy.sparse.csr_array]:
    """Return log(1 + decayed count) of users' own items: users x items, one matrix per decay."""
    ages = block.ages.astype(np.float32)
    matrices = [block.matrix(np.float32(decay) ** ages) for decay in DECAYS]
    for matrix in matrices:
        np.log1p(matrix.data, out=matrix.data)
    return matrices


@dataclass(frozen=True)
class Recalls:
    """Contributions to the regression of the readout's residuals on own counts.

    Parameters
    ----------
    schema
        Has the fields ``gram`` (4 x 4) and ``residual`` (4).
    block
        The histories.
    readout
        The features and weights whose residuals are explained.
    """

    schema: Schema
    block: Block
    readout: LinearReadout

    def __len__(self) -> int:
        return len(self.block)

    def _per_user(self) -> Iterator[tuple[int, Array, Array]]:
        """Yield each user's row, 4 x 4 and 4 sums over its positions and own items."""
        for rows, block in pieces(self.block):
            before = block.where(block.ages > 0)
            time = TimeMajor.of(before)
            phi = np.empty((len(time.order), self.readout.features.width), np.float32)
            phi[time.order] = self.readout.features.along(before, time)
            for user in range(len(block)):
                items = block.items[block.indptr[user] : block.indptr[user + 1]]
                if len(items) > 1:
                    own = phi[before.indptr[user] : before.indptr[user + 1]]
                    yield int(rows[user]), *self._of(items, own)

    def _of(self, items: NDArray[np.int32], phi: Array) -> tuple[Array, Array]:
        distinct, places = np.unique(items, return_inverse=True)
        left = -(phi @ self.readout.weights[distinct].T)
        steps = np.arange(len(phi))
        left[steps, places[1:]] += 1
        met = np.zeros((len(phi), len(distinct)), np.float32)
        met[steps, places[:-1]] = 1
        counts = []
        for decay in DECAYS:
            count = met.copy()
            for t in range(1, len(count) if decay else 0):
                count[t] += np.float32(decay) * count[t - 1]
            counts.append(np.log1p(count).ravel())
        x = np.stack(counts).astype(np.float64)
        return x @ x.T, x @ left.ravel()

    def norms(self) -> NDArray[np.float64]:
        """Return the norms, user by user."""
        squares = np.zeros(len(self))
        for user, gram, residual in self._per_user():
            both, diagonal = (gram**2).sum(), (np.diag(gram) ** 2).sum()
            squares[user] = packed_outer_norms(np.sqrt(both), diagonal) + (residual**2).sum()
        return np.sqrt(squares)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sums."""
        terms = (
            Statistics({"gram": weights[user] * gram, "residual": weights[user] * residual})
            for user, gram, residual in self._per_user()
        )
        return total([self.schema.zeros(), *terms])


@dataclass(frozen=True)
class WithOwnHistory:
    """A readout's scores, and for a user's own items what their counts add.

    Parameters
    ----------
    readout
        Scores every item.
    coefficients
        One per decay, already times the gain.
    discount
        What the readout's scores were multiplied with, per item.
    """

    readout: LinearReadout
    coefficients: Array
    discount: Array

    def scores(self, histories: Block) -> Scores:
        """Add both."""
        result = self.readout.scores(histories)
        for coefficient, matrix in zip(self.coefficients, recalled(histories), strict=True):
            added = matrix.tocoo()
            np.add.at(
                result, added.coords, coefficient * added.data * self.discount[added.coords[1]]
            )
        return result
