"""A silo that reads its own PostgreSQL, with the column types that such databases have."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy

from hedgerow.client.sources import Table, fold_of
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.split import LastOut
from hedgerow.errors import DataError

ROWS = """
CREATE TABLE visits (patient bigint, drug varchar(10), at timestamptz, amount numeric(10, 2));
INSERT INTO visits VALUES
    (10, 'A', '2024-03-01 12:00:00+01', 1.50),
    (9, 'B', '2024-03-01 11:00:01+00', 2),
    (10, 'B', '2024-03-01 11:00:01+00', 0.25),
    (10, 'C', '2024-02-01 00:00:00+00', 1),
    (10, 'X', '2024-02-02 00:00:00+00', 1);
"""


@pytest.fixture(scope="module")
def postgres_url():
    """A server of this module alone; it refuses to run as root, so it runs as nobody."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("needs PostgreSQL's initdb and pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    become = []
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def run(name, *arguments):
        command = [*become, name, "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", f"--log={folder / 'log'}", f"-o {options}")
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        run("pg_ctl", "stop", "--mode=immediate", "--silent")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def database(postgres_url):
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(ROWS)
    engine.dispose()
    return postgres_url


def test_histories_come_from_a_query(database):
    source = Table(
        database,
        "SELECT patient, drug, at, amount FROM visits",
        Columns("patient", "drug", "at", weight="amount"),
    )
    held = fold_of(source, Catalog(pl.Series(["C", "B", "A"])), LastOut(), most=2)
    assert held.users.to_list() == ["9", "10"]
    assert held.fold.history.lengths.tolist() == [1, 2]
    assert held.fold.history.items.tolist() == [1, 0, 2]
    assert held.fold.history.timestamps.tolist() == [1709290801, 1706745600, 1709290800]
    assert held.fold.history.weights.tolist() == [2.0, 1.0, 1.5]
    assert held.fold.targets.items.tolist() == [1]
    assert held.notes == ("1 interactions with 1 items that the catalog lacks left out",)


def test_the_query_changes_nothing(database):
    for query in ("DELETE FROM visits", "WITH gone AS (DELETE FROM visits RETURNING *) SELECT 1"):
        with pytest.raises(DataError):
            Table(database, query).read()
    rows = Table(database, "SELECT patient, drug, at FROM visits", Columns("patient", "drug", "at"))
    assert len(rows.read()) == 5


def test_a_query_that_fails_is_told_in_a_sentence(database):
    with pytest.raises(DataError, match="nowhere"):
        Table(database, "SELECT * FROM nowhere").read()
