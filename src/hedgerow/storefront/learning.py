"""What the shop's server asks of a federation: the live model, and tokens for visitors."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import numpy as np

from hedgerow.client.operator import Operator
from hedgerow.errors import HedgerowError
from hedgerow.models.file import ModelFile

LOOK = 2.0
"""Seconds for which the model that was live last is taken for the live one."""

TOKEN_SECONDS = 600
"""For which a visitor's token can be used."""


@dataclass(frozen=True)
class LiveModel:
    """The model that recommends now; it is public.

    Parameters
    ----------
    file
        As browsers fetch it.
    hash
        SHA-256 of the file, in hexadecimal.
    popular
        Ids of all items, those with most in the model's own counts first.
    run
        How many runs over the network it took; 0 for the one made before the first.
    steps
        How many sums it was learned from.
    """

    file: bytes
    hash: str
    popular: tuple[str, ...]
    run: int
    steps: int

    @classmethod
    def read(cls, path: Path, run: int) -> LiveModel:
        """Read a model's file.

        Raises
        ------
        CheckpointError
            The file is damaged.
        """
        found, body = ModelFile.read(path), path.read_bytes()
        order = np.argsort(-found.state.arrays["popularity"], kind="stable")
        ids = json.loads(found.names["items"])
        popular = tuple(ids[number] for number in order)
        return cls(body, hashlib.sha256(body).hexdigest(), popular, run, found.state.round)


class Learning(Protocol):
    """Where the shop's model comes from."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the browser SDK has to know of the federation, as JSON; see its `Options`."""
        ...

    @property
    def runs(self) -> int:
        """How many runs share the privacy budget."""
        ...

    def live(self) -> LiveModel:
        """Return the model that recommends now."""
        ...

    def token(self) -> str:
        """Return a single-use token with which one visitor's browser can enrol.

        Raises
        ------
        HedgerowError
            The coordinator gives none.
        """
        ...


@dataclass
class Federation:
    """A federation over the network, called with an operator's key that stays at the server.

    Parameters
    ----------
    operator
        Calls to the coordinator.
    task
        The task's name.
    runs, settings
        As of `Learning`.
    folder
        Where fetched models are kept.
    first
        What recommends before the network's first model.
    """

    operator: Operator
    task: str
    runs: int
    settings: Mapping[str, Any]
    folder: Path
    first: LiveModel
    _live: LiveModel = field(init=False)
    _looked: float = field(init=False, default=float("-inf"))
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._live = self.first

    def live(self) -> LiveModel:
        """Return the live model; the last that was known while the coordinator is away."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK:
                self._looked = time.monotonic()
                with contextlib.suppress(HedgerowError, httpx.HTTPError):
                    self._look()
            return self._live

    def token(self) -> str:
        """Return a single-use token for one visitor's browser."""
        made = self.operator.make_tokens("device", "visitor", 1, ttl=TOKEN_SECONDS)
        return str(made["tokens"][0]["token"])

    def _look(self) -> None:
        """Fetch the live model where it is another one."""
        live = self.operator.models(self.task)["live"]
        if live is None or live == self._live.hash:
            return
        answer = self.operator.http.get(f"/v1/models/{live}").raise_for_status()
        path = self.folder / f"{live}.safetensors"
        path.write_bytes(answer.content)
        self._live = LiveModel.read(path, self._done())

    def _done(self) -> int:
        """Return how many runs are done."""
        runs = self.operator.task(self.task)["runs"]
        return sum(run["status"] == "done" for run in runs)
