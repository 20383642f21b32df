"""The deployment's keys: drawn once, read back, and told apart."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hedgerow.errors import ConfigError
from hedgerow.server.security import files, keys


@pytest.fixture
def folder(tmp_path):
    keys.create(tmp_path)
    return tmp_path


def test_public_halves_belong_to_the_secret_ones(folder):
    public = keys.load_public(folder)
    coordinator, helper = keys.load_coordinator(folder), keys.load_helper(folder)
    halves = (
        keys.load_enrolment(folder),
        coordinator.signing,
        helper.signing,
        helper.sealing,
    )
    found = (public.enrolment, public.coordinator, public.helper, public.helper_sealing)
    assert found == tuple(key.public_key().public_bytes_raw() for key in halves)
    assert len(set(found)) == 4
    assert len(coordinator.token_secret) == 32


def test_secrets_are_for_their_owner_and_not_printed(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o644 if path.suffix == ".pub" else 0o600)
    shown = repr(keys.load_coordinator(folder)) + repr(keys.load_helper(folder))
    assert shown == "CoordinatorKeys()HelperKeys()"


def test_the_files_are_those_announced(folder):
    written = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert written == set(keys.FILES)


def test_keys_are_never_overwritten(folder):
    before = keys.load_public(folder)
    with pytest.raises(ConfigError, match="not overwritten"):
        keys.create(folder)
    assert keys.load_public(folder) == before


@pytest.mark.parametrize("name", keys.FILES)
@pytest.mark.parametrize("damage", ["missing", "empty", "another kind"])
def test_damaged_files_are_one_sentence(folder, name, damage):
    path = folder / name
    sealing = "sealing" in name
    data = {
        "empty": b"",
        "another kind": (folder / (keys.HELPER_KEY if sealing else keys.SEALING_KEY)).read_bytes(),
    }
    if path.suffix == ".pub":
        other = "public/helper.pub" if sealing else "public/helper-sealing.pub"
        data["another kind"] = (folder / other).read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[damage])

    def load_all():
        keys.load_coordinator(folder)
        keys.load_helper(folder)
        keys.load_enrolment(folder)
        keys.load_public(folder)

    with pytest.raises(ConfigError) as refused:
        load_all()
    assert name in str(refused.value).replace("\\", "/")


def test_a_public_key_is_read_back_from_pem(tmp_path):
    key = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    )
    path = tmp_path / "a.pub"
    path.write_bytes(keys.public_pem(key))
    assert keys.read_public(path) == key.public_bytes_raw()


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
