"""``hedgerow init``: each party makes its own keys, and public halves are all that is exchanged."""

import json
import stat
import sys

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hedgerow.cli import init as module
from hedgerow.errors import ConfigError
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import public
from hedgerow.server.operations.archive import reading
from hedgerow.server.operations.backup import back_up
from hedgerow.server.security import keys, parties, tls
from hedgerow.server.settings import Settings
from hedgerow.server.storage.database import Database

URL = "https://shop.example:8443"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command in this process; return what it printed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(module.init)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["init", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app()
        assert not end.value.code
        return capsys.readouterr().out

    return call


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder):
    return {str(path.relative_to(folder)) for path in contents(folder)}


@pytest.fixture
def apart(command, tmp_path):
    """Three parties that have exchanged their public halves, each with a folder of its own."""
    command(tmp_path / "helper", "--role", "helper", "--host", "helper.example")
    command(tmp_path / "authority", "--role", "authority", "--host", "who.example")
    found = tmp_path / "coordinator"
    command(
        *(found, "--role", "coordinator", "--host", "shop.example"),
        *("--helper", tmp_path / "helper" / parties.HELPER_HALF),
        *("--authority", tmp_path / "authority" / parties.AUTHORITY_HALF),
    )
    command(tmp_path / "helper", "--role", "helper", "--deployment", found / parties.DEPLOYMENT)
    return tmp_path


def test_each_party_makes_its_own_keys(apart):
    handed = {parties.HELPER_HALF, parties.AUTHORITY_HALF}
    for role, more in {
        "helper": {parties.DEPLOYMENT},
        "authority": set(),
        "coordinator": handed,
    }.items():
        assert names(apart / role) == {*parties.FILES[role], *more}
        assert stat.S_IMODE((apart / role).stat().st_mode) == 0o700
    deployment, coordinator = parties.coordinator_of(apart / "coordinator")
    pinned, helper = parties.helper_of(apart / "helper")
    assert pinned == deployment
    assert deployment == Deployment(
        URL,
        public(keys.load_authority(apart / "authority")),
        public(coordinator.signing),
        public(helper.signing),
        helper.sealing.public_key().public_bytes_raw(),
    )


def test_servers_have_certificates_for_their_hosts(apart):
    for role, host in (("coordinator", "shop"), ("helper", "helper"), ("authority", "who")):
        own = apart / role / role
        tls.server_context(own / "tls.pem", own / "tls.key")
        made = x509.load_pem_x509_certificate((own / "tls.pem").read_bytes()).extensions
        found = made.get_extension_for_class(x509.SubjectAlternativeName).value
        assert f"{host}.example" in found.get_values_for_type(x509.DNSName)


def secrets_of(folder):
    """The bytes of every secret of a party: as in its file, and raw."""
    found = []
    for path, data in contents(folder).items():
        if path.suffix in {".key", ".secret"}:
            found += [data, b"".join(data.splitlines()[1:-1]) or data]
        if path.name in {"signing.key", "sealing.key"}:
            found.append(load_pem_private_key(data, password=None).private_bytes_raw())
    return found


def test_no_secret_of_the_helper_or_the_authority_comes_to_the_coordinator(apart):
    """Whoever steals the coordinator's host and all its backups opens no report."""
    folder = apart / "coordinator"
    database = Database.open(Settings(folder).database_url)
    back_up(apart / "backup.zip", database, None, secrets_of=folder)
    database.close()
    with reading(apart / "backup.zip") as reader:
        held = [reader.whole(name) for name in reader.manifest.parts]
    assert secrets_of(folder)[0] in held
    held += [*contents(folder).values(), (apart / "backup.zip").read_bytes()]
    strangers = [*secrets_of(apart / "helper"), *secrets_of(apart / "authority")]
    assert len(strangers) > 10
    for secret in strangers:
        for data in held:
            assert secret not in data
            assert secret.hex().encode() not in data
    handed = [apart / "helper" / parties.HELPER_HALF, apart / "authority" / parties.AUTHORITY_HALF]
    for path in handed:
        assert not any(secret in path.read_bytes() for secret in strangers)


def test_a_coordinator_alone_holds_the_authority_and_says_so(command, tmp_path):
    printed = command(tmp_path / "shop", "--role", "coordinator", "--url", URL)
    assert "whoever holds it can invent clients" in " ".join(printed.split())
    assert "split mode is not offered" in printed
    deployment, _ = parties.coordinator_of(tmp_path / "shop")
    assert (deployment.helper, deployment.sealing) == (None, None)
    assert deployment.authority == public(keys.load_authority(tmp_path / "shop"))
    assert not (tmp_path / "shop" / "helper").exists()


def test_a_rehearsal_is_one_command_and_says_that_it_protects_nobody(command, tmp_path):
    printed = command(tmp_path / "shop", "--rehearsal")
    assert "protects nobody" in printed
    deployment, _ = parties.coordinator_of(tmp_path / "shop")
    assert deployment.audience == module.LOCAL
    assert parties.helper_of(tmp_path / "shop")[0] == deployment


def test_without_a_role_no_keys_are_made(tmp_path):
    for said in ({}, {"role": module.PartyName.HELPER, "rehearsal": True}):
        with pytest.raises(ConfigError, match="Say whose keys"):
            module.init(tmp_path / "shop", **said)
    assert not any(tmp_path.iterdir())


def test_the_fingerprint_is_the_same_for_everyone(command, tmp_path):
    command(tmp_path / "helper", "--role", "helper")
    half = tmp_path / "helper" / parties.HELPER_HALF
    made = command(tmp_path / "shop", "--role", "coordinator", "--helper", half)
    file = tmp_path / "shop" / parties.DEPLOYMENT
    pinned = command(tmp_path / "helper", "--role", "helper", "--deployment", file)
    text = Deployment.from_json(file.read_bytes()).fingerprint
    assert text in made
    assert text in pinned


def test_nobody_is_told_to_copy_the_helper_s_keys(command, tmp_path):
    printed = command(tmp_path / "helper", "--role", "helper")
    assert "Back" not in printed
    assert "no copy of these keys belongs where the coordinator" in " ".join(printed.split())


def test_the_helper_pins_no_deployment_with_other_keys(apart, command, tmp_path):
    command(tmp_path / "other", "--role", "helper")
    file = apart / "coordinator" / parties.DEPLOYMENT
    with pytest.raises(ConfigError, match="another helper"):
        module.init(tmp_path / "other", role=module.PartyName.HELPER, deployment=file)
    with pytest.raises(ConfigError, match="does not know its coordinator"):
        parties.helper_of(tmp_path / "other")


def rewritten(apart, **changed):
    """The coordinator's file with another key in it."""
    path = apart / "coordinator" / parties.DEPLOYMENT
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    return path


@pytest.mark.parametrize("name", ["coordinator", "authority", "audience"])
def test_the_helper_keeps_to_the_deployment_that_it_pinned(apart, name):
    """A coordinator that puts an authority of its own in finds a helper that stays as it is."""
    before = parties.helper_of(apart / "helper")[0]
    path = rewritten(apart, **{name: "ab" * 32})
    with pytest.raises(ConfigError, match="pinned another deployment"):
        module.init(apart / "helper", role=module.PartyName.HELPER, deployment=path)
    assert parties.helper_of(apart / "helper")[0] == before


def test_a_coordinator_does_not_start_under_a_deployment_that_is_not_its_own(apart):
    rewritten(apart, coordinator="ab" * 32)
    with pytest.raises(ConfigError, match="another coordinator"):
        parties.coordinator_of(apart / "coordinator")


def test_secrets_are_not_printed(command, tmp_path):
    printed = command(tmp_path / "shop", "--rehearsal")
    for secret in secrets_of(tmp_path / "shop"):
        assert secret.hex() not in printed
        assert secret.decode("latin1") not in printed


@pytest.mark.parametrize("said", [["--role", "helper"], ["--role", "authority"], ["--rehearsal"]])
def test_a_whole_folder_is_left_as_it_is(command, tmp_path, said):
    command(tmp_path / "shop", *said)
    before = contents(tmp_path)
    assert "is complete; nothing was changed" in command(tmp_path / "shop", *said)
    assert contents(tmp_path) == before


def test_an_empty_folder_is_taken(command, tmp_path):
    (tmp_path / "shop").mkdir()
    assert "Made a rehearsal" in command(tmp_path / "shop", "--rehearsal")


def test_another_folder_is_left_as_it_is(tmp_path):
    (tmp_path / "notes").write_text("mine")
    for folder in (tmp_path, tmp_path / "notes"):
        with pytest.raises(ConfigError, match="already"):
            module.init(folder, rehearsal=True)
    assert contents(tmp_path) == {tmp_path / "notes": b"mine"}


@pytest.mark.parametrize("name", parties.FILES["helper"])
def test_a_folder_that_lacks_a_file_is_not_completed(tmp_path, name):
    for other in parties.FILES["helper"]:
        (tmp_path / other).parent.mkdir(exist_ok=True)
        if other != name:
            (tmp_path / other).write_text("x")
    with pytest.raises(ConfigError, match="already"):
        module.init(tmp_path, role=module.PartyName.HELPER)


def test_wrong_options_leave_nothing_behind(tmp_path):
    party, file = module.PartyName, tmp_path / "half.json"
    cases = {
        "host": {"rehearsal": True, "host": ["https://shop.example"]},
        "reached by https": {"role": party.COORDINATOR, "url": "http://shop.example"},
        "with --role coordinator": {"role": party.HELPER, "helper": file},
        "whose URL": {"role": party.HELPER, "url": URL},
        "It is the helper that pins": {"role": party.COORDINATOR, "deployment": file},
        "cannot be read": {"role": party.COORDINATOR, "helper": file},
    }
    for said, options in cases.items():
        with pytest.raises(ConfigError, match=said):
            module.init(tmp_path / "shop", **options)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"role": "authority"},
        {"signing": "ab"},
        {"signing": None},
        {"sealing": 7},
        {"ca": 7},
        {"more": "ab" * 32},
        {"role": None},
    ],
)
def test_what_is_no_half_of_a_helper_is_refused(command, tmp_path, change):
    command(tmp_path / "helper", "--role", "helper")
    path = tmp_path / "helper" / parties.HELPER_HALF
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ConfigError, match=r"is not the file helper\.json"):
        module.init(tmp_path / "shop", role=module.PartyName.COORDINATOR, helper=path)
    for text in ("", "[]", "7", "{}"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"is not the file helper\.json"):
            parties.read_half(path, "helper")
    assert not (tmp_path / "shop").exists()
