"""Train a model federated, pooled and on each client alone, beside popularity, and judge all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from hedgerow.comparison.local import train_alone
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.block import Block
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, LastOut, Split
from hedgerow.errors import DataError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.checkpoint import Checkpoint, fingerprint
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Executor, Serial
from hedgerow.federation.simulator import Round, Run, Watch, evaluate, train
from hedgerow.models.base import Recipe
from hedgerow.models.popularity import Popularity
from hedgerow.recommender import Recommendation, Recommender

WATCHED_USERS = 1_000
"""Users by whom the curve over rounds is drawn; the final figures take everyone."""

EXAMPLES = 5


@dataclass(frozen=True)
class Contender:
    """One way to come to a model, and what it achieved.

    Parameters
    ----------
    name
        federated, pooled, local or popularity.
    evaluation
        On the test fold.
    rounds
        What happened in training; empty where there were no rounds.
    seconds
        Of training.
    bytes_up, bytes_down
        Of one client in all, on average.
    note
        What a reader of the figures must know.
    """

    name: str
    evaluation: Evaluation
    seconds: float
    rounds: tuple[Round, ...] = ()
    bytes_up: float = 0.0
    bytes_down: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Example:
    """One user's history, what the user took next, and what was recommended.

    Parameters
    ----------
    user
        The id.
    history, held_out
        Titles, oldest first; of long ones the last or the first few.
    recommended
        Best first.
    hits
        Which of the recommendations were held out, one truth value each.
    """

    user: str
    history: tuple[str, ...]
    held_out: tuple[str, ...]
    recommended: tuple[Recommendation, ...]
    hits: tuple[bool, ...]


@dataclass(frozen=True)
class Plan:
    """What a comparison does besides training federated.

    Parameters
    ----------
    contenders
        Which of pooled, local and popularity to add.
    patience
        Stop the federated training after so many rounds without a better validation NDCG. The
        model then trains without the validation interactions; without patience it sees them.
    local_clients
        On how many clients, drawn at random, the model is trained alone.
    watch
        Whether to judge the model after every round.
    """

    contenders: tuple[str, ...] = ("popularity", "local", "pooled")
    patience: int | None = None
    local_clients: int = 100
    watch: bool = True


@dataclass(frozen=True)
class Comparison:
    """All that a comparison found.

    Parameters
    ----------
    log
        The interactions, as they were used.
    recipe
        The model compared.
    clients
        Who held what.
    protocol, split, seed
        How it was judged.
    plan
        What was done besides.
    contenders
        By name: federated, and what else was asked for.
    recommender
        The federated model.
    examples
        Some users with their recommendations.
    client_updates_per_second
        Contributions computed in a second of the federated training.
    """

    log: Interactions
    recipe: Recipe
    clients: Clients
    protocol: EvaluationProtocol
    split: Split
    seed: int
    plan: Plan
    contenders: dict[str, Contender]
    recommender: Recommender
    examples: tuple[Example, ...]
    client_updates_per_second: float

    def tax(self, metric: str) -> tuple[float, float, float] | None:
        """Return pooled minus federated, with the interval of the paired bootstrap.

        None where the pooled model was not trained. Replicates are paired: both evaluations give
        a user the same weight.
        """
        pooled = self.contenders.get("pooled")
        if pooled is None:
            return None
        ours = self.contenders["federated"].evaluation
        column = list(ours.values).index(metric)
        difference = pooled.evaluation.values[metric] - ours.values[metric]
        if not len(ours.replicates):
            return difference, difference, difference
        drawn = pooled.evaluation.replicates[:, column] - ours.replicates[:, column]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return difference, float(low), float(high)


class Listener(Protocol):
    """Hears how a comparison goes on."""

    def stage(self, name: str, steps: int) -> None:
        """Tell that a stage of so many steps begins."""
        ...

    def round(self, happened: Round) -> None:
        """Tell that a round is done."""
        ...

    def step(self) -> None:
        """Tell that a step without rounds is done, such as one client's own model."""
        ...


@dataclass(frozen=True)
class Silent:
    """A listener that does nothing."""

    def stage(self, name: str, steps: int) -> None:
        """Ignore it."""

    def round(self, happened: Round) -> None:
        """Ignore it."""

    def step(self) -> None:
        """Ignore it."""


ExecutorFactory = Callable[[Fold], Executor]


def compare(
    log: Interactions,
    recipe: Recipe,
    *,
    clients: Clients | None = None,
    split: Split | None = None,
    protocol: EvaluationProtocol | None = None,
    participation: Participation | None = None,
    plan: Plan | None = None,
    executor: ExecutorFactory = Serial,
    seed: int = 0,
    checkpoint: Path | None = None,
    resume: bool = False,
    listener: Listener | None = None,
) -> Comparison:
    """Say what federating a log would give.

    Parameters
    ----------
    log
        The interactions.
    recipe
        The model to train.
    clients
        Who holds which users; each user a device of its own by default.
    split
        How the test and validation interactions are held out; the last ones by default.
    protocol
        How models are judged.
    participation
        Who takes part in a round; everyone by default.
    plan
        What to compare with.
    executor
        Where sums are computed.
    seed
        For initial vectors, draws and participation.
    checkpoint, resume
        The file in which the federated training keeps its state, and whether to go on from it.
    listener
        Hears of progress.

    Raises
    ------
    DataError
        There are too few users or items to compare anything.
    """
    clients = clients or Clients.devices(log.users)
    split, plan = split or LastOut(), plan or Plan()
    protocol = protocol or EvaluationProtocol(seed=seed)
    listener = listener or Silent()
    _check(log)
    test = split.test(log.block)
    if not len(test.judged()):
        raise DataError(
            "No user has both a history and a held-out interaction; give data in which users "
            "have at least two interactions."
        )
    yardstick = make_yardstick(log.catalog, test.history)
    training = split.validation(log.block) if plan.patience else test
    share = min(1.0, WATCHED_USERS / len(log.users)) if not plan.patience else 1.0
    watch = Watch(protocol, yardstick, plan.patience, share) if plan.watch else None
    participation = participation or Participation(seed=seed)
    kept = None
    if checkpoint is not None:
        settings = {"seed": seed, "patience": plan.patience, "split": repr(split)}
        owner = clients.owner
        kept = Checkpoint(checkpoint, fingerprint(training, owner, recipe, participation, settings))
    listener.stage("federated", recipe.planned)
    with executor(training) as workers:
        run = train(
            recipe,
            workers,
            log.catalog,
            clients,
            participation=participation,
            seed=seed,
            watch=watch,
            checkpoint=kept,
            resume=resume,
            on_round=listener.round,
        )
    with executor(test) as workers:

        def judged(run: Run) -> Evaluation:
            return evaluate(run.scorer, workers, len(test), protocol, yardstick)

        found = {
            "federated": Contender(
                "federated",
                judged(run),
                run.seconds,
                run.rounds,
                run.bytes_up,
                run.bytes_down,
            )
        }
        if "pooled" in plan.contenders:
            listener.stage("pooled", 1)
            started = time.perf_counter()
            state = recipe.pooled(training.history, log.catalog, seed)
            seconds = time.perf_counter() - started
            pooled = Run(recipe, state, (), 1)
            found["pooled"] = Contender(
                "pooled", judged(pooled), seconds, note="all data in one place"
            )
        if "local" in plan.contenders:
            listener.stage("local", min(plan.local_clients, len(clients)))
            alone = train_alone(
                recipe,
                log.catalog,
                test,
                clients,
                protocol=protocol,
                yardstick=yardstick,
                limit=plan.local_clients,
                seed=seed,
                on_client=listener.step,
            )
            note = "each client's model is trained and judged on its own users"
            if alone.clients < len(clients):
                note += f", for {alone.clients} clients drawn at random"
            found["local"] = Contender("local", alone.evaluation, alone.seconds, note=note)
        if "popularity" in plan.contenders:
            listener.stage("popularity", 1)
            counted = train(Popularity(), workers, log.catalog, clients, seed=seed)
            found["popularity"] = Contender(
                "popularity",
                judged(counted),
                counted.seconds,
                counted.rounds,
                counted.bytes_up,
                counted.bytes_down,
            )
    recommender = Recommender(recipe, run.state, log.catalog)
    return Comparison(
        log=log,
        recipe=recipe,
        clients=clients,
        protocol=protocol,
        split=split,
        seed=seed,
        plan=plan,
        contenders=found,
        recommender=recommender,
        examples=examples_of(recommender, log, test, repeats=protocol.repeats),
        client_updates_per_second=run.client_updates / max(run.seconds, 1e-9),
    )


def _check(log: Interactions) -> None:
    if len(log.users) < 2:
        raise DataError("The data has a single user; a federation needs at least two.")
    if len(log.catalog) < 2:
        raise DataError("The data has a single item; there is nothing to choose from.")


def examples_of(
    recommender: Recommender, log: Interactions, fold: Fold, *, repeats: bool, k: int = 5
) -> tuple[Example, ...]:
    """Pick users over the range of history lengths and recommend to them."""
    judged = np.flatnonzero((fold.history.lengths >= 3) & (fold.targets.lengths > 0))
    if not len(judged):
        judged = np.flatnonzero(fold.targets.lengths > 0)
    order = judged[np.argsort(fold.history.lengths[judged], kind="stable")]
    chosen = order[np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).astype(np.int64)]
    part = fold.take(chosen)
    histories, targets = _items(part.history), _items(part.targets)
    lists = recommender.recommend_many(histories, k, repeats=repeats)
    title = log.catalog.title
    return tuple(
        Example(
            user=str(log.users[int(user)]),
            history=tuple(title(i) for i in history[-8:]),
            held_out=tuple(title(i) for i in target[:3]),
            recommended=tuple(recommended),
            hits=tuple(r.item_id in {str(log.catalog.ids[i]) for i in target} for r in recommended),
        )
        for user, history, target, recommended in zip(
            chosen, histories, targets, lists, strict=True
        )
    )


def _items(block: Block) -> list[list[int]]:
    return [part.tolist() for part in np.split(block.items, block.indptr[1:-1])]
