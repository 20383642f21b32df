"""How large a model may be, and how far its hyper-parameters may go: what every client accepts.

A coordinator names them, and a client computes with them; beyond these, arithmetic in 32 bits or
the memory of a client would give way, and how it does might tell of a history.
"""

from __future__ import annotations

from hedgerow.models.base import check

ITEMS = 1_000_000
"""In a catalog."""

DIMENSION = 4096
"""Of item vectors."""

MEMORIES = 8
"""Of a sequence model."""

FEATURES = 16_384
"""Of a sequence model: all memories' dimensions, a constant and the Fourier features."""

ROUNDS = 10_000

VECTOR_ROUNDS = 100
"""Of subspace iteration."""

LOCAL_EPOCHS, FOLD_IN_EPOCHS = 100, 1000

WINDOW = 1000
"""Steps ahead at which an item counts as a follower."""

REGULARIZATION = (1e-9, 1e9)

UNOBSERVED = (1e-9, 1e3)
"""Weight of an item not met, against 1 for an item met."""

RATE = 100.0
"""Step sizes."""

PULL = 2.0
"""A step size times the proximal weight; beyond, each pull goes further than the last."""

GAIN = 1e3
"""Of a user's own counts."""

COMPONENTS, CANDIDATES = 8, 10_000
"""Models in a blend, and sets of weights that it tries."""


def at_most(most: float, value: float, what: str) -> None:
    """Refuse a hyper-parameter above its limit.

    Raises
    ------
    ConfigError
        It is above.
    """
    check(value <= most, f"The {what} must be at most {most:,}.")


def between(limits: tuple[float, float], value: float, what: str) -> None:
    """Refuse a hyper-parameter outside its limits.

    Raises
    ------
    ConfigError
        It is outside.
    """
    low, high = limits
    check(low <= value <= high, f"The {what} must lie between {low:g} and {high:g}.")
