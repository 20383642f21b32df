"""Tables in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedgerow.cli.progress import megabytes
from hedgerow.comparison.curve import Curve
from hedgerow.comparison.report.wording import gained
from hedgerow.comparison.result import Comparison, Contender
from hedgerow.privacy.wording import LIARS, beyond, per

ORDER = ("popularity", "local", "federated", "pooled")


@dataclass(frozen=True)
class Column:
    """A column of the main table.

    Parameters
    ----------
    head
        Its title.
    cell
        What it says of a contender.
    width
        Of the terminal, in characters, from which on it is shown; the report has them all.
    """

    head: str
    cell: Callable[[Contender], str]
    width: int = 0


def _columns(k: int, sampled: int) -> list[Column]:
    def value(name: str, digits: int = 4) -> Callable[[Contender], str]:
        return lambda c: f"{c.evaluation.values[f'{name}@{k}']:.{digits}f}"

    def interval(contender: Contender) -> str:
        return "{:.4f}-{:.4f}".format(*contender.evaluation.interval(f"full/ndcg@{k}"))

    columns = [
        Column("trained", lambda c: c.name),
        Column(f"HR@{k}", value("full/hr")),
        Column(f"NDCG@{k}", value("full/ndcg")),
        Column("95 % interval", interval, 72),
    ]
    if sampled:
        columns += [
            Column(f"1+{sampled} HR@{k}", value("sampled/hr"), 136),
            Column(f"1+{sampled} NDCG@{k}", value("sampled/ndcg"), 136),
        ]
    return [
        *columns,
        Column("coverage", value("list/coverage", 2), 110),
        Column("rounds", lambda c: str(len(c.rounds) or "-"), 100),
        Column("up/client", lambda c: megabytes(c.bytes_up) if c.bytes_up else "-", 56),
        Column("down/client", lambda c: megabytes(c.bytes_down) if c.bytes_down else "-", 100),
        Column("seconds", lambda c: f"{c.seconds:.1f}", 64),
    ]


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print who gains what, the main table and the federation tax."""
    _print_gains(comparison, console)
    k, clients = comparison.protocol.k, comparison.clients
    table = Table(
        title=f"{comparison.recipe.name}: {len(clients):,} {clients.kind}, "
        f"{len(comparison.log.catalog):,} items, {len(comparison.log):,} interactions",
        title_justify="left",
        header_style="bold",
    )
    columns = [c for c in _columns(k, comparison.protocol.sampled) if console.width >= c.width]
    for number, column in enumerate(columns):
        table.add_column(column.head, justify="right" if number else "left", no_wrap=True)
    for name in ORDER:
        if name in comparison.contenders:
            contender = comparison.contenders[name]
            style = "green" if name == "federated" else None
            table.add_row(*(column.cell(contender) for column in columns), style=style)
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


def _print_gains(comparison: Comparison, console: Console) -> None:
    """Print what learning together gains over learning alone, by the clients' size."""
    if not comparison.gains:
        return
    k = comparison.protocol.k
    said = gained([asdict(gain) for gain in comparison.gains], k)
    console.print(f"[bold]{said}[/]")
    table = Table(header_style="bold", box=box.SIMPLE, pad_edge=False)
    for number, head in enumerate((f"NDCG@{k}", "alone", "together", "gain", "95 % interval")):
        table.add_column(head, justify="right" if number else "left", no_wrap=number > 0)
    for gain in comparison.gains:
        table.add_row(
            gain.who,
            f"{gain.alone:.4f}",
            f"{gain.together:.4f}",
            f"{gain.difference:+.4f}",
            f"{gain.low:+.4f} to {gain.high:+.4f}",
        )
    console.print(table)
    if comparison.policy.private:
        console.print(
            "  together: pays for its privacy in noise; what is trained alone needs none\n",
            style="dim",
        )


def print_privacy(comparison: Comparison, ledger: Path, console: Console) -> None:
    """Print what the run promised and spent in a line, and quality against epsilon if measured.

    Parameters
    ----------
    comparison
        What was found.
    ledger
        Where the releases are written down.
    console
        Where to print.
    """
    policy, noise = comparison.policy, comparison.noise
    secured = "not secured" if policy.secure == "none" else f"secured ({policy.secure})"
    if comparison.releases:
        spent = comparison.releases[-1].epsilon
        whom = policy.unit, policy.clients_per_person
        console.print(
            f"Privacy: [bold]epsilon {spent:.4g}[/] at delta {noise.delta:.2g} per {per(*whom)} "
            f"(add or remove), {noise.mechanism} noise by the {policy.noise_by}, sums {secured}; "
            f"ledger {escape(str(ledger))}. {beyond(*whom)}".rstrip()
        )
    elif policy.secure != "none":
        console.print(f"Privacy: sums {secured}; no epsilon is promised.")
    if policy.private or policy.secure != "none":
        console.print(f"note: {LIARS}", style="dim")
    if comparison.curve is not None:
        _print_curve(comparison.curve, comparison.protocol.k, console)


def _print_curve(curve: Curve, k: int, console: Console) -> None:
    table = Table(
        title=f"Quality by epsilon at delta {curve.delta:.2g}, noise by the server: mean of "
        f"{len(curve.seeds)} seeds",
        title_justify="left",
        header_style="bold",
    )
    for number, head in enumerate(("epsilon", f"HR@{k}", f"NDCG@{k}", "95 % interval")):
        table.add_column(head, justify="right" if number else "left")
    for point in (curve.without, *curve.points):
        name = "without noise" if point.epsilon is None else f"{point.epsilon:g}"
        between = point.interval(f"ndcg@{k}")
        cells = [f"{point.mean(f'{metric}@{k}'):.4f}" for metric in ("hr", "ndcg")]
        table.add_row(name, *cells, "{:.4f} to {:.4f}".format(*between) if between else "-")
    console.print(table)


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
