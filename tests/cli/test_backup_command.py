"""``hedgerow backup`` and ``hedgerow restore``: a deployment in one file, and back."""

import sys

import pytest
import typer
from sqlalchemy import insert, select

from hedgerow.cli import backup as module
from hedgerow.errors import ConfigError, HedgerowError
from hedgerow.server.security import audit_log, keys, parties
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process; return what it printed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("backup")(module.backup)
    app.command("restore")(module.restore)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["hedgerow", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app()
        assert not end.value.code
        return capsys.readouterr().out

    return call


def filled(folder, role="coordinator"):
    """Make a deployment with a task."""
    folder.mkdir()
    parties.make_rehearsal(folder, "https://shop.example")
    database = Database.open(f"sqlite:///{folder / role / 'hedgerow.db'}")
    signing = keys.load_coordinator(folder).signing
    with database.write() as connection:
        row = {"id": "t", "name": "shop", "body": "{}", "status": "active", "created": 0.0}
        connection.execute(insert(tables.tasks), row)
        row = {"hash": "c" * 64, "items": 1, "created": 0.0}
        connection.execute(insert(tables.catalogs), row)
        event = audit_log.Event("root", "create-task", "shop")
        audit_log.append(connection, event, key=signing, clock=lambda: 1.0)
    database.close()
    blobs = FolderBlobs(folder / role / "blobs")
    blobs.put("catalog/" + "c" * 64, b"catalog")
    blobs.put("items/" + "c" * 64, b"items")


def test_a_deployment_comes_back_from_its_backup(command, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    filled(old)
    printed = command("backup", old, tmp_path / "a.zip", "--with-keys")
    assert "It holds secret keys" in printed
    printed = command("restore", new, tmp_path / "a.zip")
    assert "Tasks are paused: shop." in printed
    assert "Revoke again" in printed
    database = Database.open(f"sqlite:///{new / 'coordinator' / 'hedgerow.db'}", upgrade=False)
    with database.read() as connection:
        assert connection.scalar(select(tables.tasks.c.status)) == "paused"
        assert audit_log.head(connection).number == 2
    database.close()
    assert FolderBlobs(new / "coordinator" / "blobs").get("catalog/" + "c" * 64) == b"catalog"
    assert keys.load_coordinator(new).token_secret == keys.load_coordinator(old).token_secret


def test_without_keys_a_backup_says_so_and_needs_those_of_the_folder(command, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    filled(old)
    assert "It holds no keys" in command("backup", old, tmp_path / "a.zip")
    url = f"sqlite:///{tmp_path / 'other.db'}"
    arguments = ("--database", url, "--blobs", tmp_path / "other")
    command("restore", old, tmp_path / "a.zip", *arguments)
    with pytest.raises(ConfigError, match="key file"):
        module.restore(new, tmp_path / "a.zip")


def test_a_helpers_backup_is_restored_as_a_helpers(command, tmp_path):
    folder = tmp_path / "folder"
    filled(folder, "helper")
    command("backup", folder, tmp_path / "a.zip", "--role", "helper")
    with pytest.raises(HedgerowError, match="--role"):
        module.restore(folder, tmp_path / "a.zip")
    url = f"sqlite:///{tmp_path / 'other.db'}"
    printed = command("restore", folder, tmp_path / "a.zip", "--role", "helper", "--database", url)
    assert "new keys" in printed
