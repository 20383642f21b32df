"""Contributions to the regression of what came next on the features of what was before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.models.decay import TimeMajor, pieces
from hedgerow.models.features import Features
from hedgerow.models.sparse_sums import mirrored, packed_outer_norms
from hedgerow.statistics import Array, Schema, Statistics


@dataclass(frozen=True)
class Readings:
    """The contributions of the readout."""

    schema: Schema
    block: Block
    features: Features

    def __len__(self) -> int:
        return len(self.block)

    def _followed(self, block: Block) -> tuple[Array, NDArray[np.int64], NDArray[np.int32]]:
        """Return the features before each interaction but the first, the user and the item."""
        before = block.where(block.ages > 0)
        time = TimeMajor.of(before)
        follower = block.items[block.positions > 0][time.order]
        return self.features.along(before, time), time.users, follower

    def norms(self) -> NDArray[np.float64]:
        """Return the norms, from the Gram matrix of each user's own features."""
        squares = np.zeros(len(self.block))
        for rows, block in pieces(self.block):
            phi, users, items = self._followed(block)
            order = np.argsort(users, kind="stable")
            ends = np.searchsorted(users[order], np.arange(len(block) + 1))
            for user in range(len(block)):
                at = order[ends[user] : ends[user + 1]]
                own = phi[at].astype(np.float64)
                inner = own @ own.T
                same = items[at][:, None] == items[at]
                diagonal = (own**2).sum(0)
                gram = packed_outer_norms(np.sqrt((inner**2).sum()), (diagonal**2).sum())
                squares[rows[user]] = gram + inner[same].sum()
        return np.sqrt(squares)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sums; the Gram matrix by the symmetric BLAS product."""
        width, m = self.features.width, self.block.n_items
        # What one user changes of everybody's rounding is not in the sensitivity: pieces are added
        # up in double precision, as one sum over everybody would round to the size of the whole.
        gram = np.zeros((width, width), order="F")
        followers = np.zeros((m, width), np.float32)
        for rows, block in pieces(self.block):
            phi, users, items = self._followed(block)
            if not len(phi):
                continue
            each = weights[rows][users].astype(np.float32)
            scatter = scipy.sparse.csr_array(
                (each, (items, np.arange(len(each)))), shape=(m, len(each))
            )
            followers += scatter @ phi
            phi *= np.sqrt(each)[:, None]
            gram += scipy.linalg.blas.ssyrk(1.0, phi.T)
        return Statistics({"gram": mirrored(gram), "next": followers})
