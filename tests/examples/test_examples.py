"""The examples as a reader runs them: one command each, real processes, one table at the end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(name):
    """Run an example and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name / f"{name}.py")],
        env={**os.environ, "COLUMNS": "100", "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("name", "needs", "silos"),
    [
        pytest.param("banks", None, ("alder", "birch", "cedar"), id="banks"),
        pytest.param(
            "hospitals",
            "mimic-iii-demo/PRESCRIPTIONS.csv",
            ("north", "south", "west"),
            marks=pytest.mark.data,
            id="hospitals",
        ),
        pytest.param(
            "retailer",
            "online-retail-ii",
            ("Germany", "Portugal", "United Kingdom"),
            marks=pytest.mark.data,
            id="retailer",
        ),
    ],
)
def test_silos_learn_together(name, needs, silos):
    folder = os.environ.get("HEDGEROW_DATA")
    if needs and not (folder and Path(folder, needs).exists()):
        pytest.skip(f"needs $HEDGEROW_DATA/{needs}")
    done = run(name)
    assert done.returncode == 0, done.stderr
    for word in ("popularity", "local", "federated", "pooled", "by silo", *silos):
        assert word in done.stdout
    rows = [line.split("│") for line in done.stdout.splitlines() if "│" in line]
    ndcg = {row[1].strip(): row[3] for row in rows if row[1].strip() in {"popularity", "federated"}}
    assert float(ndcg["federated"]) > float(ndcg["popularity"])


@pytest.mark.parametrize("name", ["hospitals", "retailer"])
def test_without_data_an_example_says_so(name, monkeypatch):
    monkeypatch.delenv("HEDGEROW_DATA", raising=False)
    done = run(name)
    assert done.returncode == 1
    assert done.stderr.startswith("skipped: set HEDGEROW_DATA")
