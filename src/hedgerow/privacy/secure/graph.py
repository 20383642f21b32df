"""Who holds shares for whom: a random regular graph that nobody chose.

The clients stand on a ring in an order drawn from a beacon, and each is tied to the nearest
``degree / 2`` on either side (Harary's graph; Bell et al. 2020, section 3), or to all others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hedgerow.privacy.randomness import Stream

_DOMAIN = b"hedgerow/graph/v1\0"

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Graph:
    """A regular graph over positions in a roster.

    Parameters
    ----------
    order
        Which position stands where on the ring, shape (clients,).
    place
        Where each position stands, shape (clients,).
    offsets
        How far each neighbour stands along the ring, in the order of neighbours, shape (degree,).
    mirror
        If somebody is my neighbour number ``i``, I am its number ``mirror[i]``; shape (degree,).
    """

    order: Positions
    place: Positions
    offsets: Positions
    mirror: Positions

    @property
    def degree(self) -> int:
        """How many neighbours everyone has."""
        return len(self.offsets)

    def neighbours(self, position: int) -> list[int]:
        """Return the neighbours' positions, in the order in which shares are made for them."""
        around = (self.place[position] + self.offsets) % len(self.order)
        found: list[int] = self.order[around].tolist()
        return found


@lru_cache(maxsize=4)
def build(view: bytes, clients: int, degree: int) -> Graph:
    """Return the graph that a view of a session fixes.

    Parameters
    ----------
    view
        A hash that nobody could choose, such as `roster.Opening.view`.
    clients
        How many there are.
    degree
        An even number of neighbours, or that of all others.
    """
    drawn = Stream(hashlib.sha256(_DOMAIN + view).digest()).words(clients, np.uint64)
    order = np.argsort(drawn, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(clients)
    if degree == clients - 1:
        offsets = np.arange(1, clients)
        mirror = offsets[::-1] - 1
    else:
        steps = np.arange(1, degree // 2 + 1)
        offsets = np.stack([steps, -steps], axis=1).reshape(-1)
        mirror = np.arange(degree) ^ 1
    return Graph(order, place, offsets, mirror)
