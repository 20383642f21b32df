"""The local store: history in time order, files for their owner alone, and forgetting."""

import hashlib
import os
import sqlite3
import stat
import threading

import pytest
from client_support import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.client.database import LocalDatabase
from hedgerow.client.history import History, Seen
from hedgerow.client.store import FILE, Store
from hedgerow.errors import ConfigError, DataError, ProtocolError


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "agent", HandClock())
    yield made
    made.close()


seen = st.builds(
    Seen,
    item=st.text(min_size=1, max_size=5).filter(
        lambda t: t.strip() and t.encode(errors="ignore").decode() == t
    ),
    timestamp=st.integers(0, 5),
    weight=st.none() | st.floats(0, 9),
    kind=st.sampled_from(["", "view", "purchase"]),
)


@given(st.lists(st.tuples(seen, st.sampled_from(["", "ann", "bob"]))))
@settings(max_examples=40)
def test_histories_come_by_time_and_then_as_recorded(tmp_path_factory, rows):
    database = LocalDatabase(tmp_path_factory.mktemp("agent") / FILE)
    history = History(database)
    for one, user in rows:
        history.append(one.item, one.timestamp, weight=one.weight, kind=one.kind, user=user)
    for user in ("", "ann", "bob"):
        own = [one for one, whose in rows if whose == user]
        assert history.of(user) == sorted(own, key=lambda one: one.timestamp)
    database.close()


def test_an_interaction_without_a_time_is_now(store):
    assert store.history.append("a").timestamp == 1_000_000
    assert store.history.of() == [Seen("a", 1_000_000)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"item": ""},
        {"item": " \t"},
        {"item": "x" * 257},
        {"item": "\ud800"},
        {"item": "a", "user": " "},
        {"item": "a", "user": "u" * 257},
        {"item": "a", "kind": "k" * 257},
        {"item": "a", "timestamp": -1},
        {"item": "a", "timestamp": 2**63},
        {"item": "a", "weight": -0.1},
        {"item": "a", "weight": float("nan")},
        {"item": "a", "weight": float("inf")},
    ],
)
def test_what_is_no_interaction_is_refused(store, wrong):
    with pytest.raises(DataError):
        store.history.append(wrong.pop("item"), wrong.pop("timestamp", None), **wrong)
    assert store.history.of() == []


def test_files_are_for_their_owner_alone(tmp_path):
    old = os.umask(0)
    try:
        store = Store(tmp_path / "agent")
        store.history.append("a")
        found = [tmp_path / "agent", *(tmp_path / "agent").iterdir()]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
        store.close()
    finally:
        os.umask(old)
    assert modes.pop("agent") == modes.pop("public") == 0o700
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}


def test_it_is_all_there_when_it_is_opened_again(tmp_path):
    first = Store(tmp_path)
    first.history.append("a", 3, kind="view")
    first.consents.give("train", "ann", "1")
    first.journal.claim("r", b"s", task="t", purpose="step")
    first.close()
    again = Store(tmp_path)
    assert again.history.of() == [Seen("a", 3, None, "view")]
    assert again.consents.now().allow("train")
    assert [a.release for a in again.journal.answers()] == ["r"]
    again.close()


def test_forgetting_leaves_no_trace_in_the_files(tmp_path):
    store = Store(tmp_path)
    for number in range(200):
        store.history.append(f"secret-item-{number}", number, user="secret-user")
    store.consents.give("train", "secret-person", "1")
    store.journal.claim("release", b"s", task="t", purpose="step")
    store.journal.settle("release", b"s", "revealed", b"secret-record")
    store.journal.put_outgoing(b"s", "masked", b"secret-body")
    public = store.put_public(hashlib.sha256(b"model").hexdigest(), b"model")
    store.forget()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert kept
    assert b"secret" not in kept
    assert not store.history.of("secret-user")
    assert not store.consents.log()
    assert store.journal.record("release", b"s") is None
    assert store.journal.outgoing(b"s", "masked") is None
    assert public.read_bytes() == b"model"
    store.history.append("b")
    store.close()


def test_forgetting_says_when_another_process_holds_the_old_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("hedgerow.client.database.PATIENCE", 0.0)
    store = Store(tmp_path)
    store.history.append("a")
    reader = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM interactions").fetchall()
    with pytest.raises(ConfigError, match="stop it"):
        store.forget()
    assert store.history.of() == []
    reader.close()
    store.forget()
    store.close()


def test_threads_share_a_store(store):
    def work(name):
        for number in range(40):
            store.history.append(f"{name}-{number}", number)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.item for one in store.history.of()}) == 160


def test_two_open_stores_see_each_other(tmp_path):
    one, other = Store(tmp_path), Store(tmp_path)
    one.consents.give("train", "ann", "1")
    assert other.consents.now().allow("train")
    other.consents.withdraw("train", "ann")
    assert not one.consents.now().allow("train")
    one.close()
    other.close()


def test_a_transaction_that_fails_leaves_nothing(store):
    def fails():
        with store.transaction():
            store.history.append("a")
            with store.transaction():
                store.history.append("b")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert store.history.of() == []


@pytest.mark.parametrize(
    "content", [b"no database at all, but text" * 50, b"SQLite format 3\0" * 9]
)
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=r"store\.sqlite"):
        Store(tmp_path)


def test_a_later_version_is_refused(tmp_path):
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="later version"):
        Store(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "agent").write_text("")
    with pytest.raises(ConfigError, match="agent"):
        Store(tmp_path / "agent")


def test_public_files_are_kept_by_hash(store):
    name = hashlib.sha256(b"model").hexdigest()
    assert store.public(name) is None
    path = store.put_public(name, b"model")
    assert store.public(name) == path == store.put_public(name, b"model")
    assert path.read_bytes() == b"model"
    with pytest.raises(ProtocolError, match="not the one"):
        store.put_public(name, b"another")
    assert store.public(f"../{FILE}") is None
    other = hashlib.sha256(b"2").hexdigest()
    store.put_public(other, b"2")
    store.keep_public([other])
    assert store.public(name) is None
    assert store.public(other) is not None
