"""Reading UCI Online Retail II: the invoices of a British wholesaler of gifts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from hedgerow.data.columns import Columns
from hedgerow.data.interactions import Interactions
from hedgerow.errors import DataError

YEARS = ("2009_2010", "2010_2011")

WORKBOOK = "online_retail_II.xlsx"


def read_online_retail(folder: Path) -> Interactions:
    """Read the year_*.parquet files, or both sheets of the workbook.

    Cancellations, returns, lines without a price and lines without a customer are left out.
    """
    parquets = [folder / f"year_{year}.parquet" for year in YEARS]
    present = [pl.read_parquet(path) for path in parquets if path.is_file()]
    lines = pl.concat(present or _sheets(folder / WORKBOOK), how="vertical_relaxed")
    sold = lines.filter(
        ~pl.col("Invoice").str.starts_with("C"),
        pl.col("Quantity") > 0,
        pl.col("Price") > 0,
        pl.col("Customer ID").is_not_null(),
    ).with_columns((pl.col("Price") * pl.col("Quantity")).alias("value"))
    columns = Columns(
        user_id="Customer ID",
        item_id="StockCode",
        timestamp="InvoiceDate",
        value="value",
        attributes=("Country",),
    )
    titles = (
        sold.drop_nulls("Description")
        .with_columns(pl.col("Description").str.strip_chars())
        .group_by("StockCode", "Description")
        .len()
        # Of equally frequent descriptions the first by letter is taken.
        .sort(["StockCode", "len", "Description"], descending=[False, True, False])
        .unique("StockCode", keep="first", maintain_order=True)
        .select(pl.col("StockCode").alias("item_id"), pl.col("Description").alias("title"))
    )
    return Interactions.read(sold, columns=columns).with_catalog(titles)


def _sheets(path: Path) -> list[pl.DataFrame]:
    texts: dict[str, Any] = {"Invoice": pl.String, "StockCode": pl.String, "Description": pl.String}
    try:
        sheets = pl.read_excel(path, sheet_id=0, schema_overrides=texts)
    except ModuleNotFoundError as error:
        raise DataError(
            "Reading the workbook needs an extra: pip install 'hedgerow[excel]'."
        ) from error
    return list(sheets.values())
