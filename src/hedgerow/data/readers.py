"""From a file, a database or a dataframe to a Polars table of the columns that are needed."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy

from hedgerow.data.columns import Columns
from hedgerow.data.text import SEPARATORS, Text, look_at
from hedgerow.errors import DataError

COMMENTS = re.compile(r"\A(\s|\(|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
"""What may stand before the first word of a query."""

PARQUET, JSON_LINES, EXCEL = (".parquet", ".pq"), (".jsonl", ".ndjson"), (".xlsx", ".xls")
"""Other files than texts, by suffix."""


def read_table(source: Any, columns: Columns | None, query: str | None = None) -> pl.DataFrame:
    """Read the needed columns of ``source``, under our names, in the source's row order.

    Parameters
    ----------
    source
        A path to a CSV, TSV or Parquet file, a SQLAlchemy database URL (with ``query``), or any
        dataframe that speaks the Arrow interface (Polars, pandas, PyArrow, DuckDB, ...).
    columns
        Which column holds what; None reads all columns as they are.
    query
        The SQL query, where the source is a database.

    Raises
    ------
    DataError
        The source cannot be read, or lacks a column.
    """
    if isinstance(source, str) and "://" in source:
        if not query:
            raise DataError("A database needs a query: give one with --query 'SELECT ...'.")
        return _select(_read_sql(source, query), columns)
    if query:
        raise DataError("A query only goes with a database URL such as postgresql://host/name.")
    if isinstance(source, str | Path):
        return _read_file(Path(source), columns)
    return _select(_from_dataframe(source), columns)


def _read_file(path: Path, columns: Columns | None) -> pl.DataFrame:
    if path.is_dir():
        return _read_folder(path, columns)
    if not path.is_file():
        raise DataError(f"There is no file {path}; give a CSV or Parquet file.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a file with at least one interaction.")
    suffixes = {suffix.lower() for suffix in path.suffixes[-2:]}
    readable = (*SEPARATORS, *PARQUET, *JSON_LINES, *EXCEL)
    try:
        if path.suffix.lower() in PARQUET:
            return _select(_with_categories(pl.scan_parquet(path), columns), columns)
        if path.suffix.lower() in JSON_LINES:
            return _select(pl.read_ndjson(path, infer_schema_length=None), columns)
        if path.suffix.lower() in EXCEL:
            return _select(_read_excel(path), columns)
        if not suffixes & {*SEPARATORS, ".gz", ".zip"}:
            raise DataError(
                f"{path.name} ends in none of {', '.join(readable)}; convert it to one of these, "
                "of which texts may be packed as .gz or .zip."
            )
        return _scan_csv(look_at(path), columns)
    except (
        pl.exceptions.PolarsError,
        OSError,
        UnicodeError,
        zipfile.BadZipFile,
        EOFError,
    ) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{path} cannot be read as a table: {reason}") from error


def _read_folder(path: Path, columns: Columns | None) -> pl.DataFrame:
    """Read a folder of Parquet files, in which folders named like a=1 are columns, too."""
    if not any(path.rglob("*.parquet")):
        raise DataError(f"{path} is a folder without Parquet files; give a CSV or Parquet file.")
    try:
        frame = pl.scan_parquet(path / "**" / "*.parquet", hive_partitioning=True)
        return _select(_with_categories(frame, columns), columns)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{path} cannot be read as a table: {reason}") from error


def _read_excel(path: Path) -> pl.DataFrame:
    try:
        return pl.read_excel(path)
    except ModuleNotFoundError as error:
        raise DataError(
            f"To read {path.name} an extra is needed: pip install 'hedgerow[excel]'."
        ) from error
    except Exception as error:
        # The library behind has an exception family of its own.
        if "fastexcel" not in type(error).__module__:
            raise
        raise DataError(f"{path.name} is no Excel file; save it as .xlsx or .csv anew.") from error


def _scan_csv(text: Text, columns: Columns | None) -> pl.DataFrame:
    """Read a text table; of the columns that are needed all stay text, as ids such as "007" are."""
    source = io.BytesIO(text.body) if isinstance(text.body, bytes) else text.body
    frame = pl.scan_csv(
        source,
        separator=text.separator,
        has_header=text.header,
        infer_schema=columns is None,
        infer_schema_length=10_000,
    )
    frame = _named(frame, text)
    if columns is None:
        return frame.collect()
    stamp = columns.resolve(frame.collect_schema().names())["timestamp"]
    frame = _with_categories(frame, columns)
    # Times that are whole numbers become such; where one is not, all stay text for a closer look.
    if frame.select(pl.col(stamp).cast(pl.Int64, strict=False).is_null().any()).collect().item():
        return _select(frame, columns)
    return _select(frame.with_columns(pl.col(stamp).cast(pl.Int64)), columns)


def _named(frame: pl.LazyFrame, text: Text) -> pl.LazyFrame:
    """Call columns by their names without blanks, or by numbers where they have none."""
    present = frame.collect_schema().names()
    names = [name.strip() if text.header else str(n) for n, name in enumerate(present, start=1)]
    if len(set(names)) == len(present):
        frame = frame.rename(dict(zip(present, names, strict=True)))
    return frame.with_columns(pl.col(pl.String).str.strip_chars()) if text.padded else frame


def _with_categories(frame: pl.LazyFrame, columns: Columns | None) -> pl.LazyFrame:
    """Hold each distinct text id once: a large file then takes a quarter of the memory."""
    if columns is None:
        return frame
    schema = frame.collect_schema()
    found = columns.resolve(schema.names())
    ids = [found[role] for role in ("user_id", "item_id")]
    return frame.with_columns(pl.col(i).cast(pl.Categorical) for i in ids if schema[i] == pl.String)


def _read_sql(url: str, query: str) -> pl.DataFrame:
    bare = COMMENTS.sub("", query).lower()
    if not bare.startswith(("select", "with", "values", "table")):
        raise DataError("The query must read rows: let it begin with SELECT or WITH.")
    try:
        with sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool).connect() as connection:
            result = connection.exec_driver_sql(query)
            if not result.returns_rows:
                # Nothing was committed: what the statement did is undone.
                raise DataError("The query must read rows: let it begin with SELECT.")
            names, rows = list(result.keys()), [tuple(row) for row in result]
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    except (
        sqlalchemy.exc.SQLAlchemyError,
        ImportError,
        TypeError,
        pl.exceptions.PolarsError,
    ) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"The database query failed: {reason}") from error


def _from_dataframe(source: Any) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    try:
        frame = (
            pl.from_dataframe(source) if hasattr(source, "__dataframe__") else pl.DataFrame(source)
        )
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"A {type(source).__name__} cannot be read as a table ({str(error)[:120]}); give every "
            "column one type, such as text for ids."
        ) from error
    except Exception as error:
        # PyArrow, behind pandas frames, has an exception family of its own.
        if type(error).__module__.partition(".")[0] != "pyarrow":
            raise
        raise DataError(
            f"A column of the table mixes types ({str(error)[:120]}); give every column one type, "
            "such as text for ids."
        ) from error
    return frame


def _select(frame: pl.DataFrame | pl.LazyFrame, columns: Columns | None) -> pl.DataFrame:
    if columns is None:
        return frame.lazy().collect()
    found = columns.resolve(frame.lazy().collect_schema().names())
    chosen = frame.lazy().select(pl.col(name).alias(role) for role, name in found.items())
    return chosen.collect(engine="streaming" if isinstance(frame, pl.LazyFrame) else "in-memory")
