"""What tests of the server share: an empty database of either kind, the PostgreSQL a real one."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from hedgerow.server.storage.database import Database
from hedgerow.server.storage.tables import metadata


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that listens on a socket in its own folder."""

    folder: Path

    def url(self, name):
        return f"postgresql://postgres@/{name}?host={self.folder}"


def _program(name):
    """Find a program of PostgreSQL, which Debian keeps out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgres_server():
    """A server of this test process alone; it refuses to run as root, so it runs as nobody."""
    if not _program("initdb") or not _program("pg_ctl"):
        pytest.skip("needs PostgreSQL's initdb and pg_ctl")
    # A socket's path has to be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    become = []
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def run(name, *arguments):
        command = [*become, _program(name), "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        quick = "-c fsync=off -c full_page_writes=off -c max_connections=200"
        options = f"-c listen_addresses= -k {folder} {quick}"
        run("pg_ctl", "start", "--wait", "--silent", f"--log={folder / 'log'}", f"-o {options}")
        yield Server(folder)
        run("pg_ctl", "stop", "--mode=immediate", "--silent")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _postgres(postgres_server):
    """One database with tables, emptied for each test that asks for it."""
    database = Database.open(postgres_server.url("postgres"))
    yield database
    database.close()


@pytest.fixture
def postgres(_postgres):
    """An empty PostgreSQL database."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with _postgres.write() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    return _postgres


@pytest.fixture(scope="session")
def _empty_sqlite(tmp_path_factory):
    """A file to copy, so that tables are made once."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite(_empty_sqlite, tmp_path):
    """An empty SQLite database."""
    path = tmp_path / "hedgerow.db"
    shutil.copyfile(_empty_sqlite, path)
    database = Database.open(f"sqlite:///{path}", upgrade=False)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """An empty database, of one kind and then the other."""
    return request.getfixturevalue(request.param)
