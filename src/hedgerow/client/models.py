"""Public models by their hash: fetched once, checked, and kept for whoever needs them next."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections import OrderedDict
from pathlib import Path

from hedgerow.client.api import Api
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.models.expected import check_state
from hedgerow.recommender import Recommender

KEPT = 4
"""How many models are in memory: those of a few tasks."""


class Models:
    """The models that this process has met."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, asyncio.Task[Recommender]] = OrderedDict()

    async def get(self, api: Api, name: bytes) -> Recommender:
        """Return a model by the SHA-256 of its file.

        Raises
        ------
        ProtocolError
            ``other-model``: the coordinator sends another file. ``bad-model``: it is no model, or
            one that nobody should compute with.
        UnavailableError
            The coordinator is away.
        """
        task = self._found.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.ensure_future(fetch(api, name))
            self._found[name] = task
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        return await asyncio.shield(task)


async def fetch(api: Api, name: bytes) -> Recommender:
    """Fetch a model, and make sure that it is the one that was named.

    Raises
    ------
    ProtocolError
        ``other-model``: it is not. ``bad-model``: see `read`.
    """
    body = await api.model(name.hex())
    if hashlib.sha256(body).digest() != name:
        raise ProtocolError("other-model", "The model is not the one that was named.")
    return await asyncio.to_thread(read, body)


def read(body: bytes) -> Recommender:
    """Return the model of a file's bytes, after a look at all of it.

    Raises
    ------
    ProtocolError
        ``bad-model``: it is none, or not what its recipe declares.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        path.write_bytes(body)
        try:
            found = Recommender.load(path)
        except HedgerowError as problem:
            raise ProtocolError(
                "bad-model", f"The public model cannot be used: {problem}"
            ) from problem
    check_state(found.recipe, found.state, len(found.catalog))
    return found
