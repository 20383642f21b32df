"""Options that say what a run promises of privacy."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hedgerow.privacy.policy import MOST_CLIENTS, Policy

DEFAULTS = Policy()

HIGHEST_DROPOUTS = 0.7
"""With more clients gone than that, beside the adversaries, nobody is left to rely on."""


class Secure(StrEnum):
    """The modes of secured sums by name."""

    NONE = "none"
    PAIRWISE = "pairwise"
    SPLIT = "split"


class Unit(StrEnum):
    """The units of privacy by name."""

    USER = "user"
    SILO = "silo"


Epsilon = Annotated[
    float | None,
    typer.Option(
        help="Promise differential privacy: this epsilon for the whole run. Without it, none is "
        "promised."
    ),
]
Delta = Annotated[
    float | None,
    typer.Option(help="The promise's delta; by default 1 / n**1.1 and at most 1e-5."),
]
SecureChoice = Annotated[
    Secure,
    typer.Option(
        "--secure",
        help="Hide clients' terms from whoever adds them up: by masks between clients (pairwise) "
        "or by two servers (split).",
    ),
]
UnitChoice = Annotated[
    Unit, typer.Option("--unit", help="Whose whole data a release must not tell.")
]
ClientsPerPerson = Annotated[
    int,
    typer.Option(
        min=1,
        max=MOST_CLIENTS,
        help="At how many clients one person may be, with --unit user: the noise hides so many "
        "users' terms together. Who is at more is protected less.",
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(
        help="L2 bound of a unit's term where the model has none of its own; by default it is "
        "found from a private histogram, which is charged."
    ),
]
Minimum = Annotated[
    int, typer.Option(min=2, help="The fewest clients whose sum is ever opened under a promise.")
]
NoiseSeed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Draw privacy's noise from this seed, to repeat a run; such a model must not be "
        "published. By default the noise comes from a secret.",
    ),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        help="Charge this ledger, where runs on the same data add up, instead of the run's own.",
    ),
]


def make_policy(
    *,
    epsilon: float | None,
    delta: float | None,
    secure: Secure,
    unit: Unit,
    clients_per_person: int,
    clip: float | None,
    minimum: int,
    dropout: float,
) -> Policy:
    """Return the policy that a command's options promise.

    Clients that the simulation lets vanish are reckoned with, and some more, for their number is
    drawn at random.
    """
    return Policy(
        epsilon=epsilon,
        delta=delta,
        secure=secure.value,
        unit=unit.value,
        clients_per_person=clients_per_person,
        clip=clip,
        minimum=minimum,
        dropouts=max(DEFAULTS.dropouts, min(1.25 * dropout + 0.05, HIGHEST_DROPOUTS)),
    )
