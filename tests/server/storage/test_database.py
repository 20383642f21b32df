"""Either database: writes are whole or not at all, take turns, and say what keeps them."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hedgerow.errors import ConfigError, StorageError
from hedgerow.server.storage import database as module
from hedgerow.server.storage.database import Database, insert_once, retried
from hedgerow.server.storage.tables import closings, settings, used_reports


def put(database, name, value="1"):
    with database.write() as connection:
        connection.execute(insert(settings).values(name=name, value=value))


def names(database):
    with database.read() as connection:
        return sorted(connection.scalars(select(settings.c.name)))


def test_a_write_is_whole_or_not_at_all(database):
    put(database, "kept")

    def half():
        with database.write() as connection:
            connection.execute(insert(settings).values(name="lost", value="1"))
            connection.execute(insert(settings).values(name="kept", value="2"))

    with pytest.raises(IntegrityError):
        half()
    assert names(database) == ["kept"]


def test_a_write_undone_by_hand_leaves_nothing(database):
    with database.write() as connection:
        connection.execute(insert(settings).values(name="lost", value="1"))
        connection.rollback()
    assert names(database) == []


def test_a_read_sees_one_moment(database):
    put(database, "before")
    with database.read() as connection:
        assert connection.scalars(select(settings.c.name)).all() == ["before"]
        put(database, "after")
        assert connection.scalars(select(settings.c.name)).all() == ["before"]
    assert names(database) == ["after", "before"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_read_changes_nothing(request, kind):
    database = request.getfixturevalue(kind)
    refused = pytest.raises(DBAPIError) if kind == "postgres" else nullcontext()
    with refused, database.read() as connection:
        connection.execute(insert(settings).values(name="by a reader", value="1"))
    assert names(database) == []


def test_concurrent_counts_add_up(database):
    put(database, "count", "0")

    def add(_):
        def work():
            with database.write() as connection:
                count = connection.scalars(
                    select(settings.c.value).where(settings.c.name == "count").with_for_update()
                ).one()
                connection.execute(update(settings).values(value=str(int(count) + 1)))

        retried(work)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(64)))
    with database.read() as connection:
        assert connection.scalars(select(settings.c.value)).one() == "64"


def test_rows_point_to_rows_that_exist(database):
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(closings).values(round="none", phase="keys", body=b""))


def test_rows_are_inserted_once(database):
    rows = [{"role": "helper", "report": str(n), "session": "a"} for n in range(3000)]
    with database.write() as connection:
        assert insert_once(connection, used_reports, []) == []
        first = insert_once(connection, used_reports, rows[:1500])
    with database.write() as connection:
        second = insert_once(connection, used_reports, rows)
    assert sorted(first) == sorted(("helper", row["report"]) for row in rows[:1500])
    assert sorted(second) == sorted(("helper", row["report"]) for row in rows[1500:])


def test_sqlite_is_durable(sqlite):
    with sqlite.read() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 1000 * module.PATIENCE]


def test_a_writer_that_waits_too_long_is_told_so(sqlite, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0)
    impatient = Database.open(str(sqlite.engine.url), upgrade=False)
    waits = []

    def work():
        put(impatient, "late")

    with sqlite.write(), pytest.raises(StorageError, match="database is locked"):
        retried(work, attempts=4, sleep=waits.append)
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2] <= 0.3
    retried(work, sleep=waits.append)
    impatient.close()
    assert names(sqlite) == ["late"]


def test_transactions_that_collide_are_tried_again(postgres):
    put(postgres, "one")
    put(postgres, "two")
    meet, tried = threading.Barrier(2), []

    def work(order):
        def change():
            tried.append(order)
            with postgres.write() as connection:
                for name in order:
                    connection.execute(
                        update(settings).where(settings.c.name == name).values(value=order[0])
                    )
                    if len(tried) <= 2 and name == order[0]:
                        meet.wait()

        retried(change)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [("one", "two"), ("two", "one")]))
    assert len(tried) == 3


def test_a_broken_connection_is_replaced(postgres):
    seen = []

    def work():
        with postgres.write() as connection:
            seen.append(connection.scalar(text("SELECT pg_backend_pid()")))
            if len(seen) == 1:
                with postgres.write() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": seen[0]})
            connection.execute(insert(settings).values(name="once", value="1"))

    retried(work)
    assert len(set(seen)) == 2
    assert names(postgres) == ["once"]


def test_what_cannot_be_reached_is_said_in_one_sentence(tmp_path):
    url = f"postgresql://shop:secret@/none?host={tmp_path}"
    with pytest.raises(StorageError, match="cannot be used") as caught:
        Database.open(url)
    assert caught.value.transient
    assert "secret" not in str(caught.value)
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(StorageError, match="not a database") as caught:
        Database.open(f"sqlite:///{tmp_path / 'text.db'}")
    assert not caught.value.transient


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "sqlite:///a?mode=ro"],
)
def test_an_address_of_no_database_is_refused(url):
    with pytest.raises(ConfigError, match="sqlite:///file"):
        Database.open(url)


def test_a_folder_for_the_file_is_made(tmp_path):
    Database.open(f"sqlite:///{tmp_path}/new/folder/hedgerow.db").close()
    with closing(sqlite3.connect(tmp_path / "new" / "folder" / "hedgerow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM rounds").fetchone() == (0,)


def test_errors_of_the_program_are_not_dressed_up(database):
    with pytest.raises(DBAPIError), database.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_errors_do_not_show_what_was_sent(database):
    put(database, "known")
    with pytest.raises(IntegrityError) as caught:
        put(database, "known", "a secret")
    assert "a secret" not in str(caught.value)


def test_a_pool_that_is_used_up_says_so(postgres, monkeypatch):
    monkeypatch.setattr(module, "CONNECTIONS", 1)
    monkeypatch.setattr(module, "MORE_CONNECTIONS", 0)
    monkeypatch.setattr(module, "PATIENCE", 0)
    small = Database.open(str(postgres.engine.url), upgrade=False)
    with small.read(), pytest.raises(StorageError, match="in use") as caught, small.read():
        pass
    assert caught.value.transient
    small.close()
