"""The demonstration as a user sees it: real processes, a table, a report, and nothing left over."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from hedgerow.cli.main import main; main()", "demo"]
SMALL = ["--customers", "400", "--products", "60", "--branches", "2", "--devices", "40"]


def start(folder, *arguments):
    """Start the demonstration in a folder that its own files are in, too."""
    return subprocess.Popen(
        [*COMMAND, *SMALL, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(folder):
    """Return the processes that have something to do with a folder."""
    found = []
    for told in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = told.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_the_demo_tells_the_whole_story(tmp_path):
    running = start(tmp_path)
    printed, said = running.communicate(timeout=150)
    assert running.returncode == 0, said
    assert max(map(len, printed.splitlines()[:30])) <= 80
    for word in ("federated", "popularity", "Federation tax", "second readout", "What sells"):
        assert word in printed
    assert printed.count("customer c") == 5
    assert "Privacy, by the coordinator's ledger: epsilon 7.9" in printed
    facts = json.loads((tmp_path / "hedgerow-demo" / "result.json").read_text())
    privacy = facts["privacy"]
    assert (privacy["secure"], privacy["unit"], privacy["mechanism"]) == (
        "split",
        "user",
        "gaussian",
    )
    assert privacy["epsilon"] == privacy["ledger"][-1]["epsilon"] <= 8
    assert {entry["delta"] for entry in privacy["ledger"]} == {privacy["delta"]}
    assert facts["data"]["network"] is True
    assert [happened["asked"] for happened in facts["history"]] == [42] * 4
    assert all(happened["answered"] <= 38 for happened in facts["history"])
    ours, popular = (at["metrics"]["full"]["ndcg@10"] for at in (facts, facts["popularity"]))
    assert ours > popular
    report = (tmp_path / "hedgerow-demo" / "report.html").read_text()
    assert "rounds over HTTPS" in report
    assert left(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["hedgerow-demo"]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_nothing_is_left_when_it_is_stopped(tmp_path, number):
    running = start(tmp_path)
    port = None
    for line in running.stdout:
        if line.startswith("The coordinator at https://127.0.0.1:"):
            port = int(line.split(":")[2].split(",")[0])
        if line.startswith("What is bought next"):
            break
    assert port is not None
    assert len(left(tmp_path)) >= 5
    running.send_signal(number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert left(tmp_path) == []
    assert not list(tmp_path.glob("hedgerow-*/keys"))
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_a_taken_port_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = start(tmp_path, "--port", str(taken.getsockname()[1]))
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said.startswith("error: The coordinator has stopped: Cannot listen on 127.0.0.1:")
    assert said.count("\n") == 1
    assert left(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at /proc")
def test_a_killed_server_is_one_sentence(tmp_path):
    running = start(tmp_path)
    for line in running.stdout:
        if line.startswith("What is bought next"):
            break
    for told in Path("/proc").glob("[0-9]*/cmdline"):
        line = told.read_bytes().decode(errors="replace") if told.exists() else ""
        if str(tmp_path) in line and "--helper" in line:
            os.kill(int(told.parent.name), signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert left(tmp_path) == []
