"""Options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from hedgerow.cli.hidden import revealed
from hedgerow.data.columns import Columns
from hedgerow.data.datasets import NAMES, load
from hedgerow.data.interactions import Interactions
from hedgerow.data.readers import read_table
from hedgerow.data.split import Fold, LastOut, RandomPerUser, Split, Temporal
from hedgerow.errors import ConfigError
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Executor, Processes, Serial
from hedgerow.federation.ray_executor import Ray
from hedgerow.models.base import Recipe
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.registry import PRESETS, make
from hedgerow.models.sequence import Sequence
from hedgerow.privacy.policy import Policy

FEW_INTERACTIONS = 500_000
"""Below so many, the sequence model's larger settings are worse than the small one."""

ROLES = ("user_id", "item_id", "timestamp", "weight", "value")


class SplitName(StrEnum):
    """The splits by name."""

    LAST_OUT = "last-out"
    TEMPORAL = "temporal"
    RANDOM = "random"


class ExecutorName(StrEnum):
    """The executors by name."""

    SERIAL = "serial"
    PROCESSES = "processes"
    RAY = "ray"


Data = Annotated[
    str,
    typer.Argument(
        help="A CSV or Parquet file, a database URL (with --query; @FILE reads the URL from a "
        f"file), or one of {', '.join(NAMES)}.",
        callback=revealed,
        show_default=False,
    ),
]
ColumnNames = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="ROLE=NAME",
        help="Name a column: user_id=, item_id=, timestamp=, weight= or value=. Repeat as needed.",
    ),
]
Query = Annotated[str | None, typer.Option(help="The SQL query, where DATA is a database URL.")]
CatalogFile = Annotated[
    Path | None,
    typer.Option(
        "--catalog", help="A CSV or Parquet file with item_id and features such as title, category."
    ),
]
DropInvalid = Annotated[
    bool,
    typer.Option("--drop-invalid", help="Leave invalid rows out instead of refusing the data."),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="The model to train; by default sequence, or private_sequence where differential "
        "privacy is promised."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OPTION=VALUE",
        help="Set a hyper-parameter; parts of a list with / between. Repeat as needed.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="A named setting: sequence has phone, silo and shop, and takes by default the one of "
        "the first two that fits the size of the data."
    ),
]
SplitChoice = Annotated[
    SplitName, typer.Option("--split", help="How test interactions are held out.")
]
Repeats = Annotated[
    bool,
    typer.Option(
        "--repeats/--no-repeats",
        help="Whether items may be recommended again. Without, each user's last interaction with "
        "an item counts.",
    ),
]
Length = Annotated[int, typer.Option("--k", min=1, max=1000, help="How many recommendations.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="For everything random.")]
Silos = Annotated[
    str | None,
    typer.Option(
        help="Group users into silos: by a COLUMN of the data, or into a NUMBER of uneven silos "
        "drawn from a Dirichlet distribution. By default each user is a device."
    ),
]
Concentration = Annotated[
    float, typer.Option(help="Evenness of a number of silos; small is uneven.")
]
Workers = Annotated[int, typer.Option(min=1, max=256, help="Worker processes for sums.")]
ExecutorChoice = Annotated[
    ExecutorName | None,
    typer.Option("--executor", help="Where sums are made; by default processes if workers > 1."),
]


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Split NAME=VALUE texts.

    Raises
    ------
    ConfigError
        A text has no ``=``.
    """
    found = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"{option} {text!r} should look like NAME=VALUE.")
        found[name] = value
    return found


def read_log(
    data: str,
    *,
    columns: list[str] | None,
    query: str | None,
    catalog: Path | None,
    silos: str | None,
    drop_invalid: bool,
    repeats: bool,
) -> Interactions:
    """Read the interactions that a command names."""
    named = pairs(columns, "--columns")
    unknown = set(named) - set(ROLES)
    if unknown:
        raise ConfigError(f"--columns knows {', '.join(ROLES)}, not {', '.join(sorted(unknown))}.")
    if data in NAMES and not Path(data).is_file():
        if columns or query:
            raise ConfigError(f"--columns and --query do not go with the data set {data}.")
        log = load(data)
    else:
        attributes = (silos,) if silos and not silos.isdigit() else ()
        log = Interactions.read(
            data,
            columns=Columns(**named, attributes=attributes),
            query=query,
            drop_invalid=drop_invalid,
        )
    if catalog is not None:
        log = log.with_catalog(_features(catalog))
    return log if repeats else log.distinct()


def _features(path: Path) -> pl.DataFrame:
    """Read all columns of a catalog file; the reader for interactions would pick some."""
    return read_table(path, None)


def make_recipe(
    model: str | None,
    settings: list[str] | None,
    preset: str | None,
    log: Interactions,
    policy: Policy | None = None,
) -> Recipe:
    """Return the model that a command names, or the one that fits the promise and the data.

    Sums that are secured are made of what phones can carry.
    """
    if model is None:
        private = policy is not None and policy.private and preset is None
        model = PrivateSequence.name if private else Sequence.name
    if preset is None and model == Sequence.name:
        secured = policy is not None and policy.secure != "none"
        preset = "phone" if secured or len(log) < FEW_INTERACTIONS else "silo"
    return make(model, pairs(settings, "--set"), preset)


def make_starts(
    model: str | None, settings: list[str] | None, preset: str | None
) -> dict[str, Recipe]:
    """Return the settings that tuning starts from: the preset named, or all the model has."""
    model = model or Sequence.name
    presets = [preset] if preset else [p for m, p in PRESETS if m == model]
    options = pairs(settings, "--set")
    return {p: make(model, options, p) for p in presets} or {"": make(model, options)}


def make_split(name: SplitName, log: Interactions, seed: int) -> Split:
    """Return the split that a command names."""
    if name is SplitName.TEMPORAL:
        return Temporal.at(log.block)
    return RandomPerUser(seed=seed) if name is SplitName.RANDOM else LastOut()


def make_clients(silos: str | None, concentration: float, log: Interactions, seed: int) -> Clients:
    """Return the clients that a command names."""
    if silos is None:
        return Clients.devices(log.users)
    if silos.isdigit():
        return Clients.dirichlet(len(log.users), int(silos), concentration, seed)
    return Clients.by_column(log.attributes, silos)


def make_executor(name: ExecutorName | None, workers: int) -> Callable[[Fold], Executor]:
    """Return the executor that a command names."""
    name = name or (ExecutorName.PROCESSES if workers > 1 else ExecutorName.SERIAL)
    if name is ExecutorName.SERIAL:
        if workers > 1:
            raise ConfigError("The serial executor has one worker; leave --workers out.")
        return Serial
    kind: Any = Processes if name is ExecutorName.PROCESSES else Ray
    return lambda data: kind(data, workers)
