"""A folder knows its database: what commands do there is what its server sees."""

import stat

import httpx
import pytest
from processes import Deployed, hedgerow

from hedgerow.errors import ConfigError, StorageError
from hedgerow.server.security import parties
from hedgerow.server.settings import Settings
from hedgerow.server.storage import noted
from hedgerow.server.storage.database import Database

REFUSED = 1


def said(found):
    """Return the one sentence with which a command was refused."""
    assert found.returncode == REFUSED, found.stdout + found.stderr
    (line,) = [line for line in found.stderr.splitlines() if line]
    assert line.startswith("error: ")
    return line


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "shop"
    made.mkdir()
    parties.make_rehearsal(made, "https://shop.example")
    return made


def test_commands_work_on_the_database_that_is_served(postgres, tmp_path, folder):
    url = postgres.engine.url.render_as_string(hide_password=False)
    with Deployed(folder) as deployed:
        (folder / "coordinator" / "hedgerow.db").unlink()
        deployed.serve("coordinator", "--database", url)
        note = folder / "coordinator" / noted.NOTE
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert "holds nothing yet" in said(hedgerow("backup", folder, tmp_path / "early.zip"))
        assert not (tmp_path / "early.zip").exists()
        made = hedgerow("access-key", folder, "me")
        assert made.returncode == 0, made.stderr
        headers = {"authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx.get(f"{deployed.url}/v1/tasks", headers=headers).status_code == 200
        other = f"sqlite:///{tmp_path / 'other.db'}"
        for command in (("access-key", folder, "you"), ("backup", folder, tmp_path / "b.zip")):
            assert "served from the database" in said(hedgerow(*command, "--database", other))
        assert hedgerow("backup", folder, tmp_path / "a.zip").returncode == 0
    assert not (tmp_path / "other.db").exists()
    assert not (folder / "coordinator" / "hedgerow.db").exists()
    restored = tmp_path / "restored.db"
    found = hedgerow("restore", folder, tmp_path / "a.zip", "--database", f"sqlite:///{restored}")
    assert found.returncode == 0, found.stderr
    with Deployed(folder) as again:
        # What is noted is served without being given again.
        again.serve()
        assert httpx.get(f"{again.url}/v1/tasks", headers=headers).status_code == 200


def test_only_a_server_makes_a_database(folder, tmp_path):
    slip = tmp_path / "hedgerw.db"
    for command in (("access-key", folder, "me"), ("backup", folder, tmp_path / "a.zip")):
        assert "no database" in said(hedgerow(*command))
        assert "no database" in said(hedgerow(*command, "--database", f"sqlite:///{slip}"))
    found = hedgerow("audit-log", "export", f"sqlite:///{slip}", tmp_path / "log")
    assert "no database" in said(found)
    assert not slip.exists()
    assert not list(folder.rglob("*.db"))
    with pytest.raises(StorageError, match="no database"):
        Database.open(f"sqlite:///{slip}", upgrade=False)


def test_one_database_is_known_however_it_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert noted.note(Settings(folder, database="sqlite:///own.db"))
    absolute = f"sqlite:///{tmp_path / 'own.db'}"
    monkeypatch.chdir(folder)
    assert noted.known(Settings(folder)).database == absolute
    assert noted.to_serve(Settings(folder)).database == absolute
    assert noted.known(Settings(folder, database="sqlite:///../own.db"))
    with pytest.raises(ConfigError, match="leave --database"):
        noted.known(Settings(folder, database="sqlite:///own.db"))
    # Another password and another user are no other database; the sentence shows no password.
    assert noted.note(Settings(folder, database="postgresql://a:word@db/shop"))
    given = "postgres://b:other@db:5432/shop"
    assert noted.known(Settings(folder, database=given)).database == given
    with pytest.raises(ConfigError, match="a:\\*\\*\\*@db/shop") as refused:
        noted.known(Settings(folder, database="postgresql://a:word@db/other"))
    assert "word" not in str(refused.value)
    # Each role has its own; that of the folder itself needs no note, so that folders may move.
    assert noted.known(Settings(folder, "helper")).database is None
    default = Settings(folder).database_url
    assert noted.note(Settings(folder, database=default))
    assert noted.to_serve(Settings(folder)).database is None
    assert not (folder / "coordinator" / noted.NOTE).exists()
