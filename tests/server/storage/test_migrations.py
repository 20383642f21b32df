"""Tables go up and down with data in them, whoever starts first, and no version is mistaken."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, inspect, select, text

from hedgerow.errors import StorageError
from hedgerow.server.storage import migrating, migrations, schema
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.tables import live, messages, metadata, tasks

TASK = {"id": "t", "name": "task", "body": "{}", "status": "active", "created": 1.5}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """The address of a database that has no tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'migrated.db'}"
    server = request.getfixturevalue("postgres_server")
    name = "migrated"
    engine = create_engine(
        server.url("postgres").replace("postgresql", "postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url(name)


@pytest.fixture
def migrated(url):
    database = Database.open(url)
    yield database
    database.close()


def test_the_newest_version_is_that_of_the_program(migrated):
    with migrated.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert schema.age(connection) is schema.Age.SAME


def test_the_versions_are_those_of_the_migrations():
    newest_first = ScriptDirectory(migrations.__path__[0]).walk_revisions()
    assert schema.VERSIONS[::-1] == tuple(step.revision for step in newest_first)


def test_keys_are_those_that_are_made_directly(migrated, tmp_path):
    """Also those that the comparison above leaves out."""
    direct = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    metadata.create_all(direct)
    ours, theirs = inspect(migrated.engine), inspect(direct)
    for table in metadata.tables:
        assert keys(ours, table) == keys(theirs, table)
    direct.dispose()


def keys(inspector, table):
    """Primary, unique and foreign keys by their columns; their names are the databases' affair."""
    return (
        inspector.get_pk_constraint(table)["constrained_columns"],
        sorted(key["column_names"] for key in inspector.get_unique_constraints(table)),
        sorted(
            (key["constrained_columns"], key["referred_table"], key["referred_columns"])
            for key in inspector.get_foreign_keys(table)
        ),
    )


def test_down_and_up_again_with_data_in(migrated):
    def fill():
        with migrated.write() as connection:
            connection.execute(insert(tasks).values(TASK))
            connection.execute(insert(live).values(task="t", model="m", who="x", at=2.5))

    fill()
    with migrated.write() as connection:
        migrating.downgrade(connection, migrating.BASE)
    assert set(inspect(migrated.engine).get_table_names()) == {"alembic_version"}
    again = Database.open(migrated.engine.url.render_as_string(hide_password=False))
    again.close()
    fill()
    with migrated.read() as connection:
        assert connection.execute(select(tasks)).one()._asdict() == TASK
        assert connection.execute(select(live)).one() == (1, "t", "m", "x", 2.5)
        assert connection.execute(select(messages)).all() == []


def test_many_may_start_at_once(url):
    with ThreadPoolExecutor(8) as pool:
        for database in pool.map(Database.open, [url] * 8):
            database.close()
    Database.open(url, upgrade=False).close()


def test_tables_that_are_missing_are_not_made_unasked(url):
    with pytest.raises(StorageError, match="start 'hedgerow serve'"):
        Database.open(url, upgrade=False)


@pytest.mark.parametrize("upgrade", [True, False])
def test_a_newer_database_is_refused_and_left_alone(migrated, url, upgrade):
    with migrated.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer version of Hedgerow"):
        Database.open(url, upgrade=upgrade)
    with migrated.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_rows_that_point_nowhere_stop_an_upgrade(sqlite):
    with sqlite.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        connection.execute(insert(live).values(task="none", model="m", who="x", at=2.5))
        with pytest.raises(StorageError, match="rows that do not exist"):
            migrating.upgrade(connection)
        connection.invalidate()
