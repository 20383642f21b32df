"""``hedgerow init``: everything a deployment needs, made once."""

import stat
import sys

import pytest
import typer
from cryptography import x509

from hedgerow.cli import init as module
from hedgerow.errors import ConfigError
from hedgerow.server.security import keys, tls


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


def test_a_deployment_is_made_and_can_be_loaded(command, tmp_path):
    folder = tmp_path / "deep" / "shop"
    printed = command(folder, "--host", "shop.example", "--host", "192.0.2.4")
    assert str(folder) in printed
    assert "hedgerow serve" in printed
    assert sorted(path.name for path in folder.parent.iterdir()) == ["shop"]
    assert {str(p.relative_to(folder)) for p in contents(folder)} == set(module.FILES)
    keys.load_coordinator(folder), keys.load_helper(folder), keys.load_enrolment(folder)
    keys.load_public(folder)
    for party in ("coordinator", "helper"):
        pem = folder / party / "tls.pem"
        tls.server_context(pem, folder / party / "tls.key")
        names = x509.load_pem_x509_certificate(pem.read_bytes()).extensions
        found = names.get_extension_for_class(x509.SubjectAlternativeName).value
        assert "shop.example" in found.get_values_for_type(x509.DNSName)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_secrets_are_not_printed(command, tmp_path):
    printed = command(tmp_path / "shop")
    for data in contents(tmp_path / "shop").values():
        assert data.hex() not in printed
        assert data.decode("latin1") not in printed


def test_a_whole_deployment_is_left_as_it_is(command, tmp_path):
    command(tmp_path / "shop")
    before = contents(tmp_path)
    assert "is complete; nothing was changed" in command(tmp_path / "shop")
    assert contents(tmp_path) == before


def test_an_empty_folder_is_taken(command, tmp_path):
    (tmp_path / "shop").mkdir()
    assert "Made the keys" in command(tmp_path / "shop")


def test_another_folder_is_left_as_it_is(tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigError, match="already"):
        module.init(tmp_path)
    with pytest.raises(ConfigError, match="already"):
        module.init(tmp_path / "notes")
    assert contents(tmp_path) == {tmp_path / "notes": b"mine"}


@pytest.mark.parametrize("name", module.FILES)
def test_a_deployment_that_lacks_a_file_is_not_completed(tmp_path, name):
    for other in module.FILES:
        (tmp_path / other).parent.mkdir(exist_ok=True)
        if other != name:
            (tmp_path / other).write_text("x")
    with pytest.raises(ConfigError, match="already"):
        module.init(tmp_path)


def test_a_wrong_host_leaves_nothing_behind(tmp_path):
    with pytest.raises(ConfigError, match="host"):
        module.init(tmp_path / "shop", host=["https://shop.example"])
    assert not any(tmp_path.iterdir())
