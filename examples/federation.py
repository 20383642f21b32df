"""What the examples share: silos of this computer that learn over HTTPS, and a table at the end.

Each silo is a process of its own, ``hedgerow join``, which reads its own file; the coordinator is
another, ``hedgerow serve``. On several hosts these are the same commands; see the README beside.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from hedgerow.cli.demo_network import (
    People,
    bring_branches,
    catalog_of,
    learn,
    task_of,
    trained,
)
from hedgerow.cli.demo_rounds import RoundsShown
from hedgerow.cli.progress import ProgressBars
from hedgerow.cli.rehearsal import rehearse
from hedgerow.cli.tables import print_comparison
from hedgerow.client.guard import Guard
from hedgerow.comparison.judge import judge
from hedgerow.comparison.result import Comparison, Plan
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import LastOut
from hedgerow.errors import HedgerowError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import evaluate
from hedgerow.models.base import Recipe, run_steps
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.policy import Policy

SECONDS = 60.0
"""For which a round waits for a silo."""


def federate(
    name: str, log: Interactions, column: str, recipe: Recipe, policy: Policy
) -> Comparison:
    """Let silos learn a model together, and compare it with what each could do alone.

    Parameters
    ----------
    name
        Of the task.
    log
        Everybody's interactions; here only, to make the silos' files and to judge.
    column
        The user column that says which silo has a user.
    recipe
        What is learned.
    policy
        What is promised; each silo insists on it.
    """
    console = Console(highlight=False)
    clients = Clients.by_column(log.attributes, column)
    people = People(log, clients, len(clients))
    console.print(f"{len(clients)} silos: {', '.join(clients.names)}.")
    insisted = Guard(
        minimum=policy.minimum,
        adversaries=policy.adversaries,
        dropouts=policy.dropouts,
        epsilon=policy.epsilon,
        tasks=(name,),
    )
    task = task_of(name, recipe, policy, len(clients), seconds=SECONDS)
    shown = RoundsShown(console, (), len(clients))
    try:
        with tempfile.TemporaryDirectory() as folder, rehearse(Path(folder), split=False) as here:
            bring_branches(here, people, insisted)
            here.wait_for_clients(len(clients))
            rounds = learn(here, task, shown, catalog_of(people))
            console.print(shown.table(rounds), "")
            learned = trained(here, people, task, rounds, ())
    except HedgerowError as problem:
        sys.exit(f"error: {problem}")
    with ProgressBars(console, "full/ndcg@10") as bars:
        comparison = judge(
            log,
            learned,
            clients=clients,
            split=LastOut(),
            protocol=EvaluationProtocol(sampled=0),
            plan=Plan(("popularity", "local", "pooled"), watch=False),
            listener=bars,
        )
    print_comparison(comparison, console)
    console.print(by_silo(comparison))
    return comparison


def by_silo(comparison: Comparison) -> Table:
    """Return how each silo's users are served by a model of their own silo, and by the federated.

    Parameters
    ----------
    comparison
        What was found for all silos together.
    """
    log, clients, protocol = comparison.log, comparison.clients, comparison.protocol
    recipe, fold = comparison.recipe, comparison.split.test(log.block)
    yardstick, metric = make_yardstick(log.catalog, fold.history), f"full/ndcg@{protocol.k}"
    table = Table(title=f"NDCG@{protocol.k} by silo", title_justify="left")
    table.add_column("silo")
    for head in ("users", "popularity", "alone", "federated"):
        table.add_column(head, justify="right")
    everywhere = run_steps(Popularity(), Popularity().start(log.catalog, 0), fold.history)
    for number, name in enumerate(clients.names):
        part = fold.take(np.flatnonzero(clients.owner == number))
        alone = run_steps(recipe, recipe.start(log.catalog, 0), part.history)
        scorers = (
            Popularity().scorer(everywhere),
            recipe.scorer(alone),
            recipe.scorer(comparison.recommender.state),
        )
        found = [
            evaluate(scorer, Serial(part), len(part), protocol, yardstick) for scorer in scorers
        ]
        table.add_row(name, str(len(part)), *(f"{one.values[metric]:.4f}" for one in found))
    return table
