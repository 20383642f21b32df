"""Secured sums: what one costs each client and the servers, with every message in its bytes.

    python benchmarks/secure_aggregation.py --clients 1000 [--mode split] [--drop 0.1] [--json OUT]

Everything runs in one process and one thread; each party's own work is what its CPU time counts.
Clients that drop vanish after they promised a vector, which costs the others most.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.pairwise import drive as pairwise
from hedgerow.privacy.secure.parameters import Assumptions
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT, Floor, Terms, pairwise_terms
from hedgerow.privacy.secure.split import drive as split

LARGEST = 1000


class Vectors:
    """Clients' vectors, made when they are due, and their plain sum.

    Parameters
    ----------
    values
        How many a vector has.
    ring
        Where they are summed.
    """

    def __init__(self, values: int, ring: Ring) -> None:
        self._ring = ring
        self._rng = np.random.default_rng(0)
        self.plain: NDArray[np.int64] = np.zeros(values, np.int64)

    def words(self, _: int) -> Words:
        """Return the next client's vector."""
        values = self._rng.integers(-LARGEST, LARGEST, len(self.plain), endpoint=True)
        self.plain += values
        return self._ring.encode(values)


def dimension(text: str) -> int:
    """Read the length of a vector, such as ``1682x32``."""
    return int(np.prod([int(part) for part in text.split("x")], dtype=np.int64))


def pairwise_sum(
    chosen: argparse.Namespace, terms: Terms, vanish: list[int], vectors: Vectors
) -> dict[str, Any]:
    """Run a sum in pairwise mode; its measurements."""
    floor = Floor(terms.minimum, chosen.adversaries, chosen.drop, chosen.semi_malicious)
    costs = pairwise.Costs()
    outcome = pairwise.run(
        terms,
        floor,
        pairwise.Population.enrol(chosen.clients),
        vectors.words,
        vanish=dict.fromkeys(vanish, pairwise.Step.VECTOR),
        costs=costs,
    )
    return {
        "neighbours": terms.neighbours,
        "threshold": terms.threshold,
        "client_cpu_seconds": costs.clients / chosen.clients,
        "server_cpu_seconds": costs.server,
        "bytes_up_per_client": max(costs.up.values()),
        "bytes_down_per_client": max(costs.down.values()),
        "exact": bool((outcome.sums == vectors.plain).all()),
    }


def split_sum(
    chosen: argparse.Namespace, terms: Terms, vanish: list[int], vectors: Vectors
) -> dict[str, Any]:
    """Run a sum in split mode; its measurements."""
    costs = split.Costs()
    deployment = split.Deployment.enrol(chosen.clients)
    floor = Floor(terms.minimum)
    outcome = split.run(terms, floor, deployment, vectors.words, vanish=vanish, costs=costs)
    return {
        "neighbours": 0,
        "threshold": 0,
        "client_cpu_seconds": costs.clients / len(costs.up),
        "server_cpu_seconds": costs.coordinator,
        "helper_cpu_seconds": costs.helper,
        "bytes_up_per_client": max(costs.up.values()),
        "exact": bool((outcome.sums == vectors.plain).all()),
    }


def terms_of(chosen: argparse.Namespace) -> Terms:
    """Return the terms that were asked for."""
    stay = chosen.clients - round(chosen.drop * chosen.clients)
    common: dict[str, Any] = {
        "task": "benchmark",
        "round": 0,
        "attempt": 0,
        "words": dimension(chosen.dimension) + 1,
        "bits": chosen.bits,
        "clients": chosen.clients,
        "minimum": max(2, stay // 2),
        "model": bytes(32),
        "config": bytes(32),
        "consistency": chosen.signed_survivors and chosen.mode == PAIRWISE,
    }
    if chosen.mode == SPLIT:
        return Terms(mode=SPLIT, neighbours=0, threshold=0, **common)
    assumed = Assumptions(chosen.adversaries, chosen.drop, chosen.semi_malicious)
    return pairwise_terms(assumptions=assumed, **common)


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Run one sum; everything that is reported about it."""
    terms, ring = terms_of(chosen), Ring(chosen.bits)
    dropped = round(chosen.drop * chosen.clients)
    vanish = np.random.default_rng(1).choice(chosen.clients, dropped, replace=False).tolist()
    vectors = Vectors(terms.words - 1, ring)
    run: Callable[..., dict[str, Any]] = pairwise_sum if chosen.mode == PAIRWISE else split_sum
    with threadpool_limits(1):
        found = run(chosen, terms, vanish, vectors)
    return {
        "mode": chosen.mode,
        "clients": chosen.clients,
        "drop": chosen.drop,
        "adversaries": chosen.adversaries,
        "semi_malicious": chosen.semi_malicious,
        "words": terms.words,
        "bits": chosen.bits,
        "packed_bytes": ring.nbytes(terms.words),
        **found,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "hardware": hardware(),
    }


def hardware() -> dict[str, Any]:
    """Say what it ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def table(found: dict[str, Any]) -> str:
    """Return the measurements as a small Markdown table."""
    cells = {
        "mode": found["mode"],
        "clients": f"{found['clients']:,}",
        "dropped": f"{found['drop']:.0%}",
        "neighbours (threshold)": f"{found['neighbours']} ({found['threshold']})",
        "client ms": f"{1e3 * found['client_cpu_seconds']:.2f}",
        "server s": f"{found['server_cpu_seconds']:.2f}",
        "helper s": f"{found.get('helper_cpu_seconds', 0):.2f}",
        "kB up per client": f"{found['bytes_up_per_client'] / 1e3:.1f}",
        "exact": "yes" if found["exact"] else "NO",
    }
    rows = [list(cells), ["--:"] * len(cells), list(cells.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--drop", type=float, default=0.1, help="share of clients that vanish")
    parser.add_argument("--mode", choices=(PAIRWISE, SPLIT), default=PAIRWISE)
    parser.add_argument("--dimension", default="1682x32", help="values in a vector")
    parser.add_argument("--bits", type=int, default=32, help="width of the ring")
    parser.add_argument("--adversaries", type=float, default=0.2, help="share that may collude")
    parser.add_argument(
        "--semi-malicious",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the server may lie about who vanished",
    )
    parser.add_argument("--signed-survivors", action="store_true", help="as simulate does")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = measure(chosen)
    print(table(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    if not found["exact"]:
        raise SystemExit("The opened sum is not the plain sum.")


if __name__ == "__main__":
    main()
