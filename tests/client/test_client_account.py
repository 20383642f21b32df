"""An old database that is put back is noticed, and no crash is taken for one."""

import json
import shutil

import pytest
from client_support import ask_of

from hedgerow.client import account
from hedgerow.client.account import HEAD
from hedgerow.client.conscience import LocalConscience
from hedgerow.client.guard import Guard
from hedgerow.client.store import FILE, Store
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.secure.session import sid

GUARD = Guard(epsilon=1.0)


def answer(folder, *releases):
    """Take part in sums, two of which are all that the guard goes along with."""
    store = Store(folder)
    try:
        store.consents.give("train", "ann", "1")
        for release in releases:
            ask, terms = ask_of(release=release, multiplier=5.5, epsilon=1.0)
            LocalConscience(GUARD, store).claim(ask, sid(terms))
    finally:
        store.close()


def files(folder):
    return [path for path in folder.iterdir() if path.name.startswith(FILE)]


def put_back(kept, folder):
    for path in files(folder):
        path.unlink()
    for path in files(kept):
        shutil.copy(path, folder / path.name)


@pytest.fixture
def agent(tmp_path):
    folder = tmp_path / "agent"
    answer(folder, "shop/0/0")
    return folder


@pytest.fixture
def kept(agent, tmp_path):
    folder = tmp_path / "kept"
    shutil.copytree(agent, folder)
    return folder


def test_a_backup_of_the_database_does_not_give_the_budget_back(agent, kept):
    answer(agent, "shop/1/0")
    with pytest.raises(ProtocolError, match="more epsilon"):
        answer(agent, "shop/2/0")
    put_back(kept, agent)
    with pytest.raises(ConfigError, match="is older than what this client has answered") as refused:
        answer(agent, "shop/2/0")
    assert str(refused.value).endswith(".")


def test_a_database_that_went_another_way_is_refused_though_it_is_longer(agent, kept):
    answer(kept, "shop/1/0")
    answer(agent, "shop/3/0")
    put_back(kept, agent)
    with pytest.raises(ConfigError, match="put the newest store back"):
        Store(agent)


def test_a_new_database_beside_an_old_head_is_refused(agent):
    for path in files(agent):
        path.unlink()
    with pytest.raises(ConfigError, match="older"):
        Store(agent)


def test_a_head_that_is_gone_is_refused(agent):
    (agent / HEAD).unlink()
    with pytest.raises(ConfigError, match="put the newest store back"):
        Store(agent)


@pytest.mark.parametrize("damaged", [b"", b"[1", b"{}", b'["x", 3]'])
def test_a_damaged_head_is_refused_in_a_sentence(agent, damaged):
    (agent / HEAD).write_bytes(damaged)
    with pytest.raises(ConfigError, match=r"account\.head"):
        Store(agent)


def test_a_crash_before_the_head_is_written_leaves_a_database_that_is_ahead(agent, kept):
    answer(agent, "shop/1/0")
    newest = (agent / HEAD).read_bytes()
    shutil.copy(kept / HEAD, agent / HEAD)
    store = Store(agent)
    assert [one.release for one in store.journal.answers()] == ["shop/0/0", "shop/1/0"]
    store.close()
    assert (agent / HEAD).read_bytes() == newest


def test_nothing_counts_as_claimed_before_the_head_is_on_disk(agent, monkeypatch):
    before = (agent / HEAD).read_bytes()
    whole = account.files.overwrite

    def full(path, _data):
        raise ConfigError(f"{path} cannot be written: no space left.")

    store = Store(agent)
    ask, terms = ask_of(release="shop/1/0", multiplier=5.5, epsilon=1.0)
    conscience = LocalConscience(GUARD, store)
    monkeypatch.setattr(account.files, "overwrite", full)
    for _ in range(2):
        with pytest.raises(ConfigError, match="no space"):
            conscience.claim(ask, sid(terms))
    assert (agent / HEAD).read_bytes() == before
    monkeypatch.setattr(account.files, "overwrite", whole)
    conscience.claim(ask, sid(terms))
    assert json.loads((agent / HEAD).read_bytes())[0] == json.loads(before)[0] + 2
    store.close()


def test_two_processes_at_one_store_do_not_take_each_other_for_an_old_one(agent):
    first, second = Store(agent), Store(agent)
    for number in range(6):
        store = (first, second)[number % 2]
        assert store.journal.claim(f"r{number}", b"s", task="t", purpose="step")
        Store(agent).close()
    first.close()
    second.close()
    assert json.loads((agent / HEAD).read_bytes())[0] == 2 + 6


def test_forgetting_keeps_the_account(agent):
    store = Store(agent)
    store.history.append("a")
    spent = store.journal.spent(1e-5)
    store.forget()
    assert store.journal.spent(1e-5) == spent > 0
    store.close()
    answer(agent, "shop/1/0")
    with pytest.raises(ProtocolError, match="more epsilon"):
        answer(agent, "shop/2/0")


def test_what_no_head_can_notice_is_a_folder_put_back_as_a_whole(agent, kept):
    # Said in docs/network.md; the helper of split mode still refuses a second report of a release.
    answer(agent, "shop/1/0")
    put_back(kept, agent)
    shutil.copy(kept / HEAD, agent / HEAD)
    Store(agent).close()
