"""The demonstration's federation: branches and devices that learn over HTTPS from each other."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hedgerow.cli.demo_rounds import DONE, RoundsShown, name_of
from hedgerow.cli.rehearsal import Rehearsal, StoppedError, catalog_bytes
from hedgerow.client.guard import Guard
from hedgerow.comparison.judge import Trained
from hedgerow.data.interactions import Interactions
from hedgerow.federation.clients import Clients
from hedgerow.federation.simulator import Round, Run
from hedgerow.models.base import Recipe
from hedgerow.models.registry import options_of
from hedgerow.privacy.ledger import Entry
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release
from hedgerow.recommender import Recommender
from hedgerow.server.tasks.task import Task

MOST_SECONDS = 600.0
"""For one training; it takes a small part of that where nothing is wrong."""


@dataclass(frozen=True)
class People:
    """Who holds which customers.

    Parameters
    ----------
    log
        Everybody's interactions; no process but the demonstration's own has them all.
    clients
        The branches first, then the devices.
    branches
        How many branches there are.
    """

    log: Interactions
    clients: Clients
    branches: int

    @classmethod
    def of(cls, log: Interactions, branches: int, devices: int, seed: int) -> People:
        """Give so many customers a device each, and the others to branches, at random.

        Branches are as uneven as those of a chain: the second has a quarter of the first's
        customers, the third a ninth, and so on, and each has at least two.
        """
        order = np.random.default_rng(seed).permutation(len(log.users))
        owner = np.empty(len(order), np.int64)
        shares = 1 / np.arange(1, branches + 1) ** 2
        spare = len(order) - devices - 2 * branches
        sizes = 2 + (spare * shares / shares.sum()).astype(np.int64)
        sizes[0] += len(order) - devices - sizes.sum()
        owner[order[devices:]] = np.repeat(np.arange(branches), sizes)
        # Devices are numbered in the order of their users' ids, as their own process does it.
        owner[np.sort(order[:devices])] = branches + np.arange(devices)
        names = [f"branch-{number + 1}" for number in range(branches)]
        names += [f"device-{number + 1}" for number in range(devices)]
        return cls(log, Clients(owner, pl.Series(names), "clients"), branches)

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return len(self.clients) - self.branches

    def in_branch(self, number: int) -> Interactions:
        """Return what a branch knows."""
        return self.log.where((self.clients.owner == number)[self.log.block.rows])

    def on_devices(self) -> Interactions:
        """Return what the devices know, all together."""
        return self.log.where((self.clients.owner >= self.branches)[self.log.block.rows])

    def users_among(self, counted: int) -> int:
        """Return how many users take part where all branches and some devices do."""
        in_branches = int(np.count_nonzero(self.clients.owner < self.branches))
        return in_branches + max(0, counted - self.branches)


def bring_branches(network: Rehearsal, people: People, guard: Guard) -> None:
    """Start the branches' agents.

    Parameters
    ----------
    network
        The servers.
    people
        Who holds what.
    guard
        What each branch insists on.
    """
    for number in range(people.branches):
        name = f"silo-{number + 1}"
        path = network.folder / f"{name}.parquet"
        people.in_branch(number).frame().write_parquet(path)
        users = int(np.count_nonzero(people.clients.owner == number))
        network.join(name, path, users, guard.to_json())


def bring_devices(network: Rehearsal, people: People, guard: Guard, vanish: float) -> None:
    """Start the devices, all in one process.

    Parameters
    ----------
    network, people, guard
        As of `bring_branches`.
    vanish
        The share of devices that vanishes from each round.
    """
    made = network.operator.make_tokens("device", "device", 1, ttl=3600, count=people.devices)
    path, settings = network.folder / "devices.parquet", network.folder / "devices.json"
    people.on_devices().frame().select("user_id", "item_id", "timestamp").write_parquet(path)
    values = {
        "url": network.url,
        "ca": str(network.ca),
        "deployment": str(network.deployment),
        "data": str(path),
        "tokens": [token["token"] for token in made["tokens"]],
        "vanish": vanish,
        "guard": guard.to_json(),
    }
    settings.touch(mode=0o600)
    settings.write_text(json.dumps(values))
    network.start("devices", sys.executable, "-m", "hedgerow.cli.demo_devices", str(settings))


def learn(
    network: Rehearsal, task: Task, shown: RoundsShown, catalog: bytes
) -> Sequence[Mapping[str, Any]]:
    """Have a task learned; return its rounds, oldest first.

    Raises
    ------
    StoppedError
        A process has ended, or the run has failed.
    """
    operator = network.operator
    body = {**json.loads(task.to_json()), "catalog": operator.put_catalog(catalog)}
    del body["noise_seed"]
    operator.create_task(body)
    rounds: list[dict[str, Any]] = []

    def ended() -> bool:
        nonlocal rounds
        found = operator.task(task.name)
        if found["status"] != "active":
            raise StoppedError("The coordinator refuses to begin; its policy cannot be kept.")
        if not found["runs"]:
            return False
        run = found["runs"][0]
        rounds = operator.rounds(run["id"])[::-1]
        shown.show(rounds)
        if run["status"] not in {"running", "done"}:
            raise StoppedError(f"The training has {run['status']}: {run['note'].rstrip('.')}.")
        return bool(run["status"] == "done")

    with shown:
        network.wait_until(ended, "Training", MOST_SECONDS)
    return rounds


def trained(
    network: Rehearsal,
    people: People,
    task: Task,
    rounds: Sequence[Mapping[str, Any]],
    steps: Sequence[str],
) -> Trained:
    """Return what the network has learned, as the simulator would tell it.

    Parameters
    ----------
    network, people
        Who learned.
    task, rounds, steps
        What, in which rounds, and what the sums of training are called.
    """
    models = network.operator.models(task.name)["models"]
    live = next(model for model in models if model["live"])
    model = load(network.folder, network.model(live["hash"]))
    entries = [_entry(values) for values in network.ledger(task.name)]
    happened = list[Round]()
    done = [one for one in rounds if one["phase"] == DONE]
    # A sum that was charged and then failed has an entry, too; the last ones are those that came.
    spent: list[float | None] = [entry.epsilon for entry in entries[-len(done) :]]
    spent = spent or [None] * len(done)
    for one, epsilon in zip(done, spent, strict=True):
        counted = int(one["counted"])
        happened.append(
            Round(
                number=len(happened) + 1,
                step=name_of(one, steps),
                asked=len(people.clients),
                answered=counted,
                users=people.users_among(counted),
                bytes_up=round(one["bytes"] / max(1, counted)),
                bytes_down=model.state.nbytes,
                seconds=one["changed"] - one["created"],
                epsilon=epsilon,
            )
        )
    run = Run(task.recipe, model.state, tuple(happened), len(people.clients))
    users, clients = len(people.log.users), len(people.clients)
    return Trained(
        run,
        task.policy,
        plan_noise(task.policy, task.charges, users, clients),
        tuple(entries),
        network=True,
        note=_measured(live["quality"], task.k),
    )


def load(folder: Path, body: bytes) -> Recommender:
    """Read a model from what the coordinator sent."""
    path = folder / f"{hashlib.sha256(body).hexdigest()}.safetensors"
    path.write_bytes(body)
    return Recommender.load(path)


def task_of(
    name: str, recipe: Recipe, policy: Policy, clients: int, *, seconds: float, **parts: Any
) -> Task:
    """Return a task of the demonstration, whose catalog is known when it is put."""
    return Task(
        name=name,
        model=recipe.name,
        options=options_of(recipe),
        catalog="0" * 64,
        policy=policy,
        clients=clients,
        gather_seconds=seconds,
        phase_seconds=seconds,
        **parts,
    )


def catalog_of(people: People) -> bytes:
    """Return the public items as they are uploaded."""
    return catalog_bytes(people.log.catalog)


def peak_memory(network: Rehearsal, name: str) -> int | None:
    """Return the most bytes that a process has held so far; None where the system does not say."""
    for running in network.processes:
        told = Path(f"/proc/{running.process.pid}/status")
        if running.name == name and os.name == "posix" and told.exists():
            for line in told.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
    return None


def _entry(values: Mapping[str, Any]) -> Entry:
    return Entry(**{**values, "release": Release(**values["release"])})


def _measured(quality: Mapping[str, float], k: int) -> str:
    if not quality:
        return ""
    found = ", ".join(
        f"{name.split('@')[0].split('/')[-1].upper()}@{k} {quality[name]:.4f}"
        for name in quality
        if name.endswith(f"@{k}")
    )
    noise = quality["deviation"]
    how = f", with noise of standard deviation {noise:.4f}" if noise else ""
    return f"trained over the network, where a secured sum measured {found}{how}"
