"""How alike items are, from the public catalog alone: a prior that costs no privacy.

Every column of features says something: a number by how near its ranks are, a few labels (also
several in one cell, with ``|`` between) by how many two items share, free text by its words. Items
are alike to the degree that single columns agree, and more so where all of them do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from hedgerow.models.base import Items
from hedgerow.statistics import Array

if TYPE_CHECKING:
    import polars as pl

TEXT = 0.25
"""A column in which more than this share of the values differ is free text, not labels."""

NEAR, FAR = 0.04, 0.2
"""Distances in rank at which numbers are still alike, narrowly and broadly, as shares of items."""

COMMON_WORDS = 0.05
"""A word that stands in a larger share of the texts tells nothing, as does one in a single text."""

ALONE = 0.5
"""The weight of all columns' single agreement, against 1 for their agreement at once."""


@lru_cache(maxsize=1)
def similarity(catalog: Items) -> Array:
    """Return how alike items are, shape (items, items), float32, ones on the diagonal.

    Positive semidefinite, as sums and products of such are (Schur). Without features each item is
    like itself alone.
    """
    m = len(catalog)
    labelled, texts = _labels_and_texts(catalog.features)
    single = [_by_rank(column) for column in catalog.features if column.dtype.is_numeric()]
    single += [_cosine(_incidence(sets)) for sets in labelled]
    result = np.zeros((m, m), np.float32)
    if single:
        result += np.prod(single, axis=0)
        for matrix in single:
            result += np.float32(2 * ALONE / len(single)) * matrix
    for words in texts:
        result += _cosine(_tf_idf(words))
    # Where an item's features are missing, it is like itself alone.
    bare = np.diag(result) <= 0
    result[np.diag_indices(m)] = np.where(bare, 1, np.diag(result))
    scale = np.sqrt(np.diag(result))
    result /= scale[:, None]
    result /= scale
    # It is handed out again to who asks again.
    result.setflags(write=False)
    return result


def _labels_and_texts(features: pl.DataFrame) -> tuple[list[list[set[str]]], list[list[set[str]]]]:
    """Return the columns of labels, without those that another one contains, and of words."""
    labelled: list[list[set[str]]] = []
    texts: list[list[set[str]]] = []
    for column in features:
        if column.dtype.is_numeric():
            continue
        values = [_text(value) for value in column.to_list()]
        if len(set(values)) > TEXT * len(values):
            texts.append([set(re.findall(r"[^\W_]+", value.lower())) for value in values])
        else:
            labelled.append([{part for part in value.split("|") if part} for value in values])
    kept = [sets for place, sets in enumerate(labelled) if not _repeated(place, labelled)]
    return kept, texts


def _text(value: Any) -> str:
    """Return a cell as text, a list as its labels."""
    if isinstance(value, list):
        return "|".join(map(_text, value))
    return "" if value is None else str(value)


def _repeated(place: int, columns: Sequence[Sequence[set[str]]]) -> bool:
    """Return whether another column contains one; of equal columns the first is kept."""
    own = columns[place]
    return any(
        all(a <= b for a, b in zip(own, other, strict=True)) and (number < place or other != own)
        for number, other in enumerate(columns)
        if number != place
    )


def _by_rank(column: pl.Series) -> Array:
    """Compare numbers by the ranks of their values, so that their unit does not matter."""
    values = column.cast(float).fill_nan(None)
    filled = values.fill_null(values.median() if values.null_count() < len(values) else 0.0)
    _, places, counts = np.unique(filled.to_numpy(), return_inverse=True, return_counts=True)
    ranks = ((np.cumsum(counts) - counts / 2) / max(len(values), 1))[places].astype(np.float32)
    gaps = np.abs(ranks[:, None] - ranks)
    return np.asarray((np.exp(-gaps / NEAR) + np.exp(-((gaps / FAR) ** 2) / 2)) / 2)


def _incidence(sets: Sequence[set[str]]) -> scipy.sparse.csr_array:
    """Return which item (row) has which label (column)."""
    names = {name: i for i, name in enumerate(sorted(set().union(*sets)))}
    columns = [names[name] for part in sets for name in sorted(part)]
    indptr = np.cumsum([0, *map(len, sets)])
    values = np.ones(len(columns), np.float32)
    return scipy.sparse.csr_array((values, columns, indptr), shape=(len(sets), max(len(names), 1)))


def _tf_idf(sets: Sequence[set[str]]) -> scipy.sparse.csr_array:
    """Weigh words by the logarithm of how rare they are (Sparck Jones 1972)."""
    counts = Counter(word for part in sets for word in part)
    most = max(2, COMMON_WORDS * len(sets))
    kept = {word for word, count in counts.items() if 2 <= count <= most}
    matrix = _incidence([part & kept for part in sets])
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    rarity = np.log(len(sets) / np.maximum(frequency, 1)).astype(np.float32)
    return scipy.sparse.csr_array(matrix * rarity)


def _cosine(rows: scipy.sparse.csr_array) -> Array:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), np.float32))
    unit = scipy.sparse.diags_array(1 / np.where(lengths > 0, lengths, 1).astype(np.float32)) @ rows
    return np.asarray((unit @ unit.T).toarray(), np.float32)
