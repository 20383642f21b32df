"""Named arrays at rest: one safetensors file with a head, a checksum and no half-written state."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hedgerow.errors import CheckpointError
from hedgerow.statistics import Array


@dataclass(frozen=True)
class Tensors:
    """A file's content.

    Parameters
    ----------
    arrays
        By name.
    head
        What else the file says, as texts.
    """

    arrays: Mapping[str, Array]
    head: Mapping[str, str]


def write_tensors(path: Path, content: Tensors, kind: str) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path
        The file; its folder is made where it is missing.
    content
        What to write.
    kind
        What the file is, with its version; read back by :func:`read_tensors`.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in content.arrays.items()}
    head = {**content.head, "kind": kind, "sha256": _digest(arrays, content.head)}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    save_file(arrays, partial, metadata=head)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def read_tensors(path: Path, kind: str) -> Tensors:
    """Read a file that :func:`write_tensors` wrote.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, or of another kind.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            head = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is no {kind}, or it is damaged; name another file or make it again."
        ) from error
    if head.pop("kind", None) != kind:
        raise CheckpointError(f"{path} is no {kind}; name another file.")
    if head.pop("sha256", None) != _digest(arrays, head):
        raise CheckpointError(f"{path} is damaged; make it again.")
    return Tensors(arrays, head)


def _digest(arrays: Mapping[str, Array], head: Mapping[str, str]) -> str:
    digest = hashlib.sha256(repr(sorted(head.items())).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
