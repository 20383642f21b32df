"""What is said of a private model that noise took the better of."""

import numpy as np
import pytest
from small_comparisons import small_comparison, small_log

from hedgerow.comparison.result import Plan
from hedgerow.comparison.warnings import chance, shortfall
from hedgerow.data.split import LastOut, RandomPerUser
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import evaluate
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy.policy import Policy


class Lottery:
    """Scores by lot."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def scores(self, histories):
        return self.rng.random((len(histories), histories.n_items)).astype(np.float32)


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("split", [LastOut(), RandomPerUser(share=0.4, seed=0)], ids=["1", "many"])
def test_chance_is_what_lots_reach(repeats, split):
    fold = split.test(small_log().block)
    yardstick = Yardstick(np.ones(20), np.zeros((20, 1), np.float32))
    protocol = EvaluationProtocol(k=5, sampled=0, replicates=0, repeats=repeats)
    reached = [
        evaluate(Lottery(seed), Serial(fold), len(fold), protocol, yardstick).values["full/ndcg@5"]
        for seed in range(200)
    ]
    error = np.std(reached) / 200**0.5
    assert abs(np.mean(reached) - chance(fold, 5, repeats=repeats)) < 4 * error


def test_a_shortfall_is_said_where_it_is_one():
    assert "no better than chance" in shortfall(0.01, 0.02, 0.01, None)
    assert "below popularity" in shortfall(0.02, 0.03, 0.01, 0.04)
    assert shortfall(0.02, 0.05, 0.01, 0.04) == ""
    assert shortfall(0.02, 0.03, 0.01, None) == ""


@pytest.mark.parametrize("recipe", [PrivateSequence(), Popularity()], ids=lambda r: r.name)
def test_a_comparison_says_it_of_a_private_model_alone(recipe):
    plan = Plan(contenders=("popularity",), watch=False)
    hidden = small_comparison(
        recipe, plan=plan, policy=Policy(epsilon=0.01, clip=1.0), noise_seed=1
    )
    plain = small_comparison(recipe, plan=plan)
    assert plain.contenders["federated"].note == ""
    # Of others it is only known how they rank.
    said = "the noise left" in hidden.contenders["federated"].note
    assert said == (recipe.name == "private_sequence")
