"""Hedgerow: federated recommendations, one model grown from many private gardens.

>>> import hedgerow as hr
>>> log = hr.load("shop")
>>> train, test = hr.hold_out(log.distinct())
>>> simulation = hr.simulate(hr.models.Sequence.phone(), train)
>>> hr.evaluate(simulation.model, test).values["full/ndcg@10"] > 0.15
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hedgerow import models

if TYPE_CHECKING:
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

_HOMES = {
    "Catalog": "hedgerow.data.catalog",
    "Clients": "hedgerow.federation.clients",
    "Columns": "hedgerow.data.columns",
    "HedgerowError": "hedgerow.errors",
    "Interactions": "hedgerow.data.interactions",
    "LastOut": "hedgerow.data.split",
    "Ledger": "hedgerow.privacy.ledger",
    "Participation": "hedgerow.federation.clients",
    "Policy": "hedgerow.privacy.policy",
    "RandomPerUser": "hedgerow.data.split",
    "Recommender": "hedgerow.recommender",
    "Shop": "hedgerow.data.shop",
    "Temporal": "hedgerow.data.split",
    "compare": "hedgerow.comparison.compare",
    "evaluate": "hedgerow.api",
    "hold_out": "hedgerow.api",
    "load": "hedgerow.data.datasets",
    "simulate": "hedgerow.api",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: a server needs few of them, and no tables."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
