"""The profile: made once, read back the same, and refused where it is damaged or open to others."""

import json
import os
import stat

import pytest
from client_support import AUTHORITY, DEPLOYMENT
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hedgerow.client.connection import Tls
from hedgerow.client.guard import Guard
from hedgerow.client.profile import CERTIFICATE, KEY, SETTINGS, Profile
from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.identity import certify, public

URL = "https://coordinator.example:8443"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "agent"


@pytest.fixture
def profile(folder):
    return Profile.create(folder, URL, DEPLOYMENT)


def certificate_of(profile, authority=AUTHORITY):
    others = [bytes([n]) * 32 for n in range(3)]
    return certify(authority, [*others, public(profile.key)])[-1]


def test_it_is_read_back_as_it_was_made(folder):
    made = Profile.create(
        folder,
        URL,
        DEPLOYMENT,
        kind="silo",
        users=500,
        tls=Tls("ca.pem", "me.pem", "me.key"),
        guard=Guard(epsilon=2.0, models=("als",)),
    )
    again = Profile.open(folder)
    assert again == made
    assert public(again.key) == public(made.key)
    assert made.servers.sealing == DEPLOYMENT.sealing


def test_each_profile_has_a_key_of_its_own(profile, tmp_path):
    other = Profile.create(tmp_path / "other", URL, DEPLOYMENT)
    assert public(other.key) != public(profile.key)


def test_files_are_for_their_owner_alone(tmp_path):
    old = os.umask(0)
    try:
        Profile.create(tmp_path / "agent", URL, DEPLOYMENT)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "agent").stat().st_mode) == 0o700
    files = sorted((tmp_path / "agent").iterdir())
    assert [path.name for path in files] == [KEY, SETTINGS]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_key_is_in_no_text(profile, folder):
    raw = profile.key.private_bytes_raw().hex()
    assert raw not in repr(profile) + (folder / SETTINGS).read_text()


def test_a_profile_is_not_overwritten(profile, folder):
    with pytest.raises(ConfigError, match="already"):
        Profile.create(folder, URL, DEPLOYMENT)
    assert public(Profile.open(folder).key) == public(profile.key)


def test_one_that_was_cut_short_can_be_made_again(profile, folder):
    (folder / SETTINGS).unlink()
    with pytest.raises(ConfigError, match="join first"):
        Profile.open(folder)
    again = Profile.create(folder, URL, DEPLOYMENT)
    assert public(Profile.open(folder).key) == public(again.key)


def test_enrolment_gives_an_identity(profile, folder):
    with pytest.raises(ConfigError, match="not enrolled"):
        _ = profile.identity
    certificate = certificate_of(profile)
    enrolled = profile.enrolled(certificate)
    for found in (enrolled, Profile.open(folder)):
        assert found.certificate == certificate
        signature = found.identity.sign(b"message")
        Ed25519PublicKey.from_public_bytes(certificate.key).verify(signature, b"message")


def test_a_certificate_of_another_key_or_authority_is_refused(profile, folder):
    stranger = certify(AUTHORITY, [bytes(32)])[0]
    with pytest.raises(ConfigError, match="another key"):
        profile.enrolled(stranger)
    forged = certificate_of(profile, Ed25519PrivateKey.generate())
    with pytest.raises(ConfigError, match="authority"):
        profile.enrolled(forged)
    assert not (folder / CERTIFICATE).exists()


def test_a_damaged_certificate_is_refused(profile, folder):
    profile.enrolled(certificate_of(profile))
    body = (folder / CERTIFICATE).read_bytes()
    (folder / CERTIFICATE).write_bytes(body[:-1])
    with pytest.raises(ConfigError, match="damaged"):
        Profile.open(folder)
    (folder / CERTIFICATE).write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with pytest.raises(ConfigError, match="authority"):
        Profile.open(folder)


def test_a_key_that_others_can_read_is_refused(profile, folder):
    (folder / KEY).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        Profile.open(folder)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 40])
def test_a_damaged_key_is_refused(profile, folder, content):
    (folder / KEY).write_bytes(content)
    with pytest.raises(ConfigError, match="damaged"):
        Profile.open(folder)


def test_another_kind_of_key_is_refused(profile, folder):
    other = X25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / KEY).write_bytes(pem)
    with pytest.raises(ConfigError, match="no Ed25519"):
        Profile.open(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("version"),
        lambda v: v.pop("deployment"),
        lambda v: v.pop("guard"),
        lambda v: v.update(version=2),
        lambda v: v.update(users=0),
        lambda v: v.update(users="many"),
        lambda v: v.update(users=2),
        lambda v: v.update(kind="server"),
        lambda v: v.update(coordinator="ftp://x"),
        lambda v: v.update(coordinator=3),
        lambda v: v.update(extra=1),
        lambda v: v["deployment"].pop("helper"),
        lambda v: v["deployment"].update(helper="zz"),
        lambda v: v["deployment"].update(helper="00"),
        lambda v: v["deployment"].update(helper=5),
        lambda v: v["tls"].update(certificate="only.pem"),
        lambda v: v["tls"].update(ca=5),
        lambda v: v.update(tls=None),
        lambda v: v["guard"].update(minimum=1),
    ],
)
def test_damaged_settings_are_refused(profile, folder, change):
    values = json.loads((folder / SETTINGS).read_text())
    change(values)
    (folder / SETTINGS).write_text(json.dumps(values))
    with pytest.raises(ConfigError):
        Profile.open(folder)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "3", '"text"'])
def test_settings_that_are_no_object_are_refused(profile, folder, content):
    (folder / SETTINGS).write_text(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        Profile.open(folder)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        Profile.create(tmp_path / "file" / "agent", URL, DEPLOYMENT)
