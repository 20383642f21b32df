"""Every kind of source gives the same log, and every bad one a sentence that helps."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy
from numpy.testing import assert_array_equal

from hedgerow.data.columns import Columns
from hedgerow.data.interactions import Interactions
from hedgerow.data.readers import read_table
from hedgerow.errors import DataError

ROWS = {
    "customer_id": ["bo", "al", "bo", "al", "cy"],
    "product_id": ["7", "7", "x y", "é,9", "7"],
    "invoice_date": [40, 10, 30, 20, 50],
    "quantity": [1.0, 2.5, 3.0, 4.0, 0.0],
    "price": [9.5, 8.0, 7.25, 6.0, 5.0],
    "country": ["FR", "DE", "FR", "DE", "CH"],
}
COLUMNS = Columns(weight="quantity", value="price", attributes=("country",))
QUERY = "SELECT * FROM orders WHERE quantity >= 0"


@pytest.fixture
def table():
    return pl.DataFrame(ROWS)


@pytest.fixture
def database(tmp_path):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE TABLE orders (customer_id TEXT, product_id TEXT, invoice_date INT, "
                "quantity REAL, price REAL, country TEXT)"
            )
        )
        insert = "INSERT INTO orders VALUES (:customer_id, :product_id, :invoice_date, "
        connection.execute(
            sqlalchemy.text(insert + ":quantity, :price, :country)"),
            pl.DataFrame(ROWS).to_dicts(),
        )
    engine.dispose()
    return url


def check(log):
    assert log.users.to_list() == ["al", "bo", "cy"]
    assert log.catalog.ids.to_list() == ["7", "x y", "é,9"]
    assert log.histories() == [["7", "é,9"], ["x y", "7"], ["7"]]
    assert log.block.timestamps.tolist() == [10, 20, 30, 40, 50]
    assert log.block.weights.tolist() == [2.5, 4, 3, 1, 0]
    assert_array_equal(log.values, [8, 6, 7.25, 9.5, 5])
    assert log.attributes["country"].to_list() == ["DE", "FR", "CH"]
    assert log.notes == ()


@pytest.mark.parametrize(
    "source",
    [
        pl.DataFrame(ROWS),
        pl.LazyFrame(ROWS),
        pl.DataFrame(ROWS, schema_overrides={"customer_id": pl.Categorical}),
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS).astype({"customer_id": "category"}),
        pd.DataFrame(ROWS).astype({"customer_id": object}),
        pa.table(ROWS),
        ROWS,
        pl.DataFrame(ROWS).to_dicts(),
    ],
    ids=[
        "polars",
        "lazy",
        "categorical",
        "pandas",
        "pandas-category",
        "pandas-object",
        "pyarrow",
        "dict",
        "dicts",
    ],
)
def test_any_dataframe_is_read(source):
    check(Interactions.read(source, columns=COLUMNS))


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.TSV", "\t"), ("a.data", "\t"), ("a.txt", ",")]
)
@pytest.mark.parametrize("as_text", [False, True])
def test_text_files_are_read(table, tmp_path, name, separator, as_text):
    path = tmp_path / name
    table.write_csv(path, separator=separator)
    check(Interactions.read(str(path) if as_text else path, columns=COLUMNS))


@pytest.mark.parametrize("name", ["a.parquet", "a.PQ"])
def test_parquet_files_are_read(table, tmp_path, name):
    path = tmp_path / name
    table.write_parquet(path)
    check(Interactions.read(path, columns=COLUMNS))


def test_a_database_is_read(database):
    check(Interactions.read(database, columns=COLUMNS, query=QUERY))


@pytest.mark.parametrize(
    "where", ["product_id <> ':x'", "product_id <> 'a :b c'", "product_id NOT LIKE '%:d%'"]
)
def test_a_colon_within_a_query_is_no_parameter(database, where):
    check(Interactions.read(database, columns=COLUMNS, query=f"SELECT * FROM orders WHERE {where}"))


def test_csv_of_windows_and_of_excel(table, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + table.write_csv().replace("\n", "\r\n").encode())
    check(Interactions.read(path, columns=COLUMNS))


def test_ids_in_text_files_stay_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user_id,item_id,timestamp\n007,A7,1\n7,8,2\n")
    log = Interactions.read(path)
    assert log.users.to_list() == ["007", "7"]
    assert log.catalog.ids.to_list() == ["8", "A7"]


def test_only_the_needed_columns_are_read_in_the_source_order(table):
    read = read_table(table, Columns(value="price"))
    assert read.columns == ["user_id", "item_id", "timestamp", "value"]
    assert read["user_id"].to_list() == ROWS["customer_id"]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def refuse(source, *parts, **options):
    """Require a DataError that says all the parts, shortly and on one line."""
    with pytest.raises(DataError) as caught:
        Interactions.read(source, **options)
    text = str(caught.value)
    for part in parts:
        assert part in text, text
    assert len(text) < 1000
    assert text.isprintable()


def garbage(seed):
    return np.random.default_rng(seed).integers(0, 256, 4000, dtype=np.uint8).tobytes()


def test_a_missing_file(tmp_path):
    refuse(tmp_path / "no.csv", "no file", "no.csv", "give a CSV")
    refuse(str(tmp_path / "no.parquet"), "no file", "no.parquet")
    refuse(tmp_path, "is a folder")


def test_an_empty_file(tmp_path):
    for name in ("a.csv", "a.tsv", "a.parquet"):
        refuse(write(tmp_path, name, b""), name, "is empty", "at least one")
    refuse(write(tmp_path, "b.csv", b"\n\n"), "no line of a table")


def test_a_file_of_a_header_alone(tmp_path):
    refuse(write(tmp_path, "a.csv", b"user_id,item_id,timestamp\n"), "no interaction", "one row")
    pl.DataFrame({"user_id": [], "item_id": [], "timestamp": []}).write_parquet(
        tmp_path / "a.parquet"
    )
    refuse(tmp_path / "a.parquet", "no interaction", "one row")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.parquet"])
def test_binary_garbage(tmp_path, name, seed):
    refuse(write(tmp_path, name, garbage(seed)))


@pytest.mark.parametrize("content", [b"\0" * 3000, garbage(0).replace(b"\n", b"")])
def test_binary_garbage_on_one_long_line(tmp_path, content):
    refuse(write(tmp_path, "a.csv", content))


def test_garbage_that_begins_and_ends_like_parquet(tmp_path):
    refuse(write(tmp_path, "a.parquet", b"PAR1" + garbage(0) + b"PAR1"), "cannot be read")


def test_a_truncated_parquet_file(table, tmp_path):
    path = tmp_path / "a.parquet"
    table.write_parquet(path)
    refuse(write(tmp_path, "b.parquet", path.read_bytes()[:-20]), "cannot be read")


def test_garbage_below_a_good_header(tmp_path):
    head = b"user_id,item_id,timestamp\n"
    refuse(write(tmp_path, "a.csv", head + b"\0\xfe,b,1\n"), "is no text")
    refuse(write(tmp_path, "b.csv", head + b"a,b,1,9,9\n"), "cannot be read")
    refuse(write(tmp_path, "c.csv", head + b"a,b\n"), "1 of 1 rows", "timestamp")
    late = b"user_id,item_id,timestamp,weight\n" + b"a,b,1,2\n" * 10_001 + b"a,b,1,some\n"
    refuse(write(tmp_path, "d.csv", late), "1 of 10002 rows have no finite weight")


def test_an_unknown_suffix(tmp_path):
    refuse(write(tmp_path, "a.doc", b"x"), "a.doc", ".parquet", ".csv", "convert")
    refuse(write(tmp_path, "a.xlsx", b"x"), "a.xlsx", "no Excel file")
    refuse(write(tmp_path, "noname", b"x"), "noname", "convert")


@pytest.mark.parametrize("missing", ["customer_id", "product_id", "invoice_date"])
def test_a_missing_column(table, tmp_path, missing):
    role = dict(zip(ROWS, ["user_id", "item_id", "timestamp"], strict=False))[missing]
    poor = table.drop(missing)
    poor.write_csv(tmp_path / "a.csv")
    poor.write_parquet(tmp_path / "a.parquet")
    for source in (poor, poor.to_pandas(), tmp_path / "a.csv", tmp_path / "a.parquet"):
        refuse(source, f"'{role}'", "'country'", f"--columns {role}=")


def test_mixed_types_in_a_pandas_column():
    frame = pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": [1, 2]})
    for column in ("user_id", "item_id"):
        mixed = frame.astype({column: object})
        mixed.loc[1, column] = 7
        mixed.loc[0, column] = 3.5
        mixed = pd.concat([mixed, frame])
        refuse(mixed, column, "text")


def test_object_columns_of_polars():
    column = pl.Series("user_id", [1, "b"], dtype=pl.Object)
    refuse(pl.DataFrame({"user_id": column, "item_id": [1, 2], "timestamp": [1, 2]}), "user_id")


@pytest.mark.parametrize("source", [None, 5, object(), np.zeros((3, 2)), [], {}])
def test_what_is_no_table(source):
    refuse(source)


def test_a_query_that_fails(database):
    refuse(database, "query failed", "syntax error", query="SELECT * FRM orders")
    refuse(database, "query failed", "no such table", query="SELECT * FROM no_such_place")
    refuse(database, "'user_id'", "'price'", query="SELECT price FROM orders")
    refuse(database, "no interaction", query=QUERY + " AND quantity > 1000")
    refuse(database, "needs a query", "--query")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM orders", "DROP TABLE orders", "insert into orders select * from orders"],
)
def test_a_statement_that_returns_no_rows(database, statement):
    refuse(database, query=statement)
    check(Interactions.read(database, columns=COLUMNS, query=QUERY))


def test_a_database_that_cannot_be_reached():
    refuse("nosuch://host/name", "query failed", query="SELECT 1")
    refuse("sqlite:////no/such/folder/a.db", "query failed", query="SELECT 1")


def test_a_query_without_a_database(table, tmp_path):
    refuse(table, "database URL", query=QUERY)
    refuse(tmp_path / "a.csv", "database URL", query=QUERY)


def test_dates_from_every_source_mean_the_same(tmp_path):
    days = [dt.datetime(2024, 1, 1, 12), dt.datetime(2024, 3, 1)]  # noqa: DTZ001
    table = pl.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": days})
    table.write_csv(tmp_path / "a.csv")
    table.write_parquet(tmp_path / "a.parquet")
    wanted = [int(d.replace(tzinfo=dt.UTC).timestamp()) for d in days]
    sources = (table, table.to_pandas(), tmp_path / "a.csv", tmp_path / "a.parquet")
    for source in sources:
        assert Interactions.read(source).block.timestamps.tolist() == wanted
