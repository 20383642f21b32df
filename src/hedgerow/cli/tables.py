"""Tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedgerow.cli.progress import megabytes
from hedgerow.comparison.compare import Comparison, Contender

WIDE = 120
"""Columns of a terminal that holds the whole table."""

ORDER = ("popularity", "local", "federated", "pooled")


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the main table and the federation tax."""
    k = comparison.protocol.k
    clients = comparison.clients
    table = Table(
        title=f"{comparison.recipe.name}: {len(clients):,} {clients.kind}, "
        f"{len(comparison.log.catalog):,} items, {len(comparison.log):,} interactions",
        title_justify="left",
        header_style="bold",
    )
    table.add_column("trained", style="bold")
    # A narrow terminal gets what matters most; the report has it all.
    wide = console.width >= WIDE
    sampled = comparison.protocol.sampled if wide else 0
    heads = [f"HR@{k}", f"NDCG@{k}", "95 % interval"]
    if sampled:
        heads += [f"1+{sampled} HR@{k}", f"1+{sampled} NDCG@{k}"]
    if wide:
        heads.append("coverage")
    for head in (*heads, "rounds", "up/client", "down/client", "seconds"):
        table.add_column(head, justify="right")
    for name in ORDER:
        if name in comparison.contenders:
            contender = comparison.contenders[name]
            style = "green" if name == "federated" else None
            table.add_row(*_cells(contender, k, sampled, wide=wide), style=style)
    console.print(table)
    for name in ORDER:
        note = comparison.contenders[name].note if name in comparison.contenders else ""
        if note:
            console.print(f"  {name}: {note}", style="dim")
    tax = comparison.tax(f"full/ndcg@{k}")
    if tax:
        value, low, high = tax
        console.print(
            f"Federation tax, pooled minus federated NDCG@{k}: [bold]{value:+.4f}[/] "
            f"(95 % interval {low:+.4f} to {high:+.4f}); "
            f"{comparison.client_updates_per_second:,.0f} client updates/s."
        )


def _cells(contender: Contender, k: int, sampled: int, *, wide: bool) -> Iterable[str]:
    values = contender.evaluation.values
    low, high = contender.evaluation.interval(f"full/ndcg@{k}")
    yield contender.name
    yield f"{values[f'full/hr@{k}']:.4f}"
    yield f"{values[f'full/ndcg@{k}']:.4f}"
    yield f"{low:.4f}-{high:.4f}"
    if sampled:
        yield f"{values[f'sampled/hr@{k}']:.4f}"
        yield f"{values[f'sampled/ndcg@{k}']:.4f}"
    if wide:
        yield f"{values[f'list/coverage@{k}']:.2f}"
    yield str(len(contender.rounds)) if contender.rounds else "-"
    yield megabytes(contender.bytes_up) if contender.bytes_up else "-"
    yield megabytes(contender.bytes_down) if contender.bytes_down else "-"
    yield f"{contender.seconds:.1f}"


def print_examples(comparison: Comparison, console: Console) -> None:
    """Print some users' histories and what they are recommended."""
    console.print("\n[bold]What some of them are recommended[/]")
    for example in comparison.examples:
        console.print(f"\n[bold]customer {escape(example.user)}[/]")
        console.print("  had   " + escape(" > ".join(example.history)))
        console.print("  took  " + escape(", ".join(example.held_out)))
        for item, hit in zip(example.recommended, example.hits, strict=True):
            mark = "[green]hit[/]" if hit else "   "
            console.print(f"  {mark} {item.rank}. {escape(item.title)}")
