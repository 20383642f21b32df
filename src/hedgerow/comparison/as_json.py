"""A comparison as plain JSON, under names that stay the same from version to version."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow.comparison.privacy_json import privacy_json
from hedgerow.comparison.result import Comparison, Contender
from hedgerow.data.split import Split
from hedgerow.evaluation.evaluate import Evaluation
from hedgerow.models.registry import options_of

KINDS = {"full": "full", "sampled": "sampled", "list": "lists"}
"""The names of the evaluation's groups of metrics, and what they are called here."""

UNDRAWN = ("coverage", "gini")
"""Metrics of all lists together; they have no bootstrap replicates, and so no interval."""

OTHERS = ("popularity", "local", "pooled")


def as_json(comparison: Comparison, report: str | None = None) -> dict[str, Any]:
    """Return what a comparison found, made of plain JSON types.

    The federated model's figures are at the top level; those of ``pooled``, ``local`` and
    ``popularity`` are under their names, or null where they were not asked for. A number that is
    not finite is null.

    Parameters
    ----------
    comparison
        What was found.
    report
        Where the report is, if one was written.
    """
    found = comparison.contenders
    log, clients, protocol = comparison.log, comparison.clients, comparison.protocol
    tax = comparison.tax(f"full/ndcg@{protocol.k}")
    drawn = tax is not None and len(found["federated"].evaluation.replicates) > 0
    facts = {
        "model": comparison.recipe.name,
        "options": options_of(comparison.recipe),
        "seed": comparison.seed,
        **_achieved(found["federated"]),
        "federation_tax": tax[0] if tax else None,
        "federation_tax_interval": tax[1:] if tax and drawn else None,
        "client_updates_per_second": comparison.client_updates_per_second,
        **{name: _achieved(found[name]) if name in found else None for name in OTHERS},
        "gains": [asdict(gain) for gain in comparison.gains],
        "data": {
            "users": len(log.users),
            "items": len(log.catalog),
            "interactions": len(log),
            "clients": len(clients),
            "client_kind": clients.kind,
            "network": comparison.network,
            "notes": log.notes,
        },
        "protocol": {
            "split": _split_name(comparison.split),
            "split_options": _split_options(comparison.split),
            "k": protocol.k,
            "sampled": protocol.sampled,
            "repeats": protocol.repeats,
            "replicates": protocol.replicates,
            "seed": protocol.seed,
        },
        "privacy": privacy_json(comparison),
        "history": [asdict(happened) for happened in found["federated"].rounds],
        "examples": [asdict(example) for example in comparison.examples],
        "machine": _machine(),
        "version": _version(),
        "report": report,
    }
    plain: dict[str, Any] = _plain(facts)
    return plain


def _achieved(contender: Contender) -> dict[str, Any]:
    return {
        "metrics": _metrics(contender.evaluation),
        "users": contender.evaluation.users,
        "rounds": len(contender.rounds),
        "seconds": contender.seconds,
        "bytes_up_per_client": contender.bytes_up,
        "bytes_down_per_client": contender.bytes_down,
        "note": contender.note,
    }


def _metrics(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Sort the metrics into full ranking, sampled ranking and lists, and add the intervals."""
    values: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS.values()}
    intervals: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS.values()}
    for name, value in evaluation.values.items():
        group, metric = name.split("/", 1)
        values[KINDS[group]][metric] = value
        if len(evaluation.replicates) and metric.split("@")[0] not in UNDRAWN:
            intervals[KINDS[group]][metric] = evaluation.interval(name)
    return {**values, "intervals": intervals}


def _split_name(split: Split) -> str:
    """Return the name under which the split is made: LastOut is last_out."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(split).__name__).lower()


def _split_options(split: Split) -> dict[str, Any]:
    return {f.name: getattr(split, f.name) for f in fields(split)}  # type: ignore[arg-type]


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "processor": _processor(),
        "cpus": os.cpu_count(),
    }


def _processor() -> str:
    """Return the processor's name where the system tells it, else its architecture."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        names = re.findall(r"^model name\s*:\s*(.+)$", told.read_text("utf-8"), re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()


def _version() -> str | None:
    try:
        return metadata.version("hedgerow")
    except metadata.PackageNotFoundError:
        return None


def _plain(value: Any) -> Any:
    """Turn tuples, mappings and NumPy numbers into what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value if value is None else str(value)
