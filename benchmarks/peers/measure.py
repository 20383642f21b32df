"""What every engine script shares: its command line, its stopwatch and its report.

Linux only: memory is read from ``/proc``. NumPy is the only dependency, so that the module can be
imported in every engine's environment.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from workload import Floats, Workload

WARM_UP_ROUNDS = 1

Read = TypeVar("Read")


class Recorder:
    """Stopwatch of the rounds, and a fingerprint of the vectors before and after each of them.

    The fingerprint is a fixed linear map of the vectors to one row: the difference of two of them
    is the fingerprint of the change in between.

    Parameters
    ----------
    initial
        The vectors before the first round.
    """

    def __init__(self, initial: Floats) -> None:
        self._weights = np.cos(np.arange(len(initial)))
        self._mark = 0.0
        self.seconds: list[float] = []
        self.fingerprints = [self._fingerprint(initial)]

    def start(self) -> None:
        """Start the first round's clock."""
        self._mark = time.perf_counter()

    def round_done(self, vectors: Floats) -> None:
        """Stop the round's clock, take the fingerprint and start the next round's clock."""
        self.seconds.append(time.perf_counter() - self._mark)
        self.fingerprints.append(self._fingerprint(vectors))
        self.start()

    def _fingerprint(self, vectors: Floats) -> list[float]:
        row: list[float] = (self._weights @ vectors).tolist()
        return row


class MemoryWatch:
    """Sample the memory of this process and of all its descendants in the background.

    A lone process counts with its resident set. Of several the proportional set sizes are summed,
    in which a page that they share counts once.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._peak = 0

    @property
    def peak_mb(self) -> float:
        """The highest sample, in megabytes."""
        return self._peak / 1e6

    def __enter__(self) -> Self:
        """Start sampling."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop sampling."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            began = time.perf_counter()
            self._peak = max(self._peak, _tree_bytes(os.getpid()))
            # A tree of many processes is slow to read: at most two percent of a core goes there.
            pause = max(0.05, 50 * (time.perf_counter() - began))


def family(root: int, read: Callable[[Path], Read]) -> dict[int, Read]:
    """Read something of a process and of all its descendants, by their numbers.

    Parameters
    ----------
    root
        The process's number.
    read
        Called with a process's folder in ``/proc``.
    """
    found: dict[int, Read] = {}
    waiting = [root]
    while waiting:
        number = waiting.pop()
        process = Path("/proc") / str(number)
        try:
            found[number] = read(process)
            waiting += _children(process)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and the reading
    return found


def _tree_bytes(root: int) -> int:
    sizes = family(root, _sizes).values()
    resident = [each["Rss:"] for each in sizes]
    proportional = [each["Pss:"] for each in sizes]
    # The proportional size alone would depend on who else on the machine runs the same libraries.
    return resident[0] if len(resident) == 1 else sum(proportional)


def _sizes(process: Path) -> dict[str, int]:
    _, *lines = (process / "smaps_rollup").read_text().splitlines()
    return {name: 1024 * int(kilobytes) for name, kilobytes, _ in map(str.split, lines)}


def _children(process: Path) -> list[int]:
    listings = [thread / "children" for thread in (process / "task").iterdir()]
    return [int(child) for listing in listings for child in listing.read_text().split()]


def run_engine(
    engine: str,
    version: str,
    train: Callable[[Path, int, Recorder], Floats],
    arguments: Sequence[str] | None = None,
) -> None:
    """Run an engine on the workload named on the command line and write its report.

    Parameters
    ----------
    engine, version
        What the report calls the engine.
    train
        Called with the workload's file, the number of rounds and a `Recorder`; calls the
        recorder's `start` once and its `round_done` after each round, and returns the final
        vectors.
    arguments
        The command line; that of the process by default.
    """
    parser = argparse.ArgumentParser(description=f"Run the comparison's workload with {engine}.")
    parser.add_argument("--workload", type=Path, required=True, help="file of workload.py")
    parser.add_argument("--rounds", type=int, default=10, help="rounds after the warm-up")
    parser.add_argument("--json", type=Path, required=True, help="the report to write")
    options = parser.parse_args(arguments)
    with MemoryWatch() as memory:
        workload = Workload.load(options.workload)
        recorder = Recorder(workload.vectors)
        n_clients = workload.n_clients
        del workload  # the engine loads its own; a second copy would count as its memory
        vectors = train(options.workload, WARM_UP_ROUNDS + options.rounds, recorder)
    seconds = recorder.seconds[WARM_UP_ROUNDS:]
    report = {
        "engine": engine,
        "version": version,
        "clients": n_clients,
        "rounds": len(seconds),
        "warm_up_rounds": WARM_UP_ROUNDS,
        "seconds_per_round": seconds,
        "client_updates_per_second": n_clients / statistics.median(seconds),
        "peak_mb": memory.peak_mb,
        "checksum": float(np.abs(vectors.astype(np.float64)).sum()),
        "vectors_l2": float(np.linalg.norm(vectors.astype(np.float64))),
        "fingerprints": recorder.fingerprints,
    }
    options.json.write_text(json.dumps(report, indent=1) + "\n")
