"""Whatever the umask is, nobody else reads what holds people's data or secrets."""

import os

import pytest
from processes import Deployed, hedgerow

from hedgerow.privacy.ledger_lines import FileLines
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database

CSV = "user_id,item_id,timestamp\n" + "".join(f"p{n},thing,{n}\n" for n in range(5))


@pytest.fixture
def open_hearted():
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def shown(folder):
    """The files and folders that others may read, enter or write."""
    return {
        path.relative_to(folder).as_posix(): oct(path.stat().st_mode & 0o777)
        for path in [folder, *folder.rglob("*")]
        if path.stat().st_mode & 0o077
    }


@pytest.mark.usefixtures("open_hearted")
def test_files_of_servers_and_agents_are_their_owners(tmp_path):
    agent, kept = tmp_path / "agent", tmp_path / "kept"
    data = tmp_path / "data.csv"
    data.write_text(CSV)
    with Deployed(tmp_path / "shop") as deployed:
        deployed.serve_both()
        token = deployed.token("silo", 5)
        joined = hedgerow(
            "join", agent, "--url", deployed.url, "--token", token, "--deployment",
            deployed.deployment, "--data", data, "--any-task", "--consent", "train", "--once",
        )  # fmt: skip
        assert joined.returncode == 0, joined.stderr
        blobs = FolderBlobs(deployed.folder / "coordinator/blobs")
        blobs.put("model/aa/bb", b"model")
        assert hedgerow("backup", deployed.folder, kept, "--with-keys").returncode == 0
        written = {path.name for path in (deployed.folder / "coordinator").iterdir()}
        assert written >= {"hedgerow.db", "hedgerow.db-wal", "hedgerow.db-shm", "blobs"}
        for party in ("coordinator", "helper"):
            # Certificates and public keys are for everybody.
            open_to_all = shown(deployed.folder / party).keys()
            assert open_to_all <= {"tls.pem", "ca.pem", "deployment.json", f"{party}.json"}
    assert shown(agent) == {}
    assert (agent / "profile.json").exists()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("open_hearted")
def test_files_of_the_library_are_their_owners(tmp_path):
    Database.open(f"sqlite:///{tmp_path / 'new' / 'hedgerow.db'}").close()
    blobs = FolderBlobs(tmp_path / "new" / "blobs")
    blobs.put("a/b", b"x")
    assert FileLines(tmp_path / "new" / "ledger.jsonl").append(b"{}\n", 0)
    assert shown(tmp_path / "new") == {}
