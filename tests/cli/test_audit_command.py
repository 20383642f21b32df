"""``hedgerow audit`` as a user runs it: its table, its file, and the status that gates a run."""

import csv
import json
import os
import random
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from hedgerow.cli.main import main; main()", "audit"]
ENVIRONMENT = {**os.environ, "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
QUICK = ("--model", "popularity", "--pairs", "200", "--canaries", "80")


def run(*arguments, folder):
    """Run the audit in a folder and return its status and what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def data(tmp_path):
    draw = random.Random(0)
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "item_id", "timestamp"))
        for user in range(40):
            for moment, item in enumerate(draw.sample(range(200), 40)):
                writer.writerow((f"someone-{user}", f"article-{item:06}", moment))
    return path


def test_a_kept_promise_passes(data, tmp_path):
    code, printed = run(data, *QUICK, "--json", "found/audit.json", folder=tmp_path)
    assert code == 0, printed
    for word in ("canaries", "membership", "wire", "pass", "split"):
        assert word in printed
    facts = json.loads((tmp_path / "found" / "audit.json").read_text())
    assert facts == json.loads((tmp_path / "hedgerow-out" / "audit.json").read_text())
    assert facts["epsilon_claimed"] == 2
    assert facts["epsilon_lower_bound"] <= 2
    assert facts["membership_auc"] <= 0.55
    assert facts["wire_findings"] == []
    assert facts["policy"]["secure"] == "split"
    assert facts["verdicts"]["wire"]["passed"] is True


@pytest.mark.parametrize("flaw", ["--no-noise", "--no-masks"])
def test_a_broken_promise_fails(data, tmp_path, flaw):
    code, printed = run(data, *QUICK, flaw, folder=tmp_path)
    assert code == 3, printed
    assert "FAIL" in printed
    assert "failed" in printed


@pytest.mark.parametrize(
    "arguments", [("--no-masks", "--secure", "none"), ("--epsilon", "-1"), ("--set", "nothing=1")]
)
def test_a_mistake_ends_in_a_sentence(data, tmp_path, arguments):
    code, printed = run(data, *QUICK, *arguments, folder=tmp_path)
    assert code == 1
    assert printed.strip().startswith("error:")
    assert printed.strip().count("\n") == 0
