"""Compare the speed and memory of federated simulators on one and the same job.

    python benchmarks/peers/run.py

Every engine runs in a process of its own on the same two cores, one after the other; the quick
ones twice, in turns, so that a busy spell of the machine does not fall on one of them alone. That
they did the same job is checked: their vectors must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from environments import DEFAULT_CACHE, NotInstalledError, environment_python
from workload import default_data, make_workload

Report: TypeAlias = dict[str, Any]

HERE = Path(__file__).resolve().parent
CORES = 2
REPEATS = 2
TIMEOUT_SECONDS = 1800

VECTORS_TOLERANCE = 1e-4
# One round moves the vectors by less than a percent. An average of whole float32 vectors, which is
# how Flower's FedAvg works, loses some thousandths of that to rounding.
CHANGE_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Engine:
    """How to run one engine.

    Parameters
    ----------
    environment
        Whether it has an environment of its own; the current interpreter's otherwise.
    most_rounds
        Where to cut the rounds of a slow engine, which is then run only once.
    variables
        Additions to its process's environment variables.
    """

    environment: bool = False
    most_rounds: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


# One BLAS thread is no slower on matrices this small, and makes "one core" true.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

ENGINES: dict[str, Engine] = {
    "numpy": Engine(variables=ONE_THREAD),
    "pfl": Engine(environment=True, variables=ONE_THREAD),
    "flower": Engine(environment=True, most_rounds=2),
    "hedgerow": Engine(),
}


class EngineFailedError(Exception):
    """An engine's process failed; the message says how, on one line."""


def find_interpreters(names: Sequence[str], cache: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return each engine's interpreter, and for those without one the reason."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in names:
        if not _script(name).is_file():
            missing[name] = f"not installed: there is no {_script(name).name}"
            continue
        try:
            own = ENGINES[name].environment
            found[name] = str(environment_python(name, cache)) if own else sys.executable
        except NotInstalledError as error:
            missing[name] = f"not installed: {error}"
    return found, missing


def _script(name: str) -> Path:
    return HERE / f"run_{name}.py"


def run_all(
    interpreters: Mapping[str, str], workload: Path, rounds: int
) -> tuple[dict[str, list[Report]], dict[str, str]]:
    """Run the engines in turns; return their reports, and for those that failed the reason."""
    reports: dict[str, list[Report]] = {}
    failures: dict[str, str] = {}
    for repeat in range(REPEATS):
        for name, python in interpreters.items():
            if name in failures or (repeat > 0 and ENGINES[name].most_rounds is not None):
                continue
            print(f"running {name}", file=sys.stderr, flush=True)
            try:
                reports.setdefault(name, []).append(_run(name, python, workload, rounds))
            except EngineFailedError as error:
                failures[name] = f"failed: {error}"
    return {name: runs for name, runs in reports.items() if name not in failures}, failures


def _run(name: str, python: str, workload: Path, rounds: int) -> Report:
    engine = ENGINES[name]
    out = workload.with_name(f"{name}.json")
    rounds = min(rounds, engine.most_rounds or rounds)
    command = [python, str(_script(name)), "--workload", str(workload)]
    try:
        subprocess.run(
            [*command, "--rounds", str(rounds), "--json", str(out)],
            env={**os.environ, **engine.variables},
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineFailedError(f"no result after {TIMEOUT_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise EngineFailedError(lines[-1] if lines else str(error)) from error
    report: Report = json.loads(out.read_text())
    return report


def merge(runs: Sequence[Report]) -> Report:
    """Pool the rounds of an engine's runs; its memory is that of the hungriest run."""
    seconds = [value for run in runs for value in run["seconds_per_round"]]
    return {
        **runs[0],
        "runs": len(runs),
        "seconds_per_round": seconds,
        "client_updates_per_second": runs[0]["clients"] / statistics.median(seconds),
        "peak_mb": max(run["peak_mb"] for run in runs),
    }


def disagreements(merged: Mapping[str, Report]) -> list[str]:
    """Return a sentence for each engine whose vectors are not those of the first engine."""
    if not merged:
        return []
    first, *others = merged
    reference = np.array(merged[first]["fingerprints"])
    return [
        f"{name}'s vectors differ from those of {first}"
        for name in others
        if not _agree(reference, np.array(merged[name]["fingerprints"]))
    ]


def _agree(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    # Engines may have run different numbers of rounds. Both trails begin with the initial vectors.
    last = min(len(one), len(other)) - 1
    difference = np.linalg.norm(one[last] - other[last])
    change = np.linalg.norm(one[last] - one[0])
    return bool(
        difference <= VECTORS_TOLERANCE * np.linalg.norm(one[last])
        and difference <= CHANGE_TOLERANCE * change
    )


def table(names: Sequence[str], merged: Mapping[str, Report], reasons: Mapping[str, str]) -> str:
    """Lay the comparison out as text."""
    lines = [f"{'engine':10}{'version':>10}{'updates/s':>12}{'peak MB':>10}{'hedgerow is':>13}"]
    own = merged.get("hedgerow", {}).get("client_updates_per_second")
    for name in names:
        if name in reasons:
            lines.append(f"{name:10}{reasons[name]}")
            continue
        report = merged[name]
        speed = report["client_updates_per_second"]
        ratio = f"{own / speed:,.3g} x" if own else "-"
        lines.append(
            f"{name:10}{report['version']:>10}{speed:>12,.0f}{report['peak_mb']:>10,.0f}{ratio:>13}"
        )
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare federated simulators on one job.")
    parser.add_argument("--rounds", type=int, default=20, help="rounds after the warm-up")
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data(),
        help="folder of MovieLens 100K; a synthetic log of its shape when there is none",
    )
    parser.add_argument("--json", type=Path, help="also write the comparison to this file")
    parser.add_argument("--engines", default=",".join(ENGINES), help="comma-separated")
    parser.add_argument("--environments", type=Path, default=DEFAULT_CACHE, help="cache folder")
    options = parser.parse_args(arguments)
    options.engines = options.engines.split(",")
    unknown = [name for name in options.engines if name not in ENGINES]
    if unknown:
        parser.error(f"no such engine: {', '.join(unknown)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return 1 if an engine failed or did another job than the rest."""
    options = parse(arguments)
    interpreters, missing = find_interpreters(options.engines, options.environments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # inherited by the engines
    with tempfile.TemporaryDirectory() as folder:
        workload = Path(folder) / "workload.npz"
        make_workload(options.data).save(workload)
        reports, failures = run_all(interpreters, workload, options.rounds)
    merged = {name: merge(runs) for name, runs in reports.items()}
    reasons = {**missing, **failures}
    print(table(options.engines, merged, reasons))
    complaints = disagreements(merged)
    print("\n".join(complaints) or "all final vectors agree")
    if options.json:
        data = "ml-100k" if options.data else "synthetic"
        result = {"data": data, "cores": CORES, "engines": merged, "without_result": reasons}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if failures or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
