"""Blobs are whole or not there, wherever they are kept, and no name leads out of its place."""

import os
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from hedgerow.errors import ConfigError, StorageError
from hedgerow.server.storage.blobs import FolderBlobs, ObjectBlobs, checked, open_blobs

CONTENT = bytes(range(256)) * 300


@pytest.fixture(scope="session")
def s3():
    """A server that speaks S3's protocol, with a bucket."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/bucket").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "file address", "memory", "object store of files", "s3"])
def blobs(request, tmp_path, monkeypatch):
    folder = tmp_path / "some folder"
    if request.param == "s3":
        settings = {"ENDPOINT_URL": request.getfixturevalue("s3"), "ALLOW_HTTP": "true"}
        settings |= {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "us-east-1"}
        for name, value in settings.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        return open_blobs(f"s3://bucket/{tmp_path.name}")
    if request.param == "memory":
        return open_blobs("memory:///")
    if request.param == "object store of files":
        folder.mkdir()
        return ObjectBlobs(folder.as_uri())
    opened = open_blobs(str(folder) if request.param == "folder" else folder.as_uri())
    assert isinstance(opened, FolderBlobs)
    return opened


def test_what_was_put_is_there_until_it_is_deleted(blobs):
    assert not blobs.exists("model/0a")
    blobs.put("model/0a", CONTENT)
    blobs.put("model/0b", b"")
    assert blobs.exists("model/0a")
    assert blobs.get("model/0a") == CONTENT
    assert blobs.get("model/0b") == b""
    assert (blobs.size("model/0a"), blobs.size("model/0b")) == (len(CONTENT), 0)
    blobs.put("model/0a", b"other")
    assert blobs.get("model/0a") == b"other"
    blobs.delete("model/0a")
    blobs.delete("model/0a")
    assert not blobs.exists("model/0a")
    assert blobs.exists("model/0b")


def test_a_part_is_given_whole_or_not_at_all(blobs):
    blobs.put("segment/1", CONTENT)
    assert blobs.get("segment/1", 1000, 77) == CONTENT[1000:1077]
    assert blobs.get("segment/1", len(CONTENT) - 5, 5) == CONTENT[-5:]
    assert blobs.get("segment/1", 1000) == CONTENT[1000:]
    with pytest.raises(StorageError):
        blobs.get("segment/1", len(CONTENT) - 5, 6)
    with pytest.raises(StorageError):
        blobs.get("segment/1", len(CONTENT) + 5, 6)


def test_parts_stand_one_after_the_other_however_many_there_are(blobs):
    parts = [bytes([n % 256]) * (n % 7) for n in range(1300)]
    blobs.put("segment/2", *parts)
    assert blobs.get("segment/2") == b"".join(parts)


def test_names_are_those_in_a_folder(blobs):
    assert blobs.names("model") == []
    for name in ("model/b", "model/a/c", "models/d", "catalog/e"):
        blobs.put(name, b"x")
    assert blobs.names("model") == ["model/a/c", "model/b"]
    assert blobs.names("catalog") == ["catalog/e"]


def test_what_is_missing_is_said(blobs):
    for part in ((), (3, 4)):
        with pytest.raises(StorageError, match="none is missing") as caught:
            blobs.get("model/none", *part)
        assert not caught.value.transient
    with pytest.raises(StorageError):
        blobs.size("model/none")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/../b", "/a", "a/", "a//b", "a/.b", ".new/a", "A", "a\\b", "a b",
     "a\0", "a\n", "ä", "%2e%2e/a", "a" * 201],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(blobs, name):
    for use in (
        lambda: blobs.put(name, b"x"),
        lambda: blobs.get(name),
        lambda: blobs.exists(name),
        lambda: blobs.delete(name),
        lambda: blobs.names(name),
    ):
        with pytest.raises(StorageError, match="cannot be the name"):
            use()


@given(st.text(max_size=20) | st.text("ab./\\", max_size=8))
def test_names_that_pass_stay_inside(name):
    try:
        checked(name)
    except StorageError:
        return
    path = os.path.normpath(f"/blobs/{name}")
    assert path == f"/blobs/{name}"
    assert name.islower() or not any(letter.isalpha() for letter in name)


def test_what_a_crash_left_is_cleared_away_later(tmp_path):
    folder = tmp_path / "blobs"
    FolderBlobs(folder).put("model/a", b"x")
    for name, age in (("young", 60), ("old", 7200)):
        left = folder / ".new" / name
        left.write_bytes(b"half")
        now = left.stat().st_mtime
        os.utime(left, (now - age, now - age))
    assert FolderBlobs(folder).names("model") == ["model/a"]
    assert [left.name for left in (folder / ".new").iterdir()] == ["young"]


def test_a_failed_write_leaves_the_old_blob(tmp_path):
    blobs = FolderBlobs(tmp_path)
    blobs.put("model/a", b"old")
    with pytest.raises(TypeError):
        blobs.put("model/a", 7)
    assert blobs.get("model/a") == b"old"
    assert list((tmp_path / ".new").iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "model").write_bytes(b"a file where a folder belongs")
    with pytest.raises(StorageError, match="see to the disk"):
        FolderBlobs(tmp_path).put("model/a", b"x")


@pytest.mark.parametrize("address", ["nonsense://place", "s4://bucket", "ssh://host/x"])
def test_an_address_of_no_store_is_refused(address):
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        open_blobs(address)


def test_an_object_store_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigError, match="pip install"):
        open_blobs("s3://bucket/prefix")


def test_an_object_store_that_is_away_is_said(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    blobs = ObjectBlobs(folder.as_uri())
    (folder / "model").write_bytes(b"a file where a folder belongs")
    with pytest.raises(StorageError):
        blobs.put("model/a", b"x")
