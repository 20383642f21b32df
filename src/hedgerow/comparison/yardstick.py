"""What lists of recommendations are held against: popularity, and how alike items are."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.models.item_vectors import degree_roots, random_basis
from hedgerow.statistics import Array

LABELS = ("genres", "category", "subcategory")
"""Catalog columns that say what kind of item it is; several kinds are joined by ``|``."""

LEARNED_DIMENSION = 32


def make_yardstick(catalog: Catalog, history: Block) -> Yardstick:
    """Return the yardstick of a data set, the same for every model that is judged on it.

    Likeness comes from the catalog's kinds of items; where the catalog has none, from who was met
    by the same users, by four rounds of subspace iteration.

    Parameters
    ----------
    catalog
        The items.
    history
        The training histories.
    """
    met = history.incidence()
    counts = np.asarray(met.sum(axis=0), np.float64)
    present = [name for name in LABELS if name in catalog.features.columns]
    if present:
        return Yardstick(counts, _kinds(catalog.features.select(present)))
    normalised = met.multiply(degree_roots(counts).T).tocsr()
    basis = random_basis(len(catalog), LEARNED_DIMENSION, seed=0)
    for _ in range(4):
        basis = np.linalg.qr(np.asarray(normalised.T @ (normalised @ basis)))[0]
    ritz, turn = np.linalg.eigh(basis.T @ np.asarray(normalised.T @ (normalised @ basis)))
    return Yardstick(counts, _unit((basis @ turn) * np.sqrt(ritz.clip(0))))


def _kinds(labels: pl.DataFrame) -> NDArray[np.float32]:
    """Return one column per kind, 1 where an item is of it, at unit length."""
    columns: list[NDArray[np.bool_]] = []
    for name in labels.columns:
        kinds = labels[name].cast(pl.String).fill_null("").str.split("|")
        distinct = sorted(set(kinds.explode().to_list()) - {"", None})
        columns += [kinds.list.contains(kind).to_numpy() for kind in distinct]
    if not columns:
        return np.zeros((labels.height, 1), np.float32)
    return _unit(np.stack(columns, axis=1).astype(np.float32))


def _unit(vectors: Array) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
