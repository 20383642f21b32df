"""What a network has charged, held against what it opened: each sum once, on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hedgerow.client.guard import cost_of
from hedgerow.client.store import Store
from hedgerow.errors import PolicyError
from hedgerow.federation.ask import Ask
from hedgerow.privacy.ledger import SLACK, Ledger
from hedgerow.privacy.releases import Release, epsilon_spent
from hedgerow.server.rounds.closing import Published
from hedgerow.server.rounds.record import Round
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.ledger_lines import DatabaseLines


@dataclass(frozen=True)
class Charges:
    """What the accounts say.

    Parameters
    ----------
    charged, unopened
        How many releases the coordinator's ledger has, and of how many of them no sum was
        published, as their rounds ended between the two: they are paid for all the same.
    epsilon
        What is spent.
    problems
        A sentence on each sum that is not charged exactly once, with its noise, in the
        coordinator's ledger and in every contributor's own account; on each charge of which no
        round knows; and on more spent than was promised.
    """

    charged: int
    unopened: int
    epsilon: float
    problems: tuple[str, ...]


def charges(
    database: Database,
    rounds: Sequence[Round],
    done: Sequence[Round],
    published: Mapping[str, Published],
    agents: Mapping[str, Path],
) -> Charges:
    """Hold the accounts against the rounds of one task that promises an epsilon.

    Parameters
    ----------
    database
        The coordinator's.
    rounds, done
        All attempts, and those that ended well.
    published
        What each of these told, by its id.
    agents
        Folders by the client's id.
    """
    try:
        # Reading checks that no line was lost or changed.
        entries = Ledger(DatabaseLines(database)).entries
    except PolicyError as problem:
        return Charges(0, 0, 0.0, (str(problem),))
    asks = [(each, each.ask) for each in done if each.ask is not None]
    problems, times = [], Counter(entry.name for entry in entries)
    by_name = {entry.name: entry for entry in entries}
    for _, ask in asks:
        if times[ask.release] != 1:
            problems.append(f"The sum {ask.release} was charged {times[ask.release]} times.")
        elif by_name[ask.release].release.multiplier != ask.noise.multiplier:
            problems.append(f"The sum {ask.release} was charged with other noise than it has.")
    tried = {each.ask.release for each in rounds if each.ask is not None}
    problems += [f"The charge {name} is of no sum." for name in sorted(times.keys() - tried)]
    for client, folder in agents.items():
        own = [ask for each, ask in asks if bytes.fromhex(client) in published[each.id].members]
        problems += _own_account(folder, own)
    epsilon = 0.0
    for current, ask in asks[-1:]:
        epsilon = epsilon_spent([entry.release for entry in entries], ask.delta)
        told = entries[-1].epsilon if entries else 0.0
        if epsilon != told:
            problems.append(f"The ledger says that epsilon is {told}, and it is {epsilon}.")
        if epsilon > (ask.policy.epsilon or 0.0) * (1 + SLACK):
            problems.append(f"With round {current.id} epsilon came to {epsilon}.")
    opened = {ask.release for _, ask in asks}
    return Charges(len(entries), len(times.keys() - opened), epsilon, tuple(problems))


def _own_account(folder: Path, asks: Iterable[Ask]) -> list[str]:
    """Return what a client's own account lacks of the sums that it is in."""
    problems, store = [], Store(folder)
    try:
        for ask in asks:
            kept = Counter(store.journal.charges())
            kept.subtract(store.journal.charges(besides=ask.release))
            if [_covers(one, cost_of(ask)) for one in kept.elements()] != [True]:
                problems.append(f"The sum {ask.release} is not in a contributor's account once.")
    finally:
        store.close()
    return problems


def _covers(kept: Release, cost: Release | None) -> bool:
    """Return whether a charge is what a sum costs, or what an attempt among more would have."""
    return cost is not None and cost == replace(
        kept,
        clients=min(kept.clients, cost.clients),
        sensitivity=max(kept.sensitivity, cost.sensitivity),
    )
