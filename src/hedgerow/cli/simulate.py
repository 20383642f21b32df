"""``hedgerow simulate``: what federating one's data would give, and what it would cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli import options as o
from hedgerow.cli import promises as p
from hedgerow.cli.ledger import LEDGER
from hedgerow.cli.progress import ProgressBars
from hedgerow.cli.tables import print_comparison, print_privacy
from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.compare import compare
from hedgerow.comparison.report import write_report
from hedgerow.comparison.result import Comparison, Plan
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.clients import Participation
from hedgerow.privacy.ledger import Ledger

CHECKPOINT = "checkpoint.safetensors"

COMPARED = ("popularity", "local", "pooled")


def simulate(
    data: o.Data,
    *,
    model: o.Model = None,
    preset: o.Preset = None,
    settings: o.Settings = None,
    columns: o.ColumnNames = None,
    query: o.Query = None,
    catalog: o.CatalogFile = None,
    drop_invalid: o.DropInvalid = False,
    split: o.SplitChoice = o.SplitName.LAST_OUT,
    repeats: o.Repeats = False,
    k: o.Length = 10,
    sampled: Annotated[
        int, typer.Option(min=0, max=10_000, help="Items of the sampled ranking; 0: none.")
    ] = 99,
    against: Annotated[
        str, typer.Option(help="What to compare with, by commas; 'none' for nothing.")
    ] = ",".join(COMPARED),
    silos: o.Silos = None,
    concentration: o.Concentration = 0.5,
    participation: Annotated[float, typer.Option(help="Share of clients asked in a round.")] = 1.0,
    dropout: Annotated[float, typer.Option(help="Share of them that vanish.")] = 0.0,
    epsilon: p.Epsilon = None,
    delta: p.Delta = None,
    secure: p.SecureChoice = p.Secure.NONE,
    unit: p.UnitChoice = p.Unit.USER,
    clients_per_person: p.ClientsPerPerson = 1,
    clip: p.Clip = None,
    minimum: p.Minimum = p.DEFAULTS.minimum,
    ledger_file: p.LedgerFile = None,
    curve: Annotated[
        str | None,
        typer.Option(
            help="Also train under each of these epsilons, by commas, such as 8,4,2,1, and say "
            "what quality each leaves."
        ),
    ] = None,
    curve_seeds: Annotated[
        int, typer.Option(min=1, max=100, help="How often to train for each point of the curve.")
    ] = 3,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many rounds without a better validation NDCG."),
    ] = None,
    executor: o.ExecutorChoice = None,
    workers: o.Workers = 1,
    seed: o.Seed = 0,
    examples: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            help="Show so many users with their histories in report.html and result.json; these "
            "files are then as confidential as DATA.",
        ),
    ] = 0,
    out: Annotated[
        Path, typer.Option(help="Folder for the report, the model and checkpoints.")
    ] = Path("hedgerow-out"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the figures to this JSON file.")
    ] = None,
    noise_seed: p.NoiseSeed = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")
    ] = False,
) -> None:
    """Train a model federated over DATA's users and compare it with what else one could do.

    Prints one table: popularity, the model on each client's data alone, federated, and pooled.
    Writes report.html, result.json and model.safetensors.
    """
    console = Console()
    plan = Plan(
        _against(against),
        patience,
        curve=_epsilons(curve),
        curve_seeds=curve_seeds,
        examples=examples,
    )
    share = Participation(participation, dropout, seed)
    if ledger_file is not None and epsilon is None:
        raise ConfigError("--ledger charges what --epsilon promises; give an epsilon, too.")
    policy = p.make_policy(
        epsilon=epsilon,
        delta=delta,
        secure=secure,
        unit=unit,
        clients_per_person=clients_per_person,
        clip=clip,
        minimum=minimum,
        dropout=dropout,
    )
    log = o.read_log(
        data,
        columns=columns,
        query=query,
        catalog=catalog,
        silos=silos,
        drop_invalid=drop_invalid,
        repeats=repeats,
    )
    recipe = o.make_recipe(model, settings, preset, log, policy)
    for note in log.notes:
        console.print(f"note: {note}", style="dim")
    protocol = EvaluationProtocol(k=k, sampled=sampled, repeats=repeats, seed=seed)
    _prepare(out, json_file, console, resume=resume)
    kept = ledger_file or out / LEDGER
    with ProgressBars(console, f"full/ndcg@{k}") as bars:
        comparison = compare(
            log,
            recipe,
            clients=o.make_clients(silos, concentration, log, seed),
            split=o.make_split(split, log, seed),
            protocol=protocol,
            participation=share,
            policy=policy,
            ledger=Ledger(kept),
            shared=ledger_file is not None,
            plan=plan,
            executor=o.make_executor(executor, workers),
            seed=seed,
            checkpoint=out / CHECKPOINT,
            resume=resume,
            noise_seed=noise_seed,
            listener=bars,
        )
    print_comparison(comparison, console)
    print_privacy(comparison, kept, console)
    write_results(comparison, out, json_file, console)


def _prepare(out: Path, json_file: Path | None, console: Console, *, resume: bool) -> None:
    """Find out before the work whether its results can be written, and keep what is unfinished."""
    out.mkdir(parents=True, exist_ok=True)
    for path in [out / "result.json"] + ([json_file] if json_file else []):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
        if not path.stat().st_size:
            path.unlink()
    checkpoint = out / CHECKPOINT
    if checkpoint.exists() and not resume:
        kept = checkpoint.replace(out / f"{CHECKPOINT}.old")
        console.print(f"note: an unfinished run's checkpoint was kept as {kept}", style="dim")


def _against(text: str) -> tuple[str, ...]:
    if text.strip() == "none":
        return ()
    names = tuple(part.strip() for part in text.split(","))
    unknown = [name for name in names if name not in COMPARED]
    if unknown:
        raise ConfigError(f"--against knows {', '.join(COMPARED)} and none, not {unknown[0]!r}.")
    return names


def _epsilons(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text is not None else ()
    except ValueError as error:
        raise ConfigError(
            f"--curve takes epsilons by commas, such as 8,4,2,1, not {text!r}."
        ) from error


def write_results(
    comparison: Comparison, out: Path, json_file: Path | None, console: Console
) -> None:
    """Write the report, the figures and the model, and say where they are."""
    report = out / "report.html"
    text = json.dumps(as_json(comparison, report="report.html"), indent=2, allow_nan=False)
    comparison.recommender.save(out / "model.safetensors")
    (out / "result.json").write_text(text + "\n", encoding="utf-8")
    write_report(comparison, report)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    # Nothing is left to resume.
    (out / CHECKPOINT).unlink(missing_ok=True)
    console.print(f"\nReport [bold]{report}[/], figures {out / 'result.json'}, ", end="")
    console.print(f"model {out / 'model.safetensors'}.")
