"""The probe: a step whose terms an audit chooses, to see what the pipeline makes of them.

Terms are long vectors without a zero, as long as the bound, far longer, shorter and nothing at all.
Models differ in how much of that they ever show: one whose terms are never over the bound would
never show that nobody clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.split import Fold
from hedgerow.federation.audit.attacks import fold_of
from hedgerow.statistics import Contributions, Field, Rows, Schema, Statistics

LENGTHS = (1000.0, 0.3, 1.0, 0.9, 3.0, 0.0)
"""Of clients' terms in bounds, in turn."""

SIZE = 150_001
"""Values of a term: longer than two of the chunks in which streams are drawn, and no multiple."""

CLIENTS = 24


@dataclass(frozen=True)
class Probe:
    """A step that sums terms of an audit.

    Parameters
    ----------
    bound
        To which terms are to be clipped.
    size
        Values in a term.
    """

    bound: float
    size: int = SIZE

    name = "probe"
    additive = True

    @property
    def schema(self) -> Schema:
        """One long vector."""
        return Schema({"values": Field((self.size,))})

    def contributions(self, data: Fold) -> Contributions:
        """Return the terms of some of the audit's clients, by their keys."""
        rows = [self.term(int(key)) for key in data.history.keys]
        return Rows(self.schema, np.array(rows).reshape(len(rows), self.size))

    def update(self, total: Statistics) -> Statistics:
        """Return the sum."""
        return total

    def term(self, client: int) -> NDArray[np.float64]:
        """Return a client's term, before it is clipped."""
        drawn = np.random.default_rng([client, self.size]).standard_normal(self.size)
        length = LENGTHS[client % len(LENGTHS)] * self.bound
        return drawn * (length / float(np.linalg.norm(drawn)))

    def clipped(self, client: int) -> NDArray[np.float64]:
        """Return a client's term, no longer than the bound."""
        length = LENGTHS[client % len(LENGTHS)]
        return self.term(client) / max(1.0, length)


def clients_of_probe() -> Fold:
    """Return the probe's clients: of their histories, the keys alone matter."""
    return fold_of(Block.of([[0]] * CLIENTS, n_items=1))
