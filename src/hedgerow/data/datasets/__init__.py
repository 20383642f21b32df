"""Public data sets by name: from a local folder, or from their publishers, never from us."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from hedgerow.data.datasets.download import Archive, fetch
from hedgerow.data.datasets.movielens import read_1m, read_100k, read_csv
from hedgerow.data.datasets.online_retail import WORKBOOK, YEARS, read_online_retail
from hedgerow.data.interactions import Interactions
from hedgerow.data.shop import Shop
from hedgerow.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """Where a data set comes from and how it is read.

    Parameters
    ----------
    archive
        What its publisher offers.
    files
        Sets of files; a folder that has all of one set can be read.
    read
        Reads such a folder.
    """

    archive: Archive
    files: Sequence[Sequence[str]]
    read: Callable[[Path], Interactions]

    def open(
        self, local: Sequence[Path], cache: Path | None = None, sha256: str | None = None
    ) -> Interactions:
        """Read the data set from the first folder that has it, or download it.

        Parameters
        ----------
        local
            Folders to look into.
        cache
            The folder to look into last and to download into; without one nothing is downloaded.
        sha256
            The SHA-256 that a download must have, instead of the known one.

        Raises
        ------
        DataError
            The files are in none of the folders and cannot be downloaded, or cannot be read.
        """
        places = [*local, *([] if cache is None else [cache])]
        found = next((place for place in places if self._within(place)), None)
        if found is not None:
            return self._read(found)
        if cache is None:
            sets = " or ".join(" and ".join(names) for names in self.files)
            raise DataError(
                f"{places[0]} lacks the data set; put {sets} there, or leave the folder out to "
                f"download {self.archive.name}."
            )
        notes = fetch(self.archive, cache, sha256)
        log = self._read(cache)
        return replace(log, notes=(*notes, *log.notes))

    def _within(self, folder: Path) -> bool:
        return any(all((folder / name).is_file() for name in names) for names in self.files)

    def _read(self, folder: Path) -> Interactions:
        try:
            return self.read(folder)
        except (pl.exceptions.PolarsError, OSError, ValueError, LookupError) as error:
            reason = str(error).splitlines()[0][:200]
            raise DataError(
                f"The files in {folder} are not as published ({reason}); get them anew."
            ) from error


def load(name: str, folder: str | Path | None = None, *, sha256: str | None = None) -> Interactions:
    """Load a data set by name.

    Its files are looked for in ``folder``; or else in the folder of that name within
    ``$HEDGEROW_DATA``, then in ``~/.cache/hedgerow``. Where they are in neither, they are
    downloaded from their publisher into the cache, under the publisher's licence, and the
    archive's SHA-256 is checked. An archive that its publisher renews (ml-latest) is trusted at
    the first download; its SHA-256 is then recorded in the cache and told in ``notes``.

    Parameters
    ----------
    name
        One of ``NAMES``.
    folder
        The folder that holds the publisher's files; nothing is then downloaded.
    sha256
        The SHA-256 that a downloaded archive must have, instead of the known one.

    Raises
    ------
    DataError
        There is no data set of that name, its files are not in ``folder``, or it cannot be
        downloaded; the message says which file to put where.
    """
    if name == "shop":
        if folder is not None:
            raise DataError("The shop is made, not read; leave its folder out.")
        return Shop().interactions()
    if name not in DATASETS:
        raise DataError(f"There is no data set {name!r}; choose from {', '.join(NAMES)}.")
    dataset = DATASETS[name]
    if folder is not None:
        return dataset.open((Path(folder),))
    root = os.environ.get("HEDGEROW_DATA")
    local = (Path(root) / name,) if root else ()
    return dataset.open(local, cache=Path.home() / ".cache" / "hedgerow" / name, sha256=sha256)


def _movielens(
    name: str,
    sets: Sequence[Sequence[str]],
    read: Callable[[Path], Interactions],
    sha256: str | None = None,
    size: int | None = None,
) -> Dataset:
    archive = Archive(
        url=f"https://files.grouplens.org/datasets/movielens/{name}.zip",
        members={f"{name}/{file}": file for file in sets[0]},
        sha256=sha256,
        size=size,
    )
    return Dataset(archive, sets, read)


_TABLES = (("ratings.csv", "movies.csv"),)

DATASETS = {
    "ml-100k": _movielens(
        "ml-100k",
        (("u.data", "u.item", "u.user"),),
        read_100k,
        sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        size=4_924_029,
    ),
    "ml-1m": _movielens(
        "ml-1m",
        (
            ("ratings.dat", "movies.dat", "users.dat"),
            ("interactions.parquet", "movies.dat", "users.dat"),
        ),
        read_1m,
        sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        size=5_917_549,
    ),
    "ml-20m": _movielens(
        "ml-20m",
        _TABLES,
        read_csv,
        sha256="96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
        size=198_702_078,
    ),
    "ml-latest-small": _movielens(
        "ml-latest-small",
        _TABLES,
        read_csv,
        sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        size=978_202,
    ),
    "ml-latest": _movielens("ml-latest", _TABLES, read_csv),
    "online-retail-ii": Dataset(
        Archive(
            url="https://archive.ics.uci.edu/static/public/502/online+retail+ii.zip",
            members={WORKBOOK: WORKBOOK},
            sha256="572e36277c2390fbfde10664750731e0a86f55e33470d91919085f0408e67bfb",
            size=45_622_418,
        ),
        (*((f"year_{year}.parquet",) for year in YEARS), (WORKBOOK,)),
        read_online_retail,
    ),
}
"""The public data sets by name; GroupLens renews ml-latest, so no SHA-256 of it can be known."""

NAMES = (*DATASETS, "shop")
"""What ``load`` knows."""
