"""The storefront as a user starts it: processes, a model that is learned, nothing left over."""

import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from processes import environment, wait_until

COMMAND = [sys.executable, "-c", "from hedgerow.cli.main import main; main()", "demo"]
SMALL = ["--customers", "300", "--products", "60", "--branches", "2", "--devices", "40"]


def start(folder, *arguments):
    """Start the storefront; nobody vanishes from its rounds, so that these end soon."""
    said = folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*COMMAND, "--storefront", *SMALL, "--vanish", "0", *arguments],
            env=environment(TMPDIR=str(folder), PYTHONUNBUFFERED="1"),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return process, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_shop_that_learns_until_it_is_closed(tmp_path, number):
    process, said = start(tmp_path)
    try:

        def is_open():
            assert process.poll() is None, said.read_text()
            return "Ctrl-C closes the shop" in said.read_text()

        wait_until(is_open, said.read_text)
        line = re.compile(r"^  (shop|console|access key) +(\S+)$", re.MULTILINE)
        told = dict(line.findall(said.read_text()))
        with httpx.Client(base_url=told["shop"], trust_env=False) as shop:
            settings = shop.get("/hedgerow/settings.json").json()
            assert told["console"] == settings["coordinator"] + "/console/"
            assert settings["floor"]["secure"] == "split"
            assert (settings["floor"]["minimum"], settings["floor"]["epsilon"]) == (21, 8)
            asks = {"origin": told["shop"].rstrip("/"), "access-control-request-method": "POST"}
            allowed = httpx.options(settings["coordinator"] + "/v1/check-in", headers=asks)
            assert allowed.headers["access-control-allow-origin"] == asks["origin"]
            operator = {"authorization": f"Bearer {told['access key']}"}
            tasks = httpx.get(settings["coordinator"] + "/v1/tasks", headers=operator).json()
            assert [one["task"]["name"] for one in tasks["tasks"]] == [settings["task"]]
            before = shop.get("/hedgerow/model")
            wait_until(lambda: shop.get("/hedgerow/live.json").json()["run"] > 0, said.read_text)
            after = shop.get("/hedgerow/model")
            assert after.headers["etag"] != before.headers["etag"]
            assert after.content != before.content
        wait_until(lambda: "Run 1 of 8" in said.read_text(), said.read_text)
        assert re.search(
            r"epsilon 1(\.\d+)? at delta \S+ per user at one client, gaussian", said.read_text()
        )
    finally:
        process.send_signal(number)
        assert process.wait(30) == 0
    assert said.read_text().endswith("The shop is closed, and all that it kept is gone.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["said"]


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process, said = start(tmp_path, "--port", str(taken.getsockname()[1]))
        assert process.wait(60) == 1
    text = said.read_text().strip()
    assert len(text.splitlines()) == 1
    assert text.endswith("choose another with --port.")
