"""Compare a round over a network: Hedgerow's coordinator, and Flower's deployment engine.

    python benchmarks/peers/network.py

Each moves item vectors (1682 x 32 unless told otherwise) to 8 clients and back in every round, on
the loopback interface of this machine, without TLS, one engine after the other and twice in turns.
Compared are the seconds from the end of one round to the end of the next (the median of all turns,
without the first round), the peak memory of all server processes together, and how many processes
there are. Clients have next to nothing to compute: five interactions here, five changed rows there.

What differs:

- Hedgerow's sums are secured (``pairwise``: masks between clients who sign for each other;
  ``split``: two servers) and promise differential privacy, and everything is on disk before it is
  acknowledged. Flower averages in the clear what its server sees of each client, and keeps it in
  memory.
- Hedgerow's clients are coroutines of its agents' code, one in each of 8 processes, which stay.
  Each of Flower's 8 nodes starts a process per message, which is the only way its nodes have of
  running a client's code.
- Hedgerow's clients are told at once. Flower's nodes and its server ask, and where there is
  nothing pause for 3 seconds before they ask again, which cannot be set. What can is set (its
  looks for tasks, every 0.25 seconds instead of every second). A line of its own shows Flower with
  all pauses cut to 0.25 seconds by replacing ``time.sleep`` in its processes: what is left is its
  own work.

Flower is installed from its pinned requirements into an environment of its own; its telemetry and
its look for updates are off.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from environments import DEFAULT_CACHE, environment_python
from network_flower import Flower

COORDINATOR = Path(__file__).resolve().parents[1] / "coordinator.py"

TURNS = 2

Report: TypeAlias = dict[str, Any]

Engine: TypeAlias = Callable[[Path, int], Report]


def hedgerow(mode: str, clients: int, dimension: str, folder: Path, rounds: int) -> Report:
    """Run Hedgerow's rounds, each client in a process of its own."""
    report = folder / "report.json"
    shape = ["--agents", clients, "--processes", clients, "--dimension", dimension]
    wanted = ["--mode", mode, "--rounds", rounds + 1, "--no-uploads", "--json", report]
    command = [sys.executable, COORDINATOR, *shape, *wanted]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    told = json.loads(report.read_text())
    if told["rounds_completed"] != rounds + 1 or told["contributors_median"] != clients:
        raise RuntimeError(f"Hedgerow did not complete its rounds: {told['failures']}.")
    peaks = [told["server_peak_mb"], *([told["helper_peak_mb"]] if mode == "split" else [])]
    return {
        "seconds_per_round": told["round_seconds"],
        "server_peak_mb": sum(peaks),
        "server_processes": len(peaks),
        "client_processes": clients,
        "hardware": told["hardware"],
        "versions": told["versions"],
    }


def merged(reports: Sequence[Report]) -> Report:
    """Return what an engine's turns amount to."""
    seconds = [each for report in reports for each in report["seconds_per_round"]]
    return {
        "seconds_per_round_median": statistics.median(seconds),
        "seconds_per_round": [[round(s, 3) for s in r["seconds_per_round"]] for r in reports],
        **{key: max(report[key] for report in reports) for key in COUNTED},
    }


COUNTED = ("server_peak_mb", "server_processes", "client_processes")


def table(found: dict[str, Report]) -> str:
    """Return a line per engine, with what it takes in proportion to the first one's."""
    first = next(iter(found.values()))
    line = "{:24} {:>8} {:>6} {:>10} {:>6} {:>17} {:>17}"
    names = ("s/round", "ratio", "server MB", "ratio", "server processes", "client processes")
    lines = [line.format("", *names)]
    for name, each in found.items():
        seconds, memory = each["seconds_per_round_median"], each["server_peak_mb"]
        cells = (
            f"{seconds:.2f}",
            f"{seconds / first['seconds_per_round_median']:.1f}",
            f"{memory:.0f}",
            f"{memory / first['server_peak_mb']:.2f}",
            each["server_processes"],
            each["client_processes"],
        )
        lines.append(line.format(name, *cells))
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run all engines and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10, help="after the first, in each turn")
    parser.add_argument("--dimension", default="1682x32", help="items x length of their vectors")
    parser.add_argument("--environments", type=Path, default=DEFAULT_CACHE, help="cache folder")
    parser.add_argument("--json", type=Path, help="also write the comparison to this file")
    chosen = parser.parse_args()
    python = environment_python("flower", chosen.environments)
    items, width = (int(part) for part in chosen.dimension.split("x"))
    flower = partial(Flower, python.parent, chosen.clients, items, width)
    engines: dict[str, Engine] = {
        "hedgerow, pairwise": partial(hedgerow, "pairwise", chosen.clients, chosen.dimension),
        "hedgerow, split": partial(hedgerow, "split", chosen.clients, chosen.dimension),
        "flower": flower().run,
        "flower, pauses cut": flower(impatient=True).run,
    }
    reports: dict[str, list[Report]] = {name: [] for name in engines}
    for _ in range(TURNS):
        for name, run in engines.items():
            print(f"running {name}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(prefix="beside-") as folder:
                reports[name].append(run(Path(folder), chosen.rounds))
    found = {name: merged(each) for name, each in reports.items()}
    about = {key: reports["hedgerow, split"][0][key] for key in ("hardware", "versions")}
    about["versions"]["flwr"] = _version(python)
    print(table(found))
    print(json.dumps(about))
    if chosen.json:
        result = {"clients": chosen.clients, "dimension": chosen.dimension, "engines": found}
        chosen.json.write_text(json.dumps({**result, **about}, indent=1) + "\n")


def _version(python: Path) -> str:
    """Return which Flower an environment has."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    (flower,) = importlib.metadata.distributions(name="flwr", path=[str(packages)])
    return flower.version


if __name__ == "__main__":
    main()
