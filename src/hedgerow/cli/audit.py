"""``hedgerow audit``: what an attacker could tell from a run, beside what it promises."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from hedgerow.cli import options as o
from hedgerow.cli import promises as p
from hedgerow.cli.progress import ProgressBars
from hedgerow.client.audit import recipes, silence_verdicts
from hedgerow.comparison.report import add_audit
from hedgerow.federation.audit import BENCHES, AuditResult, audit, bench_verdicts
from hedgerow.federation.audit.run import CANARIES, FEWEST_CANARIES, FEWEST_PAIRS, PAIRS, Progress
from hedgerow.privacy.audits.evidence import Estimate

FAILED = 3
"""The exit status where an audit failed; 1 is a mistake in the call, 2 one in its options."""

TOLD = ("canaries", "membership")
"""What is explained whether or not it passed."""

MARKS = {True: "[green]pass[/]", False: "[bold red]FAIL[/]"}


def audit_command(
    data: o.Data,
    *,
    model: o.Model = None,
    preset: o.Preset = None,
    settings: o.Settings = None,
    columns: o.ColumnNames = None,
    query: o.Query = None,
    catalog: o.CatalogFile = None,
    drop_invalid: o.DropInvalid = False,
    repeats: o.Repeats = False,
    epsilon: Annotated[
        float, typer.Option(help="The epsilon that is claimed for the whole run.")
    ] = 2.0,
    delta: p.Delta = None,
    secure: p.SecureChoice = p.Secure.NONE,
    clip: p.Clip = None,
    minimum: p.Minimum = p.DEFAULTS.minimum,
    canaries: Annotated[
        int, typer.Option(min=FEWEST_CANARIES, max=5_000, help="Users made up for the audit.")
    ] = CANARIES,
    pairs: Annotated[
        int,
        typer.Option(
            min=FEWEST_PAIRS,
            max=100_000,
            help="User-item pairs whose membership is guessed in each run.",
        ),
    ] = PAIRS,
    noise: Annotated[
        bool,
        typer.Option(
            "--noise/--no-noise",
            help="For auditors: leave out the noise that is claimed; the audit then must fail.",
        ),
    ] = True,
    masks: Annotated[
        bool,
        typer.Option(
            "--masks/--no-masks",
            help="For auditors: leave out the masks that are claimed; the audit then must fail.",
        ),
    ] = True,
    seed: o.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for audit.json.")] = Path("hedgerow-out"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write what was found to this JSON file.")
    ] = None,
) -> None:
    """Train on DATA under a policy with canaries among the users, and try to break its promise.

    A lower bound on epsilon from canaries (Steinke, Nasr and Jagielski 2023), how well single
    interactions are told, a search of what crossed the wire, and tests of the noise itself, of
    clipping, masks, the ledger and the servers, in every mode of securing sums, and of clients that
    a hostile coordinator watches. Prints one table, writes audit.json and adds it to the report of
    a simulation in the same folder. The exit status is 3 if an audit fails.
    """
    console = Console()
    policy = p.make_policy(
        epsilon=epsilon,
        delta=delta,
        secure=secure,
        unit=p.Unit.USER,
        clients_per_person=1,
        clip=clip,
        minimum=minimum,
        dropout=0.0,
    )
    log = o.read_log(
        data,
        columns=columns,
        query=query,
        catalog=catalog,
        silos=None,
        drop_invalid=drop_invalid,
        repeats=repeats,
    )
    recipe = o.make_recipe(model, settings, preset, log, policy)
    paths = [out / "audit.json", *([json_file] if json_file else [])]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Thousands of small products: more threads wait for each other longer than they work.
    with ProgressBars(console, "") as bars, threadpool_limits(1):
        result = audit(
            log,
            recipe,
            policy,
            canaries=canaries,
            pairs=pairs,
            noise=noise,
            masks=masks,
            seed=seed,
            progress=Progress(bars.stage, bars.round, bars.step),
        )
        started = time.perf_counter()
        bars.stage("bench", BENCHES)
        tests = bench_verdicts(result.policy, noise=noise, step=bars.step)
        tried = recipes()
        bars.stage("clients", len(tried))
        tests += silence_verdicts(tried, bars.step)
        result = result.with_tests(tests, time.perf_counter() - started)
    print_audit(result, console)
    found = result.to_json()
    for path in paths:
        path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    figures, report = out / "result.json", out / "report.html"
    where = "the folder has no report of the same model, data and policy to add them to"
    if figures.is_file() and add_audit(figures, report, found):
        where = f"added to the report {report}"
    console.print(f"\nFigures {', '.join(map(str, paths))}; {where}.")
    if not result.passed:
        raise typer.Exit(FAILED)


def print_audit(result: AuditResult, console: Console) -> None:
    """Print one row per test, and what those mean that failed or speak of the whole run."""
    policy = result.policy
    left_out = [
        what for what, there in (("noise", result.noise), ("masks", result.masks)) if not there
    ]
    title = (
        f"{result.model}: epsilon {result.epsilon:g} at delta {policy.delta:.2g} claimed for "
        f"{result.users:,} users at one client each, sums secured: {policy.secure}"
    )
    if left_out:
        title += f"; left out: {' and '.join(left_out)}"
    console.print(title, style="italic", markup=False)
    table = Table(header_style="bold")
    for head in ("audit", "looked at", "measured", "allowed", "verdict"):
        table.add_column(head, no_wrap=head in {"allowed", "verdict"})
    for row in result.verdicts:
        table.add_row(row.audit, row.looked_at, row.measured, row.allowed, MARKS[row.passed])
    console.print(table)
    for row in result.verdicts:
        if not row.passed:
            console.print(f"  {row.audit}: {row.sentence}", style="bold", markup=False)
        elif row.audit in TOLD:
            console.print(f"  {row.audit}: {row.sentence}", style="dim", markup=False)
    console.print(f"  estimate: {_estimate(result.canary.estimate)}", style="dim")
    word = "[green]passed[/]" if result.passed else "[bold red]failed[/]"
    console.print(f"The audit {word} in {result.seconds:.1f} s.")


def _estimate(found: Estimate) -> str:
    if math.isinf(found.epsilon):
        return "the canaries were told without fail; no epsilon describes that."
    return (
        "the canaries were as hard to tell as under Gaussian noise of epsilon "
        f"{found.epsilon:.3g} (95 % interval {found.low:.3g} to {found.high:.3g}); not a bound."
    )
