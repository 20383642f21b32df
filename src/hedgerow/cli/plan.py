"""``hedgerow plan``: how many people an epsilon needs, before a budget is spent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from hedgerow.cli import options as o
from hedgerow.cli import promises as p
from hedgerow.cli.progress import ProgressBars
from hedgerow.comparison.planner import ENOUGH, Forecast, forecast
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.models.registry import options_of
from hedgerow.privacy.policy import Policy

Number = TypeVar("Number", int, float)

NOTE = (
    "Expected on the data at hand, in the clear: no ledger is charged, and nobody should publish "
    "these figures as private."
)


def plan(
    data: o.Data,
    *,
    epsilon: Annotated[
        str, typer.Option(help="Epsilons of a whole run to plan for, by commas.")
    ] = "8,4,2,1",
    people: Annotated[
        str | None,
        typer.Option(
            help="Numbers of people to plan for, by commas, such as 500,5000,50000; by default "
            "from a quarter to a hundred times those of DATA."
        ),
    ] = None,
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
    delta: p.Delta = None,
    clients_per_person: p.ClientsPerPerson = 1,
    clip: p.Clip = None,
    minimum: p.Minimum = p.DEFAULTS.minimum,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="How often to train for each figure.")
    ] = 3,
    executor: o.ExecutorChoice = None,
    workers: o.Workers = 1,
    seed: o.Seed = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the figures to this JSON file.")
    ] = None,
) -> None:
    """Say what quality to expect of so many people at such an epsilon, from DATA of their kind.

    DATA may be one's own or public and similar. It is looked at in the clear, and no ledger is
    charged.
    """
    console = Console()
    epsilons = _numbers(epsilon, "--epsilon", "numbers", float)
    sizes = _numbers(people, "--people", "whole numbers", int) if people is not None else []
    policy = Policy(
        epsilon=epsilons[0],
        delta=delta,
        clients_per_person=clients_per_person,
        clip=clip,
        minimum=minimum,
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
    for note in log.notes:
        console.print(f"note: {note}", style="dim")
    with ProgressBars(console, "") as bars:
        found = forecast(
            log,
            o.make_recipe(model, settings, preset, log, policy),
            split=o.make_split(split, log, seed),
            protocol=EvaluationProtocol(k=k, sampled=0, repeats=repeats, replicates=0, seed=seed),
            policy=policy,
            epsilons=epsilons,
            people=sizes,
            seeds=range(seed, seed + seeds),
            executor=o.make_executor(executor, workers),
            listener=bars,
        )
    print_forecast(found, console)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(forecast_json(found), indent=2) + "\n", encoding="utf-8")


def print_forecast(found: Forecast, console: Console) -> None:
    """Print quality by people and epsilon, and how many people each epsilon needs."""
    metric = f"ndcg@{found.k}"
    table = Table(
        title=f"{found.recipe.name}: NDCG@{found.k} to expect, from {found.people:,} people at "
        f"hand; mean of {len(found.seeds)} seeds",
        title_justify="left",
        header_style="bold",
    )
    table.add_column("people", justify="right")
    table.add_column("delta", justify="right")
    for epsilon in found.epsilons:
        table.add_column(f"epsilon {epsilon:g}", justify="right")
    for population in found.populations:
        cells = [f"{point.mean(metric):.4f}" for point in population.points]
        style = "green" if population.people == found.people else None
        table.add_row(f"{population.people:,}", f"{population.delta:.2g}", *cells, style=style)
    console.print(table)
    without = found.without.mean(metric)
    console.print(
        f"Without noise {without:.4f}; by popularity, not private, {found.popularity:.4f}."
    )
    for epsilon in found.epsilons:
        popular = found.needed(epsilon, found.popularity)
        enough = found.needed(epsilon, ENOUGH * without)
        console.print(
            f"Epsilon {epsilon:g} takes {_people(found, popular)} for popularity's quality, "
            f"{_people(found, enough)} for {ENOUGH:.0%} of that without noise."
        )
    console.print(NOTE, style="dim")


def _people(found: Forecast, needed: float | None) -> str:
    smallest, largest = found.populations[0].people, found.populations[-1].people
    if needed is None:
        return f"more than {largest:,} people"
    if needed <= smallest:
        return f"{smallest:,} people or fewer"
    return f"about {float(f'{needed:.2g}'):,.0f} people"


def forecast_json(found: Forecast) -> dict[str, Any]:
    """Return a forecast, made of plain JSON types."""
    without = found.without.mean(f"ndcg@{found.k}")
    return {
        "model": found.recipe.name,
        "options": options_of(found.recipe),
        "people_at_hand": found.people,
        "seeds": list(found.seeds),
        "note": NOTE,
        "without_noise": dict(found.without.values),
        "popularity": found.popularity,
        "populations": [
            {
                "people": population.people,
                "delta": population.delta,
                "points": [
                    {
                        "epsilon": point.epsilon,
                        "noise_multiplier": point.multiplier,
                        "values": dict(point.values),
                    }
                    for point in population.points
                ],
            }
            for population in found.populations
        ],
        "needed": [
            {
                "epsilon": epsilon,
                "as_good_as_popularity": found.needed(epsilon, found.popularity),
                "share_of_without_noise": ENOUGH,
                "worth_while": found.needed(epsilon, ENOUGH * without),
            }
            for epsilon in found.epsilons
        ],
    }


def _numbers(text: str, option: str, what: str, kind: Callable[[str], Number]) -> list[Number]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} takes {what} by commas, not {text!r}.") from error
