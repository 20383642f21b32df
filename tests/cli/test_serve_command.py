"""``hedgerow serve``: what is wrong is said in one sentence; a stop is a clean one."""

import socket

import pytest
from here import refusal, runner
from processes import Deployed, hedgerow, listens, wait_until


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
    }
    for said, options in cases.items():
        assert said in refusal(command("serve", deployed.folder, *options))
    assert refusal(command("serve", tmp_path / "nothing"))


def test_a_port_that_is_taken(deployed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = hedgerow("serve", deployed.folder, "--plain-http", "--port", port)
    assert "choose another port" in refusal(found)


@pytest.mark.parametrize("role", ["coordinator", "helper"])
def test_it_stops_when_it_is_told_to_and_starts_again(deployed, role):
    for _ in range(2):
        program = deployed.serve(role)
        port = deployed.port if role == "coordinator" else deployed.helper_port
        assert program.stop() == 0
        wait_until(lambda port=port: not listens(port), "it still listens")
        assert "Traceback" not in program.text
