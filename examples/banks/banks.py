"""Three banks learn together where a customer pays next, without pooling their accounts.

The transactions are made up here: customers of a town pay at merchants of some kinds, and what
comes next depends on what was before (petrol after the motorway, coffee near the gym).

Sums are pairwise and noisy: every bank adds its share of the noise, so that what is published
promises epsilon 8 to each customer, towards the coordinator, too, and where one bank is in league
with it and takes its own noise off: the noise is sized for two honest banks of three.

    python examples/banks/banks.py
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))
from federation import federate

from hedgerow.data.interactions import Interactions
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy.policy import Policy

BANKS = ("alder", "birch", "cedar")
KINDS = ("grocer", "bakery", "petrol", "motorway", "gym", "coffee", "books", "cinema")
PER_KIND, CUSTOMERS, PAYMENTS = 12, 3_000, 16


def transactions(seed: int = 0) -> Interactions:
    """Return who paid where, at which bank; everyone knows the merchants and their kinds."""
    rng = np.random.default_rng(seed)
    kinds, customers = len(KINDS), CUSTOMERS
    follows = rng.dirichlet(np.full(kinds, 0.25), size=kinds)
    town = rng.integers(0, PER_KIND, customers)
    kind, rows = rng.integers(0, kinds, customers), []
    for moment in range(PAYMENTS):
        # Merchants near home are likelier: the town's number is the usual merchant of each kind.
        merchant = (town + rng.geometric(0.4, customers) - 1) % PER_KIND
        rows.append((np.arange(customers), kind * PER_KIND + merchant, np.full(customers, moment)))
        drawn = rng.random((customers, 1))
        kind = (follows[kind].cumsum(axis=1) < drawn).sum(axis=1).clip(max=kinds - 1)
    who, where, when = (np.concatenate(column) for column in zip(*rows, strict=True))
    merchants = [f"{KINDS[n // PER_KIND]} {n % PER_KIND + 1}" for n in range(kinds * PER_KIND)]
    table = pl.DataFrame(
        {
            "user_id": [f"customer {n}" for n in who],
            "item_id": [merchants[n] for n in where],
            "timestamp": when * 86_400 + 1_700_000_000,
            "bank": [BANKS[n % len(BANKS)] for n in who],
        }
    )
    known = pl.DataFrame({"item_id": merchants, "category": [m.split()[0] for m in merchants]})
    log = Interactions.read(table).with_attributes(table.select("user_id", "bank"))
    return log.with_catalog(known).distinct()


if __name__ == "__main__":
    federate(
        "payments",
        transactions(),
        "bank",
        PrivateSequence(dimension=64),
        Policy(epsilon=8.0, secure="pairwise", minimum=3, adversaries=0.3, dropouts=0),
    )
