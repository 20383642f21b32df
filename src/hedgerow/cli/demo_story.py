"""What ``hedgerow demo`` does: a shop, a network that learns from it, and what came of it."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hedgerow.cli.demo_network import (
    People,
    bring_branches,
    bring_devices,
    catalog_of,
    learn,
    peak_memory,
    task_of,
    trained,
)
from hedgerow.cli.demo_rounds import RoundsShown
from hedgerow.cli.progress import ProgressBars, megabytes
from hedgerow.cli.rehearsal import Rehearsal, rehearse
from hedgerow.cli.simulate import write_results
from hedgerow.cli.tables import print_comparison, print_examples
from hedgerow.client.guard import Guard
from hedgerow.comparison.judge import Trained, judge
from hedgerow.comparison.result import Comparison, Plan
from hedgerow.data.shop import Shop
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.wording import per

NEXT, SELLERS = "bought-next", "bestsellers"
"""The tasks."""

AGREED = Guard(tasks=(NEXT, SELLERS))
"""What every client insists on."""

DIMENSION = 96
"""Of the model: small enough for a phone, and for the noise of some thousand users."""

STEPS = ("count products", "first readout", "second readout")
"""What the sums of the model are for."""

PATIENCE = 30.0
"""Seconds for which a round waits for its clients, where not all come, and for their answers."""

FEW, PAIRWISE_EPSILON, HURRY = 30, 2.0, 8.0
"""Of the pairwise sum: its clients, what it may spend, and for how many seconds a phase waits."""

ALONE = 60
"""Of how many clients of each size the own models are trained, too."""

USUAL = 4.0
"""The longest term of a customer in the pairwise sum: of sixteen products."""


@dataclass(frozen=True)
class Wanted:
    """What the command was given; its options say what each is."""

    customers: int
    products: int
    branches: int
    devices: int
    epsilon: float
    vanish: float
    port: int
    seed: int
    out: Path


def tell(wanted: Wanted) -> None:
    """Do as the command says.

    Raises
    ------
    ConfigError
        An option does not fit.
    StoppedError
        A process does not start, or ends.
    """
    console = Console(highlight=False)
    if wanted.customers < 2 * (wanted.devices + wanted.branches):
        raise ConfigError("Give at least twice as many customers as devices and branches.")
    shop = Shop(customers=wanted.customers, products=wanted.products, seed=wanted.seed)
    log = shop.interactions().distinct()
    people = People.of(log, wanted.branches, wanted.devices, wanted.seed)
    console.print(
        f"A synthetic shop of {len(log.users):,} customers and {wanted.products:,} products. "
        f"{people.devices:,} customers have a device each; the others belong to {people.branches} "
        "branches. What they bought stays there: only terms of secured sums leave.\n"
    )
    wanted.out.mkdir(parents=True, exist_ok=True)
    with ending_on_signals():
        learned = _over_the_network(people, wanted, console)
    with ProgressBars(console, "full/ndcg@10") as bars:
        comparison = judge(
            log,
            learned,
            clients=people.clients,
            split=LastOut(),
            protocol=EvaluationProtocol(seed=wanted.seed),
            plan=Plan(watch=False, local_clients=ALONE, examples=5),
            seed=wanted.seed,
            listener=bars,
        )
    print_comparison(comparison, console)
    _print_privacy(comparison, console)
    print_examples(comparison, console)
    write_results(comparison, wanted.out, None, console)


def _over_the_network(people: People, wanted: Wanted, console: Console) -> Trained:
    """Start all processes, have them learn, and stop them."""
    gone = round(wanted.vanish * people.devices)
    with tempfile.TemporaryDirectory(prefix="hedgerow-") as folder, ExitStack() as stack:
        with console.status("Starting a coordinator and a helper ..."):
            network = stack.enter_context(rehearse(Path(folder), port=wanted.port))
        with console.status(f"{len(people.clients):,} clients enrol ..."):
            bring_branches(network, people, AGREED)
            bring_devices(network, people, AGREED, wanted.vanish)
            network.wait_for_clients(len(people.clients))
        console.print(
            f"The coordinator at {network.url}, the helper and each branch run as processes of "
            f"their own; the devices share one, and {gone} of them vanish from each round.\n"
        )
        learned = _learn(network, people, wanted, gone, console)
        _count(network, people, console)
        memory = peak_memory(network, "coordinator")
    if memory is not None:
        console.print(f"The coordinator took at most {megabytes(memory)} of memory.\n")
    return learned


def _learn(
    network: Rehearsal, people: People, wanted: Wanted, gone: int, console: Console
) -> Trained:
    """Train over the network with a helper, and show how."""
    console.print("[bold]What is bought next[/], by split sums of all clients:")
    task = task_of(
        NEXT,
        PrivateSequence(dimension=DIMENSION),
        Policy(epsilon=wanted.epsilon, secure="split"),
        len(people.clients) - gone,
        seconds=PATIENCE,
        seed=wanted.seed,
    )
    shown = RoundsShown(console, STEPS, len(people.clients))
    rounds = learn(network, task, shown, catalog_of(people))
    console.print(shown.table(rounds), "")
    return trained(network, people, task, rounds, STEPS)


def _count(network: Rehearsal, people: People, console: Console) -> None:
    """Count what sells over the network without a helper, and show how."""
    console.print(
        f"[bold]What sells[/], by a pairwise sum of about {FEW} clients, without the helper:"
    )
    policy = Policy(epsilon=PAIRWISE_EPSILON, secure="pairwise", clip=USUAL, dropouts=0.2)
    task = task_of(SELLERS, Popularity(), policy, FEW, seconds=HURRY, measure="none")
    shown = RoundsShown(console, STEPS[:1], None)
    rounds = learn(network, task, shown, catalog_of(people))
    console.print(shown.table(rounds))
    last = network.ledger(task.name)[-1]
    console.print(
        f"Spent for this, in an account of its own: epsilon {last['epsilon']:.4g} at delta "
        f"{last['delta']:.2g} per {per(last['unit'], last['clients_per_person'])}, "
        f"{last['release']['mechanism']} noise by the clients. For who is in both, "
        "the two add up.\n"
    )


def _print_privacy(comparison: Comparison, console: Console) -> None:
    """Say what the ledger says was spent."""
    last = comparison.releases[-1]
    console.print(
        f"Privacy, by the coordinator's ledger: [bold]epsilon {last.epsilon:.4g}[/] at delta "
        f"{last.delta:.2g} per {per(last.unit, last.clients_per_person)} (add or remove), "
        f"{len(comparison.releases)} releases, {last.release.mechanism} noise by "
        f"each of the two servers, sums secured ({last.secure})."
    )


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """End as with Ctrl-C where the process is told to stop or its terminal is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    ends = {getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)}
    # What is ignored on purpose, as by nohup, stays ignored.
    heard = {number for number in ends if signal.getsignal(number) is signal.SIG_DFL}
    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)
