"""``hedgerow serve``: what is wrong is said in one sentence; a stop is a clean one."""

import shutil
import socket

import pytest
from here import refusal, runner
from processes import Deployed, hedgerow, listens, wait_until

from hedgerow.server.security import keys, parties


@pytest.fixture
def command(monkeypatch, capsys):
    return runner(monkeypatch, capsys)


@pytest.fixture
def deployed(tmp_path):
    with Deployed(tmp_path / "shop") as made:
        yield made


def test_options_that_do_not_fit(command, deployed, tmp_path):
    cases = {
        "on this computer only": ["--plain-http", "--host", "0.0.0.0"],
        "port": ["--port", "70000"],
        "A database is named by": ["--database", "mysql://somewhere/x"],
        "fewer than two": ["--role", "helper", "--minimum", "1"],
        "The helper is reached by https": ["--helper", "http://helper.example:8443"],
        "The helper '": ["--helper", "helper.example"],
        "The authority is reached by https": ["--authority", "http://192.0.2.7"],
        "holds no name and no password": ["--helper", "https://me:word@helper.example"],
        "Only the coordinator asks": ["--role", "helper", "--client-certificates", "required"],
    }
    for said, options in cases.items():
        assert said in refusal(command("serve", deployed.folder, *options))
    assert refusal(command("serve", tmp_path / "nothing"))


def test_parties_that_do_not_belong_together(command, deployed, tmp_path):
    """A helper that nobody pinned, and one whose deployment is another's."""
    alone, other = tmp_path / "helper", tmp_path / "other"
    assert hedgerow("init", alone, "--role", "helper").returncode == 0
    assert "does not know its coordinator" in refusal(command("serve", alone, "--role", "helper"))
    assert "cannot be read" in refusal(command("serve", alone))
    shutil.copy(deployed.deployment, alone / parties.DEPLOYMENT)
    assert "names another helper" in refusal(command("serve", alone, "--role", "helper"))
    assert hedgerow("init", other, "--role", "coordinator").returncode == 0
    found = command("serve", other, "--helper", "https://helper.example:8443")
    assert "made without a helper" in refusal(found)
    shutil.copy(deployed.folder / keys.AUTHORITY_KEY, other / keys.AUTHORITY_KEY)
    assert "names another authority" in refusal(command("serve", other))
    shutil.copy(deployed.deployment, other / parties.DEPLOYMENT)
    assert "names another coordinator" in refusal(command("serve", other))
    # Nothing was written into folders that are not the party's.
    assert not [*alone.rglob("*.db"), *other.rglob("*.db")]


def test_a_port_that_is_taken(deployed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = hedgerow("serve", deployed.folder, "--plain-http", "--port", port)
    assert "choose another port" in refusal(found)


@pytest.mark.parametrize("role", ["coordinator", "helper", "authority"])
def test_it_stops_when_it_is_told_to_and_starts_again(deployed, role):
    for _ in range(2):
        program = deployed.serve(role)
        assert "Running upgrade" not in program.text
        port = deployed.port if role == "coordinator" else deployed.helper_port
        assert program.stop() == 0
        wait_until(lambda port=port: not listens(port), "it still listens")
        assert "Traceback" not in program.text
