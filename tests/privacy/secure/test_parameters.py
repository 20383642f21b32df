"""Neighbours and thresholds: the published table, and exact fractions beside the logarithms."""

import math
from fractions import Fraction
from itertools import combinations

import pytest

from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.parameters import (
    Assumptions,
    Parameters,
    _cut,
    choose,
    fewest,
    is_private,
)

SHARES = [(0.2, 0.1), (0.2, 0.2), (1 / 3, 0.1), (1 / 3, 0.2)]
TABLE = {
    (100, False): [(32, 21), (40, 21), (42, 32), (54, 34)],
    (100, True): [(42, 32), (62, 42), (54, 44), (74, 54)],
    (1_000, False): [(68, 44), (98, 54), (102, 72), (162, 100)],
    (1_000, True): [(140, 104), (302, 206), (218, 171), (504, 366)],
    (10_000, False): [(80, 51), (122, 67), (126, 88), (212, 130)],
    (10_000, True): [(184, 136), (482, 328), (314, 245), (1078, 781)],
}
ENTRIES = [
    (clients, Assumptions(adversaries, dropouts, malicious), Parameters(*entry))
    for (clients, malicious), row in TABLE.items()
    for (adversaries, dropouts), entry in zip(SHARES, row, strict=True)
]


@pytest.mark.parametrize(("clients", "assumptions", "entry"), ENTRIES)
def test_the_table(clients, assumptions, entry):
    assert fewest(clients, assumptions) == entry


def at_least(hits, population, marked, drawn):
    """The exact chance of so many hits among those drawn without replacement."""
    ways = sum(
        math.comb(marked, x) * math.comb(population - marked, drawn - x)
        for x in range(max(0, hits), min(marked, drawn) + 1)
    )
    return Fraction(ways, math.comb(population, drawn))


@pytest.mark.parametrize(
    ("clients", "assumptions", "entry"), [entry for entry in ENTRIES if entry[0] <= 1_000]
)
def test_the_bounds_in_exact_fractions(clients, assumptions, entry):
    k, t = entry.neighbours, entry.threshold
    corrupt = math.floor(clients * assumptions.adversaries + 1e-9)
    gone = math.floor(clients * assumptions.dropouts + 1e-9)
    reach = 2 * t - k if assumptions.semi_malicious else t
    assert clients * at_least(reach, clients - 1, corrupt, k) <= Fraction(1, 2**41)
    assert clients * at_least(k - t + 1, clients - 1, gone, k) <= Fraction(1, 2**20)
    lower = reach - 2 if assumptions.semi_malicious else reach - 1
    betrayed = clients * at_least(lower, clients - 1, corrupt, k) > Fraction(1, 2**41)
    assert betrayed
    assert is_private(clients, k, t, assumptions)
    assert not is_private(clients, k, t - 1, assumptions)
    assert not is_private(clients, k, k + 1, assumptions)


@pytest.mark.parametrize("clients", [5, 20, 100])
def test_few_clients_are_all_neighbours(clients):
    chosen = choose(clients, Assumptions(1 / 3, 0.1))
    assert chosen.neighbours == clients - 1
    # whoever is told that a client lives and whoever is told that it is gone, adversaries being
    # told both, do not make two thresholds
    corrupt = max(1, clients // 3)
    assert 2 * chosen.threshold > chosen.neighbours + corrupt
    assert chosen.threshold <= chosen.neighbours - max(1, clients // 10)


def test_more_than_a_hundred_need_not_be():
    assert choose(101, Assumptions(0.2, 0.1)).neighbours < 100


def test_too_few_clients_for_the_promise():
    with pytest.raises(ConfigError, match="ask for more clients"):
        choose(3, Assumptions(1 / 3, 0.1))


def test_a_graph_that_falls_apart_is_not_private():
    assumed = Assumptions(adversaries=0.001, dropouts=0.3, semi_malicious=False)
    assert not is_private(1_000, 4, 4, assumed)
    assert is_private(1_000, 40, 4, assumed)


@pytest.mark.parametrize("gone", [3, 4, 5, 6])
def test_the_bound_on_falling_apart_beside_all_cases(gone):
    """A ring of 11, each tied to two on either side, with every set of missing ones."""
    apart = sum(not connected(set(range(11)) - set(lost)) for lost in combinations(range(11), gone))
    chance = apart / math.comb(11, gone)
    assert chance <= _cut(11, 4, gone)
    assert (apart == 0) == (_cut(11, 4, gone) == 0)


def connected(left):
    seen, todo = set(), [min(left)]
    while todo:
        at = todo.pop()
        seen.add(at)
        todo += [n for s in (-2, -1, 1, 2) if (n := (at + s) % 11) in left - seen]
    return seen == left


@pytest.mark.parametrize("shares", [(1.0, 0.1), (-0.1, 0.1), (0.1, 1.0)])
def test_shares_below_one(shares):
    with pytest.raises(ConfigError, match="below 1"):
        Assumptions(*shares)
