"""What a private model stands on, told from its public arrays alone."""

from __future__ import annotations

import numpy as np

from hedgerow.models.base import Recipe, State
from hedgerow.models.private_sequence import SHARES, PrivateSequence

TELLING = 0.1
"""Of the mean count, how far counts have to spread to tell items apart; and over the spread of
popularity, how long weights have to be to tell people apart."""

ALONG = 0.1
"""How far weights that come from likeness point along the items' vectors at least, as a cosine."""

SENTENCES = {
    "alike and popular": "the noise left little signal for what follows what, so this model "
    "recommends mostly what is popular and like what a person has met",
    "popular": "the noise left no signal for what follows what, so this model recommends by "
    "popularity alone",
    "alike": "the noise left no signal for what is popular or follows what, so this model "
    "recommends items like those that a person has met, by the public catalog alone",
    "nothing": "the noise left no signal at all, so this model recommends by chance; ask more "
    "people, or allow a larger epsilon",
}
"""What stands in for what noise has hidden."""


def footing(recipe: Recipe, state: State) -> str:
    """Return in a sentence what a finished model recommends by instead of what it was made for.

    Empty where enough is left, and for models that do not fall back.
    """
    if not isinstance(recipe, PrivateSequence) or state.round < len(SHARES):
        return ""
    counts, vectors, weights = (
        state.arrays[name].astype(np.float64) for name in ("popularity", "vectors2", "weights2")
    )
    recounted = state.arrays["vectors1"].shape[1] == 1 < len(counts)
    # Noise alone spreads them by about the standard error of their mean.
    if recounted and counts.std() <= max(TELLING, 2 / np.sqrt(len(counts))) * counts.mean():
        along = np.linalg.norm(vectors) * np.linalg.norm(weights) * ALONG
        return SENTENCES["alike" if (vectors * weights).sum() > along else "nothing"]
    # As the intercept has it, beside weights of a readout that is as wide.
    spread = counts.std() / np.sqrt(weights.shape[1])
    if np.sqrt((weights**2).sum(axis=1).mean()) <= TELLING * spread:
        return SENTENCES["popular"]
    return SENTENCES["alike and popular"] if recounted else ""
