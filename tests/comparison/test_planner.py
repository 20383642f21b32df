"""What a forecast expects, against really training so many people."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_comparisons import small_log

from hedgerow.comparison.curve import Point
from hedgerow.comparison.planner import FACTORS, Expected, Forecast, Multiplied, forecast, times_of
from hedgerow.data.shop import Shop
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError, PolicyError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.clients import Clients
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy.accounting import default_delta, multiplier_for
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

PROTOCOL = EvaluationProtocol(k=5, sampled=0, replicates=0)


def forecast_of(log, recipe, **how):
    how = {"policy": Policy(epsilon=2.0, clip=1.0), "epsilons": (2.0,), "seeds": (0,)} | how
    return forecast(log, recipe, split=LastOut(), protocol=PROTOCOL, **how)


def sizes_of(found):
    return [population.people for population in found.populations]


@pytest.mark.parametrize("people", [150, 60, 30])
def test_sums_are_those_of_so_many_people(people):
    fold = LastOut().test(small_log().block)
    step = OnHistory(Popularity().step(Popularity().start(range(20), 0)))
    times = times_of(60, people, seed=4)
    found = Multiplied(Serial(fold), times).sum(step, np.ones(60))
    assert found["users"] == pytest.approx(people)
    met = np.asarray(fold.history.incidence().todense())
    assert_allclose(found["counts"], times @ met, rtol=1e-6)
    if people < 60:
        assert set(times) == {0.0, 1.0}
        assert_array_equal(times, times_of(60, people, seed=4))
        assert (times != times_of(60, people, seed=5)).any()


def test_as_many_as_are_there_are_trained_as_they_are():
    """Noise and quality are those of a training under a policy, by the same seed."""
    log, recipe = small_log(), PrivateSequence(dimension=8)
    found = forecast_of(log, recipe, people=(60,), epsilons=(8.0, 2.0), seeds=(3,))
    clients, fold = Clients.devices(log.users), LastOut().test(log.block)
    for point in found.populations[0].points:
        pipeline = Pipeline.of(
            Policy(epsilon=point.epsilon), recipe.charges, clients,
            ledger=Ledger(), run="plan", account="plan", seed=3,
        )  # fmt: skip
        run = train(recipe, Serial(fold), log.catalog, clients, pipeline=pipeline, seed=3)
        gains = []
        pairs = zip(rows_of(fold.history), rows_of(fold.targets), strict=True)
        for scores, (history, (wanted,)) in zip(
            run.scorer.scores(fold.history), pairs, strict=True
        ):
            fresh = [item for item in np.argsort(-scores) if item not in set(history)]
            place = fresh.index(wanted)
            gains.append(1 / np.log2(place + 2) if place < 5 else 0)
        assert point.mean("ndcg@5") == pytest.approx(np.mean(gains))
        assert point.multiplier == pytest.approx(multiplier_for(point.epsilon, 1e-5), rel=1e-3)


def rows_of(block):
    return np.split(block.items, block.indptr[1:-1])


@pytest.mark.parametrize("people", [700, 2_400])
def test_a_few_tell_what_many_reach(people):
    """Of 2,400 customers, 800 are at hand; expected is what those customers really reach."""
    log = Shop(customers=2_400, products=80, seed=1).interactions()
    some = np.sort(np.random.default_rng(0).permutation(len(log.users))[:800])
    at_hand = replace(log, users=log.users[some], block=log.block.take(some))
    how = {"epsilons": (4.0,), "people": (people,), "seeds": (0, 1, 2)}
    expected = forecast_of(at_hand, PrivateSequence(), **how).populations[0].points[0]
    reached = forecast_of(log, PrivateSequence(), **how).populations[0].points[0]
    # Hits of 800 people at a rate of about .2 scatter by .014.
    assert expected.mean("hr@5") == pytest.approx(reached.mean("hr@5"), abs=0.04)


def test_more_people_and_more_epsilon_leave_more():
    log = Shop(customers=400, products=60, seed=2).interactions()
    found = forecast_of(log, PrivateSequence(), epsilons=(1.0, 8.0), people=(100, 400, 40_000))
    assert found.epsilons == (8.0, 1.0)
    table = [[point.mean("ndcg@5") for point in each.points] for each in found.populations]
    assert table[2][0] > table[0][0]
    assert table[2][1] > 1.3 * table[0][1]
    # A hundred times as many people hardly notice the noise.
    assert table[2][0] == pytest.approx(found.without.mean("ndcg@5"), rel=0.15)


def test_by_default_it_plans_for_fewer_and_for_many_more():
    found = forecast_of(small_log(), Popularity())
    assert sizes_of(found) == sorted({max(20, round(60 * factor)) for factor in FACTORS})
    assert [each.delta for each in found.populations] == [
        default_delta(size) for size in sizes_of(found)
    ]


def point(value):
    return Point(2.0, 1.0, {"ndcg@5": (value,)})


def test_how_many_are_needed_is_read_between_the_lines():
    sizes = tuple(
        Expected(people, 1e-5, (point(value),))
        for people, value in ((100, 0.1), (1_000, 0.2), (10_000, 0.2), (100_000, 0.4))
    )
    found = Forecast(Popularity(), 100, 5, sizes, point(0.4), 0.1, (0,))
    assert found.needed(2.0, 0.05) == found.needed(2.0, 0.1) == 100
    assert found.needed(2.0, 0.15) == pytest.approx(10**2.5)
    assert found.needed(2.0, 0.3) == pytest.approx(10**4.5)
    assert found.needed(2.0, 0.41) is None


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"people": (60, 19)}, "Plan for 20 to 10,000,000,000 people"),
        ({"people": (10**11,)}, "Plan for 20 to"),
        ({"epsilons": ()}, "at least one epsilon"),
        ({"epsilons": (1.0, 1.0)}, "named twice"),
        ({"epsilons": (float("nan"),)}, "above 0 and finite"),
        ({"seeds": ()}, "at least one seed"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_is_refused_in_one_sentence(how, message):
    with pytest.raises(ConfigError, match=message):
        forecast_of(small_log(), Popularity(), **how)


def test_noise_that_clients_refuse_is_not_planned_for():
    with pytest.raises(PolicyError, match="clients refuse"):
        forecast_of(small_log(), PrivateSequence(), epsilons=(2e-4,))
