"""Rounds in words: which sum of a run each was an attempt at, and how it stands."""

from __future__ import annotations

from hedgerow.federation.ask import EVALUATION, NORMS
from hedgerow.server.routes.runs import RoundOut


def sum_of(one: RoundOut) -> str:
    """Return which sum of its run a round is for."""
    if one.purpose == EVALUATION:
        return f"evaluation {one.step + 1}"
    step = f"step {one.step + 1}"
    return f"norms for {step}" if one.purpose == NORMS else step


def seconds_of(one: RoundOut) -> float:
    """Return how long a round took, or has taken so far by what is written down."""
    return one.changed - one.created
