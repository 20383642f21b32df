"""``hedgerow demo --storefront``: a web shop whose visitors learn with a crowd."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from hedgerow.api import simulate
from hedgerow.cli.access_key import RoleName, access_key
from hedgerow.cli.demo_network import (
    MOST_SECONDS,
    People,
    bring_branches,
    bring_devices,
    catalog_of,
    task_of,
)
from hedgerow.cli.demo_story import DIMENSION, Wanted, ending_on_signals
from hedgerow.cli.rehearsal import Rehearsal, rehearse, said
from hedgerow.client.guard import Guard
from hedgerow.data.interactions import Interactions
from hedgerow.data.shop import Shop
from hedgerow.data.shop.events import KINDS
from hedgerow.errors import ConfigError
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy.accounting import WIDEST_DELTA
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.wording import per
from hedgerow.server.tasks.task import Task
from hedgerow.storefront.app import create
from hedgerow.storefront.goods import Goods
from hedgerow.storefront.learning import Federation, LiveModel
from hedgerow.storefront.rendering import NAME
from hedgerow.storefront.serving import listening, served

TASK = "shop"

RUNS = 8
"""Runs that share the budget: more leave each with more noise, fewer end sooner."""

MINIMUM = 100
"""The fewest clients in a sum, where there are twice as many."""

WAIT = 10.0
"""Seconds; a round is open for twice as long, so that a browser that comes finds one."""

ADVERSARIES = 0.1
"""The share of clients against whom the shop promises its visitors to be safe."""


def keep_shop(wanted: Wanted) -> None:
    """Run the shop, its federation and the crowd until told to stop.

    Raises
    ------
    ConfigError
        An option does not fit, or the port is taken.
    StoppedError
        A process does not start, or ends.
    """
    console = Console(highlight=False, soft_wrap=True)
    clients = wanted.branches + wanted.devices
    if wanted.customers < 2 * clients:
        raise ConfigError("Give at least twice as many customers as devices and branches.")
    with ExitStack() as stack:
        stack.enter_context(ending_on_signals())
        listener = stack.enter_context(listening(wanted.port))
        port = listener.getsockname()[1]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hedgerow-")))
        with console.status("Making a shop, and a first model for it ..."):
            shop = Shop(wanted.customers, wanted.products, wanted.seed)
            log = shop.interactions(KINDS).distinct()
            task = _task(wanted, clients)
            first = _first(log, task, wanted.seed, folder / "first.safetensors")
        with console.status("Starting a coordinator and a helper ..."):
            origins = [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]
            network = stack.enter_context(rehearse(folder, origins=origins))
        people = People.of(log, wanted.branches, wanted.devices, wanted.seed)
        with console.status(f"{clients:,} clients enrol ..."):
            agreed = Guard(tasks=(TASK,))
            bring_branches(network, people, agreed)
            bring_devices(network, people, agreed, wanted.vanish)
            network.wait_for_clients(clients)
        _begin(network, task, catalog_of(people))
        federation = Federation(
            network.operator, TASK, RUNS, _settings(network, task.policy), folder, first
        )
        stack.enter_context(served(create(Goods.of(shop.catalog()), federation), listener))
        key = said(access_key, folder / "keys", "console", role=RoleName.OPERATOR).strip()
        console.print(_greeting(wanted, f"http://127.0.0.1:{port}/", network.url, key))
        with contextlib.suppress(KeyboardInterrupt):
            _tell(network, federation, task, console)
        console.print("The shop is closed, and all that it kept is gone.")


def _task(wanted: Wanted, clients: int) -> Task:
    policy = Policy(epsilon=wanted.epsilon, secure="split", minimum=min(MINIMUM, clients // 2))
    return task_of(
        TASK,
        PrivateSequence(dimension=DIMENSION),
        policy,
        clients,
        seconds=WAIT,
        runs=RUNS,
        schedule="continuous",
        seed=wanted.seed,
    )


def _first(log: Interactions, task: Task, seed: int, path: Path) -> LiveModel:
    """Train a model in this process, with as much noise as the first run will have."""
    share = Policy(epsilon=(task.policy.epsilon or 0.0) / task.runs)
    simulate(task.recipe, log, policy=share, seed=seed).model.save(path)
    return LiveModel.read(path, 0)


def _begin(network: Rehearsal, task: Task, catalog: bytes) -> None:
    body = {**json.loads(task.to_json()), "catalog": network.operator.put_catalog(catalog)}
    del body["noise_seed"]
    network.operator.create_task(body)


def _settings(network: Rehearsal, policy: Policy) -> Mapping[str, Any]:
    """Return what browsers have to know of the federation, and what the shop promises them."""
    keys = json.loads(network.deployment.read_text())
    return {
        "task": TASK,
        "coordinator": network.url,
        "trust": {name: keys[name] for name in ("authority", "coordinator", "helper", "sealing")},
        "floor": {
            "secure": policy.secure,
            "minimum": policy.minimum,
            "epsilon": policy.epsilon,
            "delta": policy.delta or WIDEST_DELTA,
            "adversaries": ADVERSARIES,
        },
    }


def _greeting(wanted: Wanted, shop: str, coordinator: str, key: str) -> str:
    return (
        f"{NAME} is open: {wanted.products:,} products, {wanted.customers:,} made-up customers, "
        f"{wanted.devices:,} of them with a device.\n\n"
        f"  shop        {shop}\n"
        f"  console     {coordinator}/console/\n"
        f"  access key  {key}\n\n"
        "Agree to take part, and your browser is in the next sum. Ctrl-C closes the shop.\n"
    )


def _tell(network: Rehearsal, federation: Federation, task: Task, console: Console) -> None:
    """Say what each run has cost, until the process is told to stop."""
    for run in range(1, task.runs + 1):

        def done(run: int = run) -> bool:
            return federation.live().run >= run

        network.wait_until(done, "A run", MOST_SECONDS)
        spent = network.ledger(task.name)[-1]
        console.print(
            f"Run {run} of {task.runs}: a new model recommends. Spent by now: epsilon "
            f"{spent['epsilon']:.3g} at delta {spent['delta']:.2g} per "
            f"{per(spent['unit'], spent['clients_per_person'])}, "
            f"{spent['release']['mechanism']} noise by each of the two servers."
        )
    console.print("The budget is spent: nobody is asked for more. The shop stays open.")
    network.wait_until(lambda: False, "Keeping the shop", math.inf)
