"""Backups: made while a federation runs, restored to either kind of database, and gone on with."""

import asyncio
import base64
import json
import threading
import zipfile
from pathlib import Path

import pytest
from network import Deployment, contribute, drawn, fold_of, members
from operated import operated, runs_ended
from sqlalchemy import delete, insert, select, update

from hedgerow.errors import ConfigError, DataError, PolicyError, ProtocolError, StorageError
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.secure.identity import public
from hedgerow.server.operations.afterwards import RESTORED
from hedgerow.server.operations.archive import MANIFEST, reading
from hedgerow.server.operations.backup import back_up, key_files
from hedgerow.server.operations.restore import restore, restore_keys
from hedgerow.server.rounds.failed import may_be_open
from hedgerow.server.rounds.record import OVER, load_round
from hedgerow.server.security import audit_chain, audit_log, keys, parties
from hedgerow.server.storage import schema, tables
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.ledger_lines import DatabaseLines

KEY = public(drawn(2))


def contents(database):
    """Return all rows of a database."""
    with database.read() as connection:
        return {
            table.name: [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in tables.metadata.sorted_tables
        }


def restored(path, database, blobs, **changed):
    with reading(path) as reader:
        return restore(reader, database, blobs, **{"key": KEY, "clock": lambda: 9.0, **changed})


@pytest.fixture
def other(request, tmp_path, database):
    """An empty database of the other kind than the first."""
    if database.engine.dialect.name == "sqlite":
        return request.getfixturevalue("postgres")
    return request.getfixturevalue("sqlite")


def one_round(database):
    with database.read() as connection:
        return len(connection.scalars(select(tables.models.c.hash)).all()) > 1


@pytest.mark.parametrize("secure", ["pairwise", "split"])
def test_a_federation_is_backed_up_while_it_runs_and_goes_on_elsewhere(
    tmp_path, database, other, shop, clients, make_task, secure
):
    deployment = Deployment(tmp_path, database)
    identities = deployment.enrol(clients.names)
    deployment.task(make_task(secure), shop.catalog)
    with database.write() as connection:
        event = audit_log.Event("root", "create-task", "shop")
        audit_log.append(connection, event, key=deployment.coordinator, clock=lambda: 1.0)
    found = members(deployment, identities, clients, fold_of(shop))
    path, stop = tmp_path / "backup.zip", threading.Event()

    def once_it_runs():
        while not one_round(database):
            if stop.wait(0.01):
                return
        back_up(path, database, deployment.blobs)

    backing_up = threading.Thread(target=once_it_runs)
    backing_up.start()
    with operated(deployment, tell=()) as running:
        # The first coordinator dies when the backup has been made.
        asyncio.run(
            contribute(
                running.address, found, lambda: not backing_up.is_alive() or runs_ended(database)
            )
        )
    stop.set()
    backing_up.join()
    assert path.exists()
    deployment.database, deployment.blobs = other, FolderBlobs(tmp_path / "elsewhere")
    done = restored(path, other, deployment.blobs, signing=deployment.coordinator)
    assert done.paused == ("shop",)
    with other.read() as connection:
        going = connection.scalars(
            select(tables.rounds.c.id).where(tables.rounds.c.phase.not_in(OVER))
        )
        assert not going.all()
        failed = select(tables.rounds.c.id).where(tables.rounds.c.failure == RESTORED)
        names = connection.scalars(failed).all()
        assert len(names) == done.rounds
        assert all(may_be_open(load_round(connection, name)) for name in names)
        newest = audit_log.head(connection)
        log = audit_chain.verify(audit_log.lines(connection), newest, KEY)
    assert [line.what for line in log] == ["create-task", "restore-backup"]
    with other.write() as connection:
        connection.execute(update(tables.tasks).values(status="active"))
    problems = []
    # These members agree to another attempt; what they answered was under another name.
    with operated(deployment, tell=()) as running:
        asyncio.run(contribute(running.address, found, lambda: runs_ended(other), problems))
    with other.read() as connection:
        runs = connection.execute(select(tables.runs)).all()
    assert [(run.status, run.note) for run in runs] == [("done", "")]
    entries = Ledger(DatabaseLines(other)).entries
    assert len({entry.name for entry in entries}) == len(entries) >= 2
    assert entries[-1].epsilon <= 8.0 * (1 + 1e-6)


def filled(database, blobs):
    """Put something into all tables that a backup treats in a way of its own."""
    with database.write() as connection:
        put = {
            "catalogs": {"hash": "c" * 64, "items": 3, "created": 0.1},
            "tasks": {"id": "t", "name": "t", "body": "{}", "status": "active", "created": 0.0},
            "runs": {
                "id": "r",
                "task": "t",
                "status": "running",
                "body": "{}",
                "step": 0,
                "state": "a" * 64,
                "progress": "{}",
                "note": "ä\n☃",
                "created": 1 / 3,
                "changed": 1e300,
            },
            "rounds": {
                "id": "o" * 32,
                "run": "r",
                "step": 0,
                "purpose": "step",
                "attempt": 0,
                "phase": "masked",
                "mode": "pairwise",
                "ask": "",
                "deadline": 1.0,
                "owner": "one",
                "lease_until": 1e12,
                "epoch": 3,
                "created": 0.0,
                "changed": 0.0,
                "failure": None,
                "stats": '{"release": "x"}',
                "terms": None,
            },
            "clients": {
                "id": "k" * 64,
                "kind": "device",
                "name": "n",
                "users": 1,
                "certificate": bytes(range(256)),
                "enrolled": 0.0,
                "revoked": None,
            },
            "messages": {
                "seq": 41,
                "round": "o" * 32,
                "client": "k" * 64,
                "kind": "reveal",
                "digest": "d" * 64,
                "length": 6,
                "body": b"shares",
                "blob": None,
                "start": None,
                "refused": None,
                "received": 0.0,
            },
            "live": {"seq": 7, "task": "t", "model": "a" * 64, "who": "x", "at": 0.0},
            "helper_sessions": {
                "session": "s",
                "terms": b"",
                "release": "x",
                "deviation": 0.5,
                "answer": None,
                "created": 0.0,
            },
            "helper_reports": {"session": "s", "report": "e" * 64, "signed": b"\0"},
        }
        for table in tables.metadata.sorted_tables:
            if table.name in put:
                connection.execute(insert(table), put[table.name])
        event = audit_log.Event("root", "create-task", "shop")
        audit_log.append(connection, event, key=drawn(2), clock=lambda: 1.0)
    blobs.put("catalog/" + "c" * 64, b"catalog")
    blobs.put("items/" + "c" * 64, b"items")
    blobs.put("model/" + "a" * 64, bytes(3_000_000))
    blobs.put("momenta/" + "a" * 64, b"momenta")
    blobs.put("segment/0000000000-x", b"masked vectors")


@pytest.fixture
def backup(tmp_path, database):
    """A backup of everything."""
    blobs = FolderBlobs(tmp_path / "from")
    filled(database, blobs)
    path = tmp_path / "backup.zip"
    back_up(path, database, blobs, clock=lambda: 5.0)
    return path


def test_what_comes_back_is_what_there_was_but_for_rounds(tmp_path, backup, database, other):
    blobs = FolderBlobs(tmp_path / "to")
    before = contents(database)
    done = restored(backup, other, blobs)
    after = contents(other)
    treated = {"rounds", "messages", "tasks", "used_reports"}
    assert {n: rows for n, rows in after.items() if n not in treated} == {
        n: rows for n, rows in before.items() if n not in treated
    }
    with other.read() as connection:
        (ended,) = connection.execute(select(tables.rounds)).all()
        (message,) = connection.execute(select(tables.messages)).all()
        (used,) = connection.execute(select(tables.used_reports)).all()
        (task,) = connection.scalars(select(tables.tasks.c.status))
    assert (ended.phase, ended.failure, ended.epoch, ended.owner) == ("failed", RESTORED, 4, None)
    assert json.loads(ended.stats) == {"release": "x", "failed_in": "publish"}
    assert (message.body, message.digest) == (None, "d" * 64)
    assert tuple(used) == ("helper", "e" * 64, RESTORED)
    assert task == "paused"
    assert (done.rounds, done.reports, done.paused) == (1, 1, ("t",))
    assert blobs.get("model/" + "a" * 64) == bytes(3_000_000)
    assert blobs.get("momenta/" + "a" * 64) == b"momenta"
    assert blobs.names("segment") == []


def test_numbers_go_on_where_they_stopped(tmp_path, backup, other):
    restored(backup, other, FolderBlobs(tmp_path / "to"))
    with other.write() as connection:
        row = {"task": "t", "model": "a" * 64, "who": "x", "at": 0.0}
        assert connection.scalar(insert(tables.live).returning(tables.live.c.seq), row) == 8


def test_what_clients_sent_is_not_in_a_backup(backup):
    with zipfile.ZipFile(backup) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert base64.b64encode(b"shares") not in everything
    assert b"masked vectors" not in everything
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_database_that_is_not_empty_is_not_restored_into(tmp_path, backup, database):
    before = contents(database)
    with pytest.raises(StorageError, match="not empty"):
        restored(backup, database, FolderBlobs(tmp_path / "to"))
    assert contents(database) == before


def test_another_blob_is_not_replaced(tmp_path, backup, other):
    blobs = FolderBlobs(tmp_path / "to")
    blobs.put("model/" + "a" * 64, b"another")
    with pytest.raises(StorageError, match="another blob"):
        restored(backup, other, blobs)
    assert not any(contents(other).values())


def test_a_file_is_not_overwritten(tmp_path, backup, database):
    with pytest.raises(DataError, match="already"):
        back_up(backup, database, None)


def rewritten(path, change):
    """Write an archive anew with some of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    found = path.with_name("changed.zip")
    with zipfile.ZipFile(found, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return found


def _flip(parts):
    content = bytearray(parts["tables/clients.jsonl"])
    content[10] ^= 1
    parts["tables/clients.jsonl"] = bytes(content)


def _longer(parts):
    parts["tables/clients.jsonl"] += b"[]\n"


def _drop(parts):
    del parts["tables/clients.jsonl"]


def _more(parts):
    parts["tables/more.jsonl"] = b""


def _no_manifest(parts):
    del parts[MANIFEST]


def _other_format(parts):
    parts[MANIFEST] = parts[MANIFEST].replace(b"version 1", b"version 2")


def _not_json(parts):
    parts[MANIFEST] = b"[1]"


@pytest.mark.parametrize(
    "change", [_flip, _longer, _drop, _more, _no_manifest, _other_format, _not_json]
)
def test_a_damaged_backup_is_refused(tmp_path, backup, other, change):
    with pytest.raises(DataError, match="damaged"):
        restored(rewritten(backup, change), other, FolderBlobs(tmp_path / "to"))
    assert not any(contents(other).values())


def test_any_byte_of_the_file_that_changes_is_noticed_or_changes_nothing(tmp_path, sqlite):
    path = tmp_path / "backup.zip"
    back_up(path, sqlite, None, clock=lambda: 5.0)
    with reading(path) as reader:
        whole = reader.manifest
    data = path.read_bytes()
    changed = tmp_path / "changed.zip"
    for place in range(0, len(data), 13):
        changed.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            with reading(changed) as reader:
                assert reader.manifest == whole
        except DataError:
            pass


def test_what_is_no_backup_is_refused(tmp_path):
    (tmp_path / "text").write_text("no backup")
    for name in ("text", "missing"):
        with pytest.raises(DataError, match="cannot be read"), reading(tmp_path / name):
            pass


def test_a_changed_audit_log_is_not_restored(tmp_path, backup, database, other):
    with database.write() as connection:
        line = connection.scalar(select(tables.audit_lines.c.line))
        changed = bytes(line).replace(b"root", b"toor")
        connection.execute(update(tables.audit_lines).values(line=changed))
    back_up(tmp_path / "second.zip", database, None)
    with pytest.raises(ProtocolError) as error:
        restored(tmp_path / "second.zip", other, None)
    assert error.value.code == "bad-audit-log"
    with database.write() as connection:
        connection.execute(delete(tables.settings))
    back_up(tmp_path / "third.zip", database, None)
    with pytest.raises(ProtocolError, match="no signed head"):
        restored(tmp_path / "third.zip", other, None)
    assert not any(contents(other).values())


def test_an_audit_log_of_another_coordinator_is_not_restored(tmp_path, backup, other):
    with pytest.raises(ProtocolError) as error:
        restored(backup, other, FolderBlobs(tmp_path / "to"), key=public(drawn(3)))
    assert error.value.code == "bad-signature"


def test_a_changed_ledger_is_not_restored(tmp_path, database, other):
    with database.write() as connection:
        connection.execute(insert(tables.ledger_lines), {"number": 1, "line": b"{}\n"})
    back_up(tmp_path / "a.zip", database, None)
    with pytest.raises(PolicyError, match="ledger"):
        restored(tmp_path / "a.zip", other, None)


def test_a_backup_of_another_version_is_refused(tmp_path, backup, other):
    def change(parts):
        manifest = json.loads(parts[MANIFEST])
        parts[MANIFEST] = json.dumps({**manifest, "schema": "v9999"}).encode()

    with pytest.raises(DataError, match="version v9999"):
        restored(rewritten(backup, change), other, FolderBlobs(tmp_path / "to"))


def test_keys_are_in_a_backup_only_where_asked_for(tmp_path, sqlite):
    folder = tmp_path / "keys"
    folder.mkdir()
    parties.make_rehearsal(folder, "https://shop.example")
    back_up(tmp_path / "without.zip", sqlite, None)
    back_up(tmp_path / "with.zip", sqlite, None, secrets_of=folder)
    with reading(tmp_path / "without.zip") as reader:
        assert restore_keys(reader, tmp_path / "none") == 0
    with reading(tmp_path / "with.zip") as reader:
        count = restore_keys(reader, tmp_path / "again")
        assert restore_keys(reader, tmp_path / "again") == count
        (tmp_path / "again" / keys.COORDINATOR_KEY).write_bytes(b"another")
        with pytest.raises(ConfigError, match="already"):
            restore_keys(reader, tmp_path / "again")
    names = [p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*.key")]
    assert sorted(map(str, names)) == [
        "authority/ca.key",
        "authority/signing.key",
        "authority/tls.key",
        "coordinator/ca.key",
        "coordinator/signing.key",
        "coordinator/tls.key",
    ]
    assert (tmp_path / "again" / keys.COORDINATOR_KEY).stat().st_mode & 0o777 == 0o600
    assert not any(name.startswith("helper/") for name in key_files("coordinator"))
    assert not any(name.startswith(("coordinator/", "authority/")) for name in key_files("helper"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "coordinator/hedgerow.db", "/etc/passwd"])
def test_a_backup_writes_nothing_but_keys_into_the_folder(tmp_path, sqlite, name):
    back_up(tmp_path / "a.zip", sqlite, None)

    def change(parts):
        manifest = json.loads(parts[MANIFEST])
        digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        manifest["parts"][f"keys/{name}"] = {"sha256": digest, "bytes": 0}
        parts[MANIFEST] = json.dumps(manifest).encode()
        parts[f"keys/{name}"] = b""

    with (
        reading(rewritten(tmp_path / "a.zip", change)) as reader,
        pytest.raises(DataError, match="keys that its role has not"),
    ):
        restore_keys(reader, Path(tmp_path, "folder"))


def test_a_backup_that_cannot_be_written_leaves_nothing(tmp_path, sqlite):
    blobs = FolderBlobs(tmp_path / "from")
    filled(sqlite, blobs)
    blobs.delete("model/" + "a" * 64)
    with pytest.raises(StorageError, match="missing"):
        back_up(tmp_path / "a.zip", sqlite, blobs)
    assert not [path for path in tmp_path.iterdir() if "a.zip" in path.name]


def test_a_backup_sees_one_moment(tmp_path, database):
    """Rows that others write while tables are being read are not in it."""
    filled(database, FolderBlobs(tmp_path / "from"))
    url = database.engine.url.render_as_string(hide_password=False)
    writer = Database.open(url, upgrade=False)

    with database.read() as connection:
        schema.version(connection)
        with writer.write() as other:
            other.execute(insert(tables.settings), {"name": "late", "value": "x"})
        rows = connection.scalars(select(tables.settings.c.name)).all()
    writer.close()
    assert "late" not in rows
