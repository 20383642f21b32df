"""An agent's folder as the commands use it that never leave this computer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hedgerow.client.profile import SILO, Profile
from hedgerow.client.recommending import LocalRecommender
from hedgerow.client.sources import Table
from hedgerow.client.store import Store
from hedgerow.data.columns import Columns
from hedgerow.errors import ConfigError


@contextmanager
def kept(folder: Path) -> Iterator[tuple[Profile, Store]]:
    """Give who an agent is and what it keeps.

    Raises
    ------
    ConfigError
        There is no agent.
    """
    profile, store = Profile.open(folder), Store(folder)
    try:
        yield profile, store
    finally:
        store.close()


@contextmanager
def opened(
    folder: Path,
    data: str | None = None,
    query: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[LocalRecommender]:
    """Give what recommends from an agent's folder.

    Parameters
    ----------
    folder
        The agent's.
    data, query, columns
        A silo's interactions; None knows only what was tracked.

    Raises
    ------
    ConfigError
        There is no agent, or no model yet.
    """
    with kept(folder) as (profile, store):
        if data is not None and profile.kind != SILO:
            raise ConfigError("A device records its own user's interactions; leave --data out.")
        log = None if data is None else Table(data, query, Columns(**(columns or {}))).read()
        name = next(iter(store.public_names()), None)
        path = None if name is None else store.public(name)
        if path is None:
            raise ConfigError(
                f"{folder} has no model yet; fetch one with 'hedgerow join {folder} "
                "--recommend TASK'."
            )
        yield LocalRecommender.load(path, store, log)
