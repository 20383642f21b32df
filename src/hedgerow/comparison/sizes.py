"""Clients by how many users they hold: who gains from a federation depends on it first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hedgerow.federation.clients import Clients

BOUNDS = (1, 100, 1_000, 10_000)
"""The most users of a client of each size; what is larger is a size of its own."""


def sizes_of(clients: Clients) -> NDArray[np.int64]:
    """Return the number of each client's size, shape (clients,), 0 for one user.

    Parameters
    ----------
    clients
        Who holds which users.
    """
    users = np.bincount(clients.owner, minlength=len(clients))
    return np.searchsorted(BOUNDS, users).astype(np.int64)


def described(size: int, clients: int, kind: str) -> str:
    """Say so many clients of a size, such as "3 silos of 2 to 100 users".

    Parameters
    ----------
    size
        From `sizes_of`.
    clients
        How many.
    kind
        What all clients are called; where devices and silos are in one federation, they differ.
    """
    noun = kind
    if kind == "clients":
        noun = "silos" if size else "devices"
    noun = noun if clients != 1 else noun.removesuffix("s")
    each = " each" if clients != 1 else ""
    if size == 0:
        if noun.startswith("device"):
            return f"{clients:,} {noun}"
        users = f"one user{each}"
    elif size == len(BOUNDS):
        users = f"over {BOUNDS[-1]:,} users{each}"
    else:
        users = f"{BOUNDS[size - 1] + 1:,} to {BOUNDS[size]:,} users{each}"
    return f"{clients:,} {noun} of {users}"
