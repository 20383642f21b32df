"""The golden vectors are what this program makes, and what other implementations make."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

PROTOCOL = Path(__file__).parents[2] / "protocol"


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(PROTOCOL)
    import fixed_hpke
    import vectors

    return {"vectors": vectors, "fixed_hpke": fixed_hpke}


@pytest.mark.parametrize("name", ["primitives.json", "split.json", "pairwise.json", "noise.json"])
def test_the_vectors_come_out_again(scripts, name):
    vectors = scripts["vectors"]
    made = json.loads(json.dumps(vectors.plain(vectors.MADE[name]())))
    assert made == json.loads((PROTOCOL / "vectors" / name).read_text("utf-8"))


def test_no_vectors_are_left_over(scripts):
    assert {path.name for path in (PROTOCOL / "vectors").iterdir()} == set(scripts["vectors"].MADE)


@pytest.mark.parametrize("name", ["split.json", "pairwise.json"])
def test_the_sums_are_those_of_the_clients_that_stayed(name):
    session = json.loads((PROTOCOL / "vectors" / name).read_text("utf-8"))
    stayed = [client for client in session["clients"] if "report" in client or "reveal" in client]
    parts = [client["values"] for client in stayed]
    parts += [session[noise] for noise in ("coordinator_noise", "helper_noise") if noise in session]
    assert len(stayed) == 4
    expected = np.sum(np.array(parts, np.int64), axis=0)
    assert session["sums"] == [str(value) for value in expected.tolist()]


def test_the_fixed_sealing_is_that_of_the_rfc(scripts):
    # RFC 9180, A.1.1: base mode, the first message.
    sealed = scripts["fixed_hpke"].seal(
        bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"),
        bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"),
        b"Ode on a Grecian Urn",
        b"Beauty is truth, truth beauty",
        b"Count-0",
    )
    assert sealed.hex() == (
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
        "6d8770ac83d07bea87e13c512a"
    )


def node():
    """Return Node, where there is one with all of WebCrypto."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node")
    version = subprocess.run([found, "--version"], check=True, capture_output=True, text=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"needs Node 20 or newer, found {version.stdout.strip()}")
    return found


def check(folder):
    command = [node(), "--no-warnings", str(PROTOCOL / "check.mjs"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_another_language_derives_the_same():
    done = check(PROTOCOL / "vectors")
    assert done.returncode == 0, done.stderr
    assert "split session: as expected" in done.stdout


@pytest.mark.parametrize(
    ("name", "before"), [("split.json", '"sums": [\n  "'), ("primitives.json", '"root": "')]
)
def test_the_other_language_would_notice(tmp_path, name, before):
    folder = shutil.copytree(PROTOCOL / "vectors", tmp_path / "vectors")
    text = (folder / name).read_text("utf-8")
    at = text.index(before) + len(before)
    changed = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    (folder / name).write_text(changed, "utf-8")
    done = check(folder)
    assert done.returncode == 1
    assert "expected" in done.stderr
