"""Whether ``hedgerow audit`` finds faults: plants each in the running code and runs the command.

    python benchmarks/audit_faults.py --json OUT [--only NAME ...] [--jobs 2]
    python benchmarks/audit_faults.py --seeds 20 --json OUT

Each fault is a change of the code that runs, made in a process of its own before the unmodified
command starts there. It counts as found where the command fails, and a test fails that is about
what is wrong. ``--seeds`` runs the code as it is, which has to pass.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit_plants import FAULTS

from hedgerow.cli.audit import FAILED
from hedgerow.cli.main import main as hedgerow

MOST_SECONDS = 3600
"""After which a run that hangs is ended."""


@dataclass(frozen=True)
class Outcome:
    """What a run of the command found.

    Parameters
    ----------
    what
        The fault, or the seed.
    right
        Whether a fault was found, or the code as it is passed.
    status
        The exit status.
    failed
        The tests that failed.
    seconds
        What the run took.
    """

    what: str
    right: bool
    status: int
    failed: tuple[str, ...]
    seconds: float


def run(data: str, fault: str, seed: int) -> Outcome:
    """Run the command in a process of its own, with a fault or with none."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, __file__, "--data", data, "--plant", fault, str(seed), out],
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        report = Path(out, "audit.json")
        verdicts = json.loads(report.read_text())["verdicts"] if report.exists() else {}
    seconds = round(time.perf_counter() - started, 1)
    failed = tuple(name for name, verdict in verdicts.items() if not verdict["passed"])
    if done.returncode not in {0, FAILED}:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
    if not fault:
        return Outcome(f"seed {seed}", done.returncode == 0, done.returncode, failed, seconds)
    found = done.returncode == FAILED and any(n.startswith(FAULTS[fault].about) for n in failed)
    return Outcome(FAULTS[fault].what, found, done.returncode, failed, seconds)


def plant(data: str, fault: str, seed: str, out: str) -> None:
    """Plant a fault in this process, and run the command in it."""
    if fault:
        FAULTS[fault].plant()
    sys.argv = ["hedgerow", "audit", data, "--seed", seed, "--out", out]
    hedgerow()


def summary(outcomes: Sequence[Outcome], *, seeds: bool, seconds: float) -> dict[str, Any]:
    """Return what all runs found, as plain JSON; ``seconds`` is the longest run."""
    whole, right = ("seeds", "passed") if seeds else ("faults", "found")
    return {
        whole: len(outcomes),
        right: sum(outcome.right for outcome in outcomes),
        "seconds": max(outcome.seconds for outcome in outcomes),
        "seconds_in_all": round(seconds, 1),
        "each": [asdict(outcome) for outcome in outcomes],
    }


def main() -> None:
    """Plant every fault, or run seeds of the code as it is; print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=0, help="run so many seeds without a fault")
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--plant", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plant is not None:
        plant(arguments.data, *arguments.plant)
        return
    work = [("", seed) for seed in range(arguments.seeds)] or [(n, 0) for n in arguments.only]
    started, outcomes = time.perf_counter(), list[Outcome]()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(lambda each: run(arguments.data, *each), work):
            outcomes.append(outcome)
            mark = "ok" if outcome.right else "NO"
            told = f"{len(outcome.failed)} tests fail: {'; '.join(outcome.failed[:3])}"
            print(f"{outcome.what:52s} {mark} {outcome.seconds:6.1f} s  {told}", flush=True)
    facts = summary(outcomes, seeds=bool(arguments.seeds), seconds=time.perf_counter() - started)
    print({name: value for name, value in facts.items() if name != "each"})
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n")
    if not all(outcome.right for outcome in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
