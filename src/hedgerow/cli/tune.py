"""``hedgerow tune``: pick a model's hyper-parameters on validation."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedgerow.cli import options as o
from hedgerow.comparison import tune as tuning
from hedgerow.evaluation.evaluate import EvaluationProtocol


def tune(
    data: o.Data,
    *,
    model: o.Model = None,
    preset: o.Preset = None,
    settings: o.Settings = None,
    columns: o.ColumnNames = None,
    query: o.Query = None,
    drop_invalid: o.DropInvalid = False,
    split: o.SplitChoice = o.SplitName.LAST_OUT,
    repeats: o.Repeats = False,
    k: o.Length = 10,
    trials: Annotated[int, typer.Option(min=1, help="Try at most so many settings.")] = 30,
    executor: o.ExecutorChoice = None,
    workers: o.Workers = 1,
    seed: o.Seed = 0,
) -> None:
    """Try a model's usual settings on validation interactions; the test's are never looked at."""
    console = Console()
    starts = o.make_starts(model, settings, preset)
    log = o.read_log(
        data,
        columns=columns,
        query=query,
        catalog=None,
        silos=None,
        drop_invalid=drop_invalid,
        repeats=repeats,
    )
    found = tuning.tune(
        log,
        starts,
        split=o.make_split(split, log, seed),
        protocol=EvaluationProtocol(k=k, sampled=0, repeats=repeats, replicates=0, seed=seed),
        executor=o.make_executor(executor, workers),
        seed=seed,
        trials=trials,
        on_trial=lambda t: console.print(_line(t, k), style="dim"),
    )
    table = Table(title="on validation, the best first", title_justify="left", header_style="bold")
    table.add_column("setting")
    table.add_column(f"HR@{k}", justify="right")
    table.add_column(f"NDCG@{k}", justify="right")
    for trial in found[:10]:
        values = trial.evaluation.values
        table.add_row(
            escape(_setting(trial)),
            f"{values[f'full/hr@{k}']:.4f}",
            f"{values[f'full/ndcg@{k}']:.4f}",
        )
    console.print(table)
    flags = " ".join(f"--set {name}={_text(value)}" for name, value in found[0].changed.items())
    start = f"--model {model}" + (f" --preset {found[0].start}" if found[0].start else "")
    given = "".join(f" --set {s}" for s in settings or [])
    console.print(f"Take it with [bold]{start}{escape(given)} {escape(flags)}[/]".rstrip())


def _line(trial: tuning.Trial, k: int) -> str:
    return f"{trial.evaluation.values[f'full/ndcg@{k}']:.4f}  {escape(_setting(trial))}"


def _setting(trial: tuning.Trial) -> str:
    changed = [f"{name}={_text(value)}" for name, value in trial.changed.items()]
    return ", ".join([*([trial.start] if trial.start else []), *changed]) or "as given"


def _text(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)
