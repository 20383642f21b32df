"""Attacks by which a coordinator reads a history from whether, when and how much a client sends.

Clients that differ in nothing but their data meet the same hostile models. One has met every item,
one none, and of one the history cannot be read. All three must ask and send the same, message by
message and size by size; what no client should compute from, nobody may answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hedgerow.client.api import Api
from hedgerow.client.audit.coordinator import HostileCoordinator, Request
from hedgerow.client.audit.models import (
    ITEMS,
    Served,
    everything,
    extreme,
    learned,
    spoilt,
)
from hedgerow.client.conscience import LocalConscience
from hedgerow.client.consent import TRAIN
from hedgerow.client.guard import Guard
from hedgerow.client.member import Member
from hedgerow.client.models import Models
from hedgerow.client.store import Store
from hedgerow.client.taking_part import take_part
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold
from hedgerow.federation.ask import STEP, Ask, step_of
from hedgerow.federation.audit.attacks import fold_of
from hedgerow.federation.setting import Noise, Setting
from hedgerow.models.base import Recipe
from hedgerow.privacy.audits.verdict import Verdict, must
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import Identity, certify, public
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT
from hedgerow.privacy.secure.split.messages import Servers

LOOK = 0.05
"""Seconds after which it is looked whether a round still goes on."""

SHOWN = 5
"""Findings that are told."""

POLICY = Policy(
    epsilon=4.0, minimum=2, adversaries=0.0, dropouts=0.0, semi_malicious=False, secure=SPLIT
)

GUARD = Guard(
    minimum=2,
    adversaries=0.0,
    dropouts=0.0,
    semi_malicious=False,
    consistency=False,
    epsilon=None,
    per_day=1_000_000,
)
"""What the watched clients insist on: little, so that they are not silent for another reason."""


def _unreadable(_catalog: Catalog, _held_out: bool) -> Fold:  # noqa: FBT001 - as `Member` says
    raise ValueError("this history cannot be read")


HISTORIES: Mapping[str, Callable[[Catalog, bool], Fold]] = {
    "has met every item": lambda _catalog, _held_out: fold_of(everything()),
    "has met no item": lambda _catalog, _held_out: fold_of(Block.of([[]], ITEMS)),
    "cannot read its history": _unreadable,
    "holds more users than it said": lambda _catalog, _held_out: fold_of(everything(users=3)),
}
"""The clients, by what their data are."""


@dataclass(frozen=True)
class _Seen:
    """What became of one round.

    Parameters
    ----------
    requests
        Of each client, in the order of `HISTORIES`.
    claimed
        Whether each has charged itself.
    """

    requests: list[list[Request]]
    claimed: list[bool]

    def sent(self, client: int) -> list[Request]:
        """Return what a client sent, and not only asked."""
        return [request for request in self.requests[client] if request[0] == "PUT"]


class _Watched:
    """The clients, with stores of their own."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        authority = Ed25519PrivateKey.generate()
        self._runner, self._authority = runner, public(authority)
        self._keys = [Ed25519PrivateKey.generate() for _ in HISTORIES]
        self._stores = [Store(folder / str(number)) for number in range(len(HISTORIES))]
        for store in self._stores:
            store.consents.give(TRAIN, "audit", "1")
        certificates = certify(authority, [public(key) for key in self._keys])
        sealing = X25519PrivateKey.generate().public_key().public_bytes_raw()
        servers = Servers(bytes([1]) * 32, bytes([2]) * 32, sealing)
        self._members = [
            Member(
                identity=Identity(key, certificate),
                authority=self._authority,
                servers=servers,
                users=1,
                data=history,
                conscience=LocalConscience(GUARD, store),
                models=Models(),
            )
            for key, certificate, store, history in zip(
                self._keys, certificates, self._stores, HISTORIES.values(), strict=True
            )
        ]

    def close(self) -> None:
        """Close the stores."""
        for store in self._stores:
            store.close()

    def watch(self, ask: Ask, body: bytes) -> _Seen:
        """Run a round, and return what could be seen of each client."""
        coordinator = HostileCoordinator(ask, body, len(self._members), self._authority)
        self._runner.run(self._all_come(coordinator))
        names = [public(key).hex() for key in self._keys]
        claimed = [
            any(answer.release == ask.release for answer in store.journal.answers())
            for store in self._stores
        ]
        return _Seen([coordinator.requests[name] for name in names], claimed)

    async def _all_come(self, coordinator: HostileCoordinator) -> None:
        async def come(member: Member, key: Ed25519PrivateKey) -> None:
            async with httpx.AsyncClient(
                transport=coordinator, base_url="https://hostile.invalid"
            ) as http:
                await take_part(Api(http, key), member, coordinator.admitted)

        coming = {
            asyncio.ensure_future(come(member, key))
            for member, key in zip(self._members, self._keys, strict=True)
        }
        # How each ends is its own affair; what it sent until then has been noted.
        left = coming
        while left:
            _, left = await asyncio.wait(left, timeout=LOOK)
            if len(left) < len(coming) and coordinator.waiting == len(left):
                # One has gone without a word, and so nobody is told how it goes on.
                break
        for each in left:
            each.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


def silence_verdicts(
    tried: Sequence[Recipe], step: Callable[[], None] = lambda: None
) -> tuple[Verdict, ...]:
    """Serve hostile models to clients that differ in their data alone.

    Parameters
    ----------
    tried
        The recipes of the models; see `recipes`.
    step
        Called after each recipe.
    """
    refused, answered, counts = list[str](), list[str](), [0, 0]
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        folder = Path(name)
        watched = _Watched(folder, runner)
        for recipe in tried:
            state = learned(recipe)
            for model in spoilt(recipe, state, folder):
                refused += _judged(watched, model, SPLIT, answers=False)
                counts[0] += 1
            for model in extreme(recipe, state, folder):
                for mode in (SPLIT, PAIRWISE):
                    answered += _judged(watched, model, mode, answers=True)
                    counts[1] += 1
            step()
        watched.close()
    return (
        must(
            "silence, spoilt models",
            f"{counts[0]} models, shown to {len(HISTORIES)} clients",
            refused[:SHOWN],
            "Whatever a client holds, it refuses models from which nobody should compute.",
        ),
        must(
            "silence, extreme models",
            f"{counts[1]} rounds of {len(HISTORIES)} clients",
            answered[:SHOWN],
            "Whatever a client holds, it sends the same messages of the same sizes.",
        ),
    )


def _judged(watched: _Watched, model: Served, mode: str, *, answers: bool) -> Iterator[str]:
    """Yield what is wrong with how clients met a model."""
    ask = _ask(model, mode)
    where = f"Shown {model.what} ({model.recipe.name}, {mode}), "
    seen = watched.watch(ask, model.body)
    for place, (what, requests) in enumerate(zip(HISTORIES, seen.requests, strict=True)):
        if requests != seen.requests[0] or seen.claimed[place] != seen.claimed[0]:
            yield f"{where}a client that {what} is told from one that {next(iter(HISTORIES))}."
        elif bool(seen.sent(place)) != answers or seen.claimed[place] != answers:
            yield f"{where}a client {'says nothing' if answers else 'computes from it'}."
            return


def _ask(model: Served, mode: str) -> Ask:
    """Return an ask whose sizes are those of an honest state."""
    policy = replace(POLICY, secure=mode)
    step = step_of(model.recipe, model.honest, STEP, private=True, k=10, repeats=False)
    digest = hashlib.sha256(model.body).digest()
    noise = Noise(f"{model.recipe.name}/{mode}/{digest.hex()}", 1.0, 4.0)
    counts = [(len(HISTORIES), len(HISTORIES))]
    setting = Setting.of(policy, noise, step.schema.size, counts, digest)
    return Ask(
        task="audit",
        purpose=STEP,
        recipe=model.recipe.name,
        delta=1e-6,
        k=10,
        repeats=False,
        held_out=False,
        setting=setting,
    )
