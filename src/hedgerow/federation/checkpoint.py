"""Checkpoints: a run's state on disk after each round, to go on from bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.errors import CheckpointError
from hedgerow.models.base import State
from hedgerow.tensors import Tensors, read_tensors, write_tensors

KIND = "hedgerow checkpoint, version 2"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps its state.

    Parameters
    ----------
    path
        The file; written anew after each round, never half.
    fingerprint
        Of the data and the settings that the run belongs to.
    secret
        What keys the run's noise, kept here until the run is finished and nowhere else.
    """

    path: Path
    fingerprint: str
    secret: str = ""

    def save(self, state: State, best: State | None, notes: Any) -> None:
        """Write a state, the best one so far, and what the run wants to remember as JSON."""
        parts = {"arrays": state.arrays, "server": state.server}
        if best is not None:
            parts["best"] = best.arrays
        head = {
            "fingerprint": self.fingerprint,
            "secret": self.secret,
            "round": str(state.round),
            "best": str(best.round) if best else "",
            "notes": json.dumps(notes),
        }
        named = {f"{p}/{name}": a for p, arrays in parts.items() for name, a in arrays.items()}
        write_tensors(self.path, Tensors(named, head), KIND)

    def load(self) -> tuple[State, State | None, Any]:
        """Read back what was saved.

        Raises
        ------
        CheckpointError
            There is none, it is damaged, or it belongs to another run.
        """
        if not self.path.is_file():
            raise CheckpointError(
                f"There is no checkpoint {self.path} to resume; leave --resume out."
            )
        found = read_tensors(self.path, KIND)
        head = found.head
        if head["fingerprint"] != self.fingerprint:
            raise CheckpointError(
                f"The checkpoint {self.path} belongs to other data or other settings; "
                "resume with the ones it was made with, or delete it."
            )
        parts: dict[str, dict[str, Any]] = {"arrays": {}, "server": {}, "best": {}}
        for name, array in found.arrays.items():
            part, _, key = name.partition("/")
            parts[part][key] = array
        state = State(parts["arrays"], int(head["round"]), parts["server"])
        best = State(parts["best"], int(head["best"])) if head["best"] else None
        return state, best, json.loads(head["notes"])


class Unfinished(NamedTuple):
    """What a checkpoint says of its run: what keys its noise, and how many steps are done."""

    secret: str
    round: int


def unfinished(path: Path) -> Unfinished:
    """Return which run a checkpoint is of.

    Raises
    ------
    CheckpointError
        There is none, or it is damaged.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path} to resume; leave --resume out.")
    head = read_tensors(path, KIND).head
    return Unfinished(head["secret"], int(head["round"]))


def fingerprint(
    data: Fold, owner: NDArray[np.int64], ids: Sequence[pl.Series], *settings: object
) -> str:
    """Return a digest of all that changes a run's numbers.

    Parameters
    ----------
    data
        What the clients hold.
    owner
        Which client holds which user.
    ids
        Of users and items, in their order.
    settings
        Recipe, participation and whatever else, each with a telling ``repr``.
    """
    digest = hashlib.sha256()
    for block in (data.history, data.targets):
        weights = () if block.weights is None else (block.weights,)
        for array in (block.indptr, block.items, block.timestamps, *weights):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(str(block.n_items).encode())
    digest.update(owner.tobytes())
    for series in ids:
        digest.update("\n".join(map(repr, series)).encode())
    digest.update(repr(settings).encode())
    return digest.hexdigest()
