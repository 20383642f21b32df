"""The parties' secrets: drawn once where each party is, read back, and told apart."""

import stat

import pytest

from hedgerow.errors import ConfigError
from hedgerow.server.security import files, keys


@pytest.fixture
def folder(tmp_path):
    for role in keys.FILES:
        keys.create(tmp_path, role)
    return tmp_path


def names(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_no_two_keys_are_the_same(folder):
    coordinator, helper = keys.load_coordinator(folder), keys.load_helper(folder)
    secrets = (keys.load_authority(folder), coordinator.signing, helper.signing, helper.sealing)
    assert len({key.private_bytes_raw() for key in secrets}) == 4
    assert len(coordinator.token_secret) == 32


@pytest.mark.parametrize("role", keys.FILES)
def test_each_party_draws_its_own_keys_and_no_others(tmp_path, role):
    keys.create(tmp_path, role)
    assert names(tmp_path) == set(keys.FILES[role])
    assert {name.split("/")[0] for name in keys.FILES[role]} == {role}


def test_secrets_are_for_their_owner_and_not_printed(folder):
    for name in names(folder):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    shown = repr(keys.load_coordinator(folder)) + repr(keys.load_helper(folder))
    assert shown == "CoordinatorKeys()HelperKeys()"


@pytest.mark.parametrize("role", keys.FILES)
def test_keys_are_never_overwritten(folder, role):
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    with pytest.raises(ConfigError, match="not overwritten"):
        keys.create(folder, role)
    assert before == {name: (folder / name).read_bytes() for name in names(folder)}


@pytest.mark.parametrize("name", [name for role in keys.FILES.values() for name in role])
@pytest.mark.parametrize("damage", ["missing", "empty", "another kind"])
def test_damaged_files_are_one_sentence(folder, name, damage):
    path = folder / name
    other = keys.HELPER_KEY if name == keys.SEALING_KEY else keys.SEALING_KEY
    data = {"empty": b"", "another kind": (folder / other).read_bytes()}
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[damage])

    def load_all():
        keys.load_coordinator(folder)
        keys.load_helper(folder)
        keys.load_authority(folder)

    with pytest.raises(ConfigError) as refused:
        load_all()
    assert name in str(refused.value).replace("\\", "/")


def test_derived_keys_differ_by_purpose_and_secret():
    drawn = {keys.derive(bytes([s]) * 32, p) for s in (1, 2) for p in ("session", "login")}
    assert len(drawn) == 4
    assert {len(key) for key in drawn} == {32}


def test_a_folder_is_whole_or_not_there(tmp_path):
    def fail(draft):
        (draft / "half").write_text("x")
        raise ConfigError("stopped")

    with pytest.raises(ConfigError, match="stopped"):
        files.make_whole(tmp_path / "new", fail)
    assert not any(tmp_path.iterdir())
    files.make_whole(tmp_path / "new", lambda draft: (draft / "a").write_text("x"))
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a"]
    with pytest.raises(ConfigError, match="already"):
        files.make_whole(tmp_path / "new", fail)
