"""What learning together gains over learning alone, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hedgerow.comparison.local import Alone
from hedgerow.comparison.sizes import described
from hedgerow.data.split import Fold
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import evaluate
from hedgerow.models.base import Scorer


@dataclass(frozen=True)
class Gain:
    """What clients of one size have from a federation, all by the same held-out interactions.

    Parameters
    ----------
    who
        Which clients, such as "3 silos of 2 to 100 users each".
    clients, users
        How many of them, and of their users, were judged.
    alone, together
        NDCG of each client's own model, and of the federated one, on these users.
    low, high
        95 % interval of the difference, by the paired bootstrap.
    """

    who: str
    clients: int
    users: int
    alone: float
    together: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Together minus alone."""
        return self.together - self.alone


def find_gains(
    alone: Alone,
    scorer: Scorer,
    fold: Fold,
    clients: Clients,
    *,
    protocol: EvaluationProtocol,
    yardstick: Yardstick,
) -> tuple[Gain, ...]:
    """Judge the federated model on the users of the clients that were trained alone.

    Parameters
    ----------
    alone
        What the clients achieved alone.
    scorer
        The federated model's.
    fold
        By what they were judged.
    clients
        Who holds what.
    protocol, yardstick
        How.

    Returns
    -------
    tuple
        From the clients with the fewest users to those with the most.
    """
    metric, found = f"full/ndcg@{protocol.k}", []
    for part in alone.parts:
        users = np.flatnonzero(np.isin(clients.owner, part.chosen))
        own = part.evaluation
        federated = evaluate(scorer, Serial(fold.take(users)), len(users), protocol, yardstick)
        difference = federated.values[metric] - own.values[metric]
        low = high = difference
        if len(own.replicates):
            column = list(own.values).index(metric)
            drawn = federated.replicates[:, column] - own.replicates[:, column]
            low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
        found.append(
            Gain(
                who=described(part.size, part.population, clients.kind),
                clients=len(part.chosen),
                users=own.users,
                alone=own.values[metric],
                together=federated.values[metric],
                low=low,
                high=high,
            )
        )
    return tuple(found)
