"""Reading the MovieLens data sets as GroupLens publishes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from hedgerow.data.interactions import Interactions
from hedgerow.errors import DataError

OCCUPATIONS = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
"""The occupations of MovieLens 1M, by their numbers."""

GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""The genres of MovieLens 100K, in the order of its flags."""


def read_100k(folder: Path) -> Interactions:
    """Read u.data, u.item and u.user."""
    names = ["user_id", "item_id", "rating", "timestamp"]
    table = pl.read_csv(folder / "u.data", separator="\t", has_header=False, new_columns=names)
    movies = []
    for row in _rows(folder / "u.item", "|", 5 + len(GENRES)):
        flags = zip(GENRES, row[5:], strict=True)
        movies.append((row[0], row[1], [genre for genre, flag in flags if flag == "1"]))
    people = [(row[0], *row[1:4]) for row in _rows(folder / "u.user", "|", 5)]
    return _joined(table, movies, people)


def read_1m(folder: Path) -> Interactions:
    """Read ratings.dat (or interactions.parquet, the same without ratings) and the other two."""
    parquet = folder / "interactions.parquet"
    if parquet.is_file():
        table = pl.read_parquet(parquet)
    else:
        # Fields are parted by two colons: every second column is empty.
        table = pl.read_csv(folder / "ratings.dat", separator=":", has_header=False).select(
            pl.nth(0, 2, 4, 6)
        )
        table.columns = ["user_id", "item_id", "rating", "timestamp"]
    movies = [(row[0], row[1], row[2].split("|")) for row in _rows(folder / "movies.dat", "::", 3)]
    people = [
        (row[0], row[2], row[1], OCCUPATIONS[int(row[3])])
        for row in _rows(folder / "users.dat", "::", 5)
    ]
    return _joined(table, movies, people)


def read_csv(folder: Path) -> Interactions:
    """Read ratings.csv and movies.csv, as of MovieLens 20M and later."""
    schema = {"userId": pl.Int32, "movieId": pl.Int32, "rating": pl.Float32, "timestamp": pl.Int64}
    table = (
        pl.scan_csv(folder / "ratings.csv", schema=schema)
        .select(pl.col("userId").alias("user_id"), pl.col("movieId").alias("item_id"), "timestamp")
        .collect()
    )
    movies = [
        (movie, title, [] if genres == "(no genres listed)" else genres.split("|"))
        for movie, title, genres in pl.read_csv(folder / "movies.csv", infer_schema=False).rows()
    ]
    return _joined(table, movies, [])


def _year(title: str) -> int | None:
    """Return the year of release, which stands in brackets at the end of a title."""
    found = re.search(r"\((\d{4})\)\s*$", title)
    return int(found[1]) if found else None


def _rows(path: Path, separator: str, width: int) -> list[list[str]]:
    lines = path.read_text("latin-1").splitlines()
    rows = [line.split(separator) for line in lines if line]
    if any(len(row) != width for row in rows):
        raise DataError(
            f"{path} has a line without {width} fields parted by {separator!r}; get the file anew "
            "from its publisher."
        )
    return rows


def _joined(
    table: pl.DataFrame,
    movies: Sequence[tuple[str, str, list[str]]],
    people: Sequence[tuple[str, ...]],
) -> Interactions:
    log = Interactions.read(table.select("user_id", "item_id", "timestamp"))
    features = pl.DataFrame(
        {
            "item_id": [movie for movie, _, _ in movies],
            "title": [title for _, title, _ in movies],
            "category": [genres[0] if genres else None for _, _, genres in movies],
            "genres": ["|".join(genres) for _, _, genres in movies],
            "year": [_year(title) for _, title, _ in movies],
        },
        schema_overrides={"category": pl.String, "year": pl.Int64},
    )
    log = log.with_catalog(features)
    if not people:
        return log
    columns = ["user_id", "age", "sex", "occupation"]
    return log.with_attributes(pl.DataFrame(people, schema=columns, orient="row"))
