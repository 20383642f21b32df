"""Models as files named by their hash: what clients fetch, and what only the coordinator needs."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hedgerow.models.base import State
from hedgerow.models.file import ModelFile
from hedgerow.server.storage.blobs import Blobs
from hedgerow.tensors import Tensors, read_tensors, write_tensors

SERVER_KIND = "hedgerow server state, version 1"

PART = 1 << 17
"""Bytes of a model that are read at a time for those who fetch it."""


@dataclass(frozen=True)
class Artefacts:
    """The blobs ``model/{hash}`` and, where a step keeps momenta, ``momenta/{hash}``."""

    blobs: Blobs

    def put(self, model: ModelFile) -> str:
        """Store a model with its server's part; return the hash of the public file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            model.write(path)
            public = path.read_bytes()
            name = hashlib.sha256(public).hexdigest()
            if model.state.server:
                write_tensors(path, Tensors(model.state.server, {"model": name}), SERVER_KIND)
                self.blobs.put(f"momenta/{name}", path.read_bytes())
        # The public file last: where it is, all of the state is.
        self.blobs.put(f"model/{name}", public)
        return name

    def public(self, name: str) -> bytes:
        """Return the file that clients fetch."""
        return self.blobs.get(f"model/{name}")

    def exists(self, name: str) -> bool:
        """Return whether there is a model of that hash."""
        return self.blobs.exists(f"model/{name}")

    def size(self, name: str) -> int:
        """Return how many bytes the file has that clients fetch."""
        return self.blobs.size(f"model/{name}")

    def parts(self, name: str) -> Iterator[bytes]:
        """Give that file piece by piece: a thousand clients at once do not each hold all of it."""
        size = self.size(name)
        for start in range(0, size, PART):
            yield self.blobs.get(f"model/{name}", start, min(PART, size - start))

    def load(self, name: str) -> ModelFile:
        """Return a model with its server's part."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            path.write_bytes(self.public(name))
            model = ModelFile.read(path)
            if not self.blobs.exists(f"momenta/{name}"):
                return model
            path.write_bytes(self.blobs.get(f"momenta/{name}"))
            momenta = read_tensors(path, SERVER_KIND).arrays
        state = State(model.state.arrays, model.state.round, momenta)
        return replace(model, state=state)
