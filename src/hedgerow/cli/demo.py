"""``hedgerow demo``: the whole story on the synthetic shop, with nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli import options as o
from hedgerow.cli.progress import ProgressBars
from hedgerow.cli.simulate import write_results
from hedgerow.cli.tables import print_comparison, print_examples
from hedgerow.comparison.compare import compare
from hedgerow.data.shop import Shop
from hedgerow.models.sequence import Sequence


def demo(
    customers: Annotated[int, typer.Option(min=50, max=1_000_000, help="Of the shop.")] = 5_000,
    products: Annotated[int, typer.Option(min=48, max=30_000, help="Of the shop.")] = 800,
    seed: o.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the report and the model.")] = Path(
        "hedgerow-demo"
    ),
) -> None:
    """Make a shop, federate a recommender over its customers and say what it achieved."""
    console = Console()
    console.print(
        f"A synthetic shop of {customers:,} customers and {products:,} products. Each customer is "
        "a device: what was bought stays there, and only terms of sums leave it.\n"
    )
    log = Shop(customers=customers, products=products, seed=seed).interactions().distinct()
    with ProgressBars(console, "full/ndcg@10") as bars:
        comparison = compare(log, Sequence.phone(), seed=seed, listener=bars)
    print_comparison(comparison, console)
    print_examples(comparison, console)
    out.mkdir(parents=True, exist_ok=True)
    write_results(comparison, out, None, console)
