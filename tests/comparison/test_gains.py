"""Who gains from learning together, against judging both models by hand."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from small_comparisons import small_comparison
from support import catalog_of, states_of, structured_block

from hedgerow.comparison.gains import find_gains
from hedgerow.comparison.local import choose_clients, train_alone
from hedgerow.comparison.report.wording import gained
from hedgerow.comparison.sizes import described, sizes_of
from hedgerow.data.split import LastOut
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.models.transitions import Transitions

N_ITEMS = 20
FOLD = LastOut().test(structured_block(users=160, n_items=N_ITEMS))
OWNER = np.concatenate([np.arange(10), np.full(40, 10), np.full(110, 11)])
CLIENTS = Clients(OWNER, pl.Series([str(i) for i in range(12)]), "clients")
PROTOCOL = EvaluationProtocol(k=5, sampled=0, replicates=50)
YARDSTICK = Yardstick(
    np.asarray(FOLD.history.incidence().sum(0), float), np.eye(N_ITEMS, dtype=np.float32)
)


def gains():
    scorer = Transitions().scorer(states_of(Transitions(), FOLD.history)[-1])
    alone = train_alone(
        Transitions(),
        catalog_of(N_ITEMS),
        FOLD.history,
        FOLD,
        CLIENTS,
        chosen=choose_clients(FOLD, CLIENTS, repeats=False, limit=100, seed=0),
        protocol=PROTOCOL,
        yardstick=YARDSTICK,
        seed=0,
    )
    return scorer, find_gains(alone, scorer, FOLD, CLIENTS, protocol=PROTOCOL, yardstick=YARDSTICK)


def judged(scorer, users):
    step = Evaluate(scorer, PROTOCOL, YARDSTICK)
    part = FOLD.take(users)
    return step.update(step.contributions(part).sum(np.ones(len(part))))


def test_both_models_are_judged_on_the_same_users():
    together, found = gains()
    assert [gain.who for gain in found] == [
        "10 devices",
        "1 silo of 2 to 100 users",
        "1 silo of 101 to 1,000 users",
    ]
    for client, gain in ((10, found[1]), (11, found[2])):
        users = np.flatnonzero(client == OWNER)
        own = Transitions().scorer(states_of(Transitions(), FOLD.history.take(users))[-1])
        alone, ours = judged(own, users), judged(together, users)
        assert gain.users == alone.users == ours.users
        assert_allclose(gain.alone, alone.values["full/ndcg@5"])
        assert_allclose(gain.together, ours.values["full/ndcg@5"])
        column = list(ours.values).index("full/ndcg@5")
        drawn = ours.replicates[:, column] - alone.replicates[:, column]
        assert_allclose((gain.low, gain.high), np.quantile(drawn, [0.025, 0.975]))


def test_a_device_alone_has_little_to_learn_from():
    _, found = gains()
    assert found[0].alone < found[0].together
    assert found[0].low > 0


def test_a_comparison_tells_its_gains():
    found = small_comparison(Transitions())
    assert [gain.who for gain in found.gains] == [
        described(size, int((sizes_of(found.clients) == size).sum()), found.clients.kind)
        for size in np.unique(sizes_of(found.clients))
    ]


@pytest.mark.parametrize(
    ("size", "clients", "kind", "said"),
    [
        (0, 1, "devices", "1 device"),
        (0, 1_200, "clients", "1,200 devices"),
        (0, 1, "silos", "1 silo of one user"),
        (0, 2, "silos", "2 silos of one user each"),
        (3, 2, "clients", "2 silos of 1,001 to 10,000 users each"),
        (4, 1, "silos", "1 silo of over 10,000 users"),
    ],
)
def test_sizes_are_said_in_words(size, clients, kind, said):
    assert described(size, clients, kind) == said


def test_sizes_are_those_of_the_bounds():
    users = (1, 2, 100, 101, 1_000, 1_001, 10_000, 10_001)
    owner = np.repeat(np.arange(len(users)), users)
    clients = Clients(owner, pl.Series([str(i) for i in range(len(users))]), "silos")
    assert sizes_of(clients).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


def test_the_first_sentence_names_who_gains_most_and_who_least():
    gain = {"alone": 0.05, "together": 0.12, "low": 0.06, "high": 0.08, "who": "3 devices"}
    loss = {"alone": 0.15, "together": 0.14, "low": -0.02, "high": 0.01, "who": "1 silo"}
    assert gained([loss, gain], 7) == (
        "Learning together takes 3 devices from NDCG@7\N{NO-BREAK SPACE}0.050 to 0.120, and 1 silo "
        "from 0.150 to 0.140 (as chance might)."
    )
    assert gained([gain], 7).endswith("0.050 to 0.120.")
