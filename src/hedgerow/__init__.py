"""Hedgerow: federated recommendations, one model grown from many private gardens.

>>> import hedgerow as hr
>>> log = hr.load("shop")
>>> train, test = hr.hold_out(log.distinct())
>>> simulation = hr.simulate(hr.models.Sequence.phone(), train)
>>> hr.evaluate(simulation.model, test).values["full/ndcg@10"] > 0.15
True
"""

from hedgerow import models
from hedgerow.api import evaluate, hold_out, simulate
from hedgerow.comparison.compare import compare
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.datasets import load
from hedgerow.data.interactions import Interactions
from hedgerow.data.shop import Shop
from hedgerow.data.split import LastOut, RandomPerUser, Temporal
from hedgerow.errors import HedgerowError
from hedgerow.federation.clients import Clients, Participation
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.recommender import Recommender

__all__ = [
    "Catalog",
    "Clients",
    "Columns",
    "HedgerowError",
    "Interactions",
    "LastOut",
    "Ledger",
    "Participation",
    "Policy",
    "RandomPerUser",
    "Recommender",
    "Shop",
    "Temporal",
    "compare",
    "evaluate",
    "hold_out",
    "load",
    "models",
    "simulate",
]
