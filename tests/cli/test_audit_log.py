"""``hedgerow audit-log``: a log is checked from a database or a file, and copied to one."""

import sys

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete

from hedgerow.cli.audit_log import audit_log_app
from hedgerow.errors import ConfigError, DataError, ProtocolError, StorageError
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import public
from hedgerow.server.security import audit_log
from hedgerow.server.security.audit_log import Event
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.tables import audit_lines, settings

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (4, 5))


@pytest.fixture
def url(tmp_path):
    """A database whose log has three lines."""
    url = f"sqlite:///{tmp_path / 'hedgerow.db'}"
    database = Database.open(url)
    for number in range(3):
        log(database, number)
    database.close()
    return url


def log(database, number):
    event = Event("anna", "enrol-client", f"client {number}")
    with database.write() as connection:
        audit_log.append(connection, event, key=KEY, clock=lambda: number)


def change(url, *statements, add=0):
    database = Database.open(url)
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)
    for number in range(add):
        log(database, number)
    database.close()


def known(path, coordinator):
    """Write down a deployment with a coordinator's key."""
    made = Deployment("https://shop.example", bytes([5]) * 32, public(coordinator))
    path.write_text(made.to_json())
    return path


@pytest.fixture
def key(tmp_path):
    return known(tmp_path / "deployment.json", KEY)


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command in this process; return what it printed, or raise its error."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.add_typer(audit_log_app)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["hedgerow", "audit-log", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app()
        assert not end.value.code
        return capsys.readouterr().out

    return call


def test_a_database_is_checked(command, url, key):
    printed = command("verify", url, "--deployment", key)
    assert "whole: 3 lines" in printed
    assert "--after" in printed


def test_a_copy_is_checked_on_its_own(command, url, key, tmp_path):
    file = tmp_path / "log.jsonl"
    assert str(file) in command("export", url, file)
    assert "whole: 3 lines" in command("verify", file, "--deployment", key)
    assert file.read_bytes().count(b"\n") == 4
    assert sorted(tmp_path.glob(".*")) == []


def test_a_log_goes_on_from_an_earlier_copy(command, url, key, tmp_path):
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    command("export", url, earlier)
    change(url, add=2)
    command("export", url, later)
    for source in (url, later):
        printed = command("verify", source, "--deployment", key, "--after", earlier)
        assert "whole: 5 lines" in printed
        assert "--after" not in printed
    with pytest.raises(ProtocolError, match="earlier head"):
        command("verify", earlier, "--deployment", key, "--after", later)


def test_damage_is_one_sentence(command, url, key, tmp_path):
    file = tmp_path / "log.jsonl"
    command("export", url, file)
    whole = file.read_bytes()
    for damaged in (b"", whole[:-1], whole.replace(b"client 1", b"client 7"), b"\xff" * 99):
        file.write_bytes(damaged)
        with pytest.raises(ProtocolError, match="audit log"):
            command("verify", file, "--deployment", key)
    change(url, delete(audit_lines).where(audit_lines.c.number == 3))
    with pytest.raises(ProtocolError, match="2 lines"):
        command("verify", url, "--deployment", key)
    change(url, delete(settings))
    with pytest.raises(ProtocolError, match="no signed head"):
        command("verify", url, "--deployment", key)


def test_another_key_did_not_sign_it(command, url, tmp_path):
    path = known(tmp_path / "other.json", OTHER)
    with pytest.raises(ProtocolError, match="not signed"):
        command("verify", url, "--deployment", path)


def test_missing_files_are_one_sentence(command, url, key, tmp_path):
    with pytest.raises(DataError, match="no file"):
        command("verify", tmp_path / "none", "--deployment", key)
    with pytest.raises(DataError, match="no file"):
        command("verify", url, "--deployment", key, "--after", tmp_path / "none")
    with pytest.raises(DataError, match="no file"):
        command("verify", url, "--deployment", tmp_path / "none")
    (tmp_path / "odd.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"not the deployment\.json"):
        command("verify", url, "--deployment", tmp_path / "odd.json")
    with pytest.raises(ConfigError, match="database"):
        command("verify", "mysql://a/b", "--deployment", key)
    with pytest.raises(StorageError):
        command("verify", f"sqlite:///{tmp_path / 'empty.db'}", "--deployment", key)
