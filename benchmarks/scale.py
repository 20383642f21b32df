"""Scale: one ALS round over a synthetic shop of ten thousand to a million customers.

    python benchmarks/scale.py [--customers 10000 100000 1000000] [--plot docs/scale.svg]

Each size runs in a process of its own, so that its peak memory is its own. The memory counted is
that of the whole round, data included, but not of making the data.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow import Catalog, Clients, Shop
from hedgerow.data.block import Block
from hedgerow.data.split import Fold
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import train
from hedgerow.models import ALS

PRODUCTS = 2_000
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)


def make(customers: int, path: Path) -> None:
    """Write a shop's histories to a file, so that making them does not count."""
    block = Shop(customers=customers, products=PRODUCTS).interactions().block
    np.savez(path, indptr=block.indptr, items=block.items, timestamps=block.timestamps)


def measure(path: Path) -> dict[str, Any]:
    """Run one round over the file's histories."""
    import polars as pl

    with np.load(path) as file:
        indptr, items, timestamps = (file[k] for k in ("indptr", "items", "timestamps"))
    n = len(indptr) - 1
    block = Block(indptr, items, PRODUCTS, np.arange(n), timestamps)
    everything = Fold(block, block.where(block.ages < 0))
    users = pl.Series(np.arange(n)).cast(pl.String)
    catalog = Catalog(pl.Series([str(i) for i in range(PRODUCTS)]))
    started = time.perf_counter()
    train(ALS(rounds=1), Serial(everything), catalog, Clients.devices(users))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "customers": n,
        "interactions": len(items),
        "seconds": seconds,
        "updates_per_second": n / seconds,
        "peak_gb": peak / 1e9,
    }


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw time and memory against customers."""
    import matplotlib.pyplot as plt

    customers = [row["customers"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    left.loglog(customers, [row["seconds"] for row in rows], "o-", color="#2f6b3a")
    left.loglog(
        customers,
        [rows[0]["seconds"] * c / customers[0] for c in customers],
        ":",
        color="#777777",
        label="proportional",
    )
    left.set(xlabel="customers", ylabel="seconds", title="one ALS round, d=64, one process")
    left.legend(frameon=False)
    right.semilogx(customers, [row["peak_gb"] for row in rows], "o-", color="#2f6b3a")
    right.set(xlabel="customers", ylabel="GB", title="peak memory, data included", ylim=(0, None))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--plot", type=Path, default=Path("docs/scale.svg"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure)))
        return
    rows = []
    print("| customers | interactions | seconds | client updates/s | peak GB |")
    print("| --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for customers in chosen.customers:
            path = Path(folder) / f"{customers}.npz"
            make(customers, path)
            command = [sys.executable, __file__, "--measure", str(path)]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append(json.loads(found.stdout))
            r = rows[-1]
            print(
                f"| {r['customers']:,} | {r['interactions']:,} | {r['seconds']:.1f} | "
                f"{r['updates_per_second']:,.0f} | {r['peak_gb']:.2f} |",
                flush=True,
            )
            path.unlink()
    plot(rows, chosen.plot)
    print(f"plot: {chosen.plot}")
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
