"""What a comparison is asked for, and what it found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hedgerow.comparison.costs import StepCost
from hedgerow.comparison.curve import Curve, check_curve
from hedgerow.comparison.gains import Gain
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Split
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.clients import Clients
from hedgerow.federation.simulator import Round
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Entry
from hedgerow.privacy.planning import NoisePlan
from hedgerow.privacy.policy import Policy
from hedgerow.recommender import Recommendation, Recommender


@dataclass(frozen=True)
class Contender:
    """One way to come to a model, and what it achieved.

    Parameters
    ----------
    name
        federated, pooled, local or popularity.
    evaluation
        On the test fold.
    rounds
        What happened in training; empty where there were no rounds.
    seconds
        Of training.
    bytes_up, bytes_down
        Of one client in all, on average.
    note
        What a reader of the figures must know.
    """

    name: str
    evaluation: Evaluation
    seconds: float
    rounds: tuple[Round, ...] = ()
    bytes_up: float = 0.0
    bytes_down: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Example:
    """One user's history, what the user took next, and what was recommended.

    Parameters
    ----------
    user
        The id.
    history, held_out
        Titles, oldest first; of long ones the last or the first few.
    recommended
        Best first.
    hits
        Which of the recommendations were held out, one truth value each.
    """

    user: str
    history: tuple[str, ...]
    held_out: tuple[str, ...]
    recommended: tuple[Recommendation, ...]
    hits: tuple[bool, ...]


@dataclass(frozen=True)
class Plan:
    """What a comparison does besides training federated.

    Parameters
    ----------
    contenders
        Which of pooled, local and popularity to add.
    patience
        Stop the federated training after so many rounds without a better validation NDCG. The
        model then trains without the validation interactions; without patience it sees them.
    local_clients
        On how many clients of each size, drawn at random, the model is trained alone.
    watch
        Whether to judge the model after every round.
    curve
        Epsilons under each of which to train again, to see what each allows.
    curve_seeds
        How often to train for each.
    examples
        How many users to show with their histories; what is written of the comparison then holds
        these.

    Raises
    ------
    ConfigError
        A number is out of range, or training for the curve would not be that of the run.
    """

    contenders: tuple[str, ...] = ("popularity", "local", "pooled")
    patience: int | None = None
    local_clients: int = 30
    watch: bool = True
    curve: tuple[float, ...] = ()
    curve_seeds: int = 3
    examples: int = 0

    def __post_init__(self) -> None:
        check_curve(self.curve, self.curve_seeds)
        if self.curve and self.patience is not None:
            raise ConfigError(
                "A curve takes every round of training, so it does not go with a patience; leave "
                "one of them out."
            )
        if self.local_clients < 1:
            raise ConfigError("At least one client is needed to train alone.")
        if self.examples < 0:
            raise ConfigError("A number of example users is not negative.")


@dataclass(frozen=True)
class Comparison:
    """All that a comparison found.

    Parameters
    ----------
    log
        The interactions, as they were used.
    recipe
        The model compared.
    clients
        Who held what.
    protocol, split, seed
        How it was judged.
    policy, noise
        What privacy the federated training promised, and the noise that keeps the promise.
    noise_seed
        From which the noise was drawn; None where it came from a secret.
    releases
        What the federated training charged to the ledger, in order.
    costs
        Of its kinds of steps with the policy and without; empty where nothing is promised.
    plan
        What was done besides.
    contenders
        By name: federated, and what else was asked for.
    gains
        What clients of each size have from learning together; empty where none was trained alone.
    recommender
        The federated model.
    examples
        Some users with their recommendations.
    client_updates_per_second
        Contributions computed in a second of the federated training.
    curve
        Quality against epsilon; None where it was not asked for.
    network
        Whether the federated training went over a network; otherwise it was simulated.
    """

    log: Interactions
    recipe: Recipe
    clients: Clients
    protocol: EvaluationProtocol
    split: Split
    policy: Policy
    noise: NoisePlan
    noise_seed: int | None
    releases: tuple[Entry, ...]
    costs: tuple[StepCost, ...]
    seed: int
    plan: Plan
    contenders: dict[str, Contender]
    gains: tuple[Gain, ...]
    recommender: Recommender
    examples: tuple[Example, ...]
    client_updates_per_second: float
    curve: Curve | None = None
    network: bool = False

    def tax(self, metric: str) -> tuple[float, float, float] | None:
        """Return pooled minus federated, with the interval of the paired bootstrap.

        None where the pooled model was not trained. Replicates are paired: both evaluations give
        a user the same weight.
        """
        pooled = self.contenders.get("pooled")
        if pooled is None:
            return None
        ours = self.contenders["federated"].evaluation
        column = list(ours.values).index(metric)
        difference = pooled.evaluation.values[metric] - ours.values[metric]
        if not len(ours.replicates):
            return difference, difference, difference
        drawn = pooled.evaluation.replicates[:, column] - ours.replicates[:, column]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return difference, float(low), float(high)
