"""Models of single clients against training and judging on each by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from support import catalog_of, histories_of, states_of, structured_block

from hedgerow.comparison.local import choose_clients, train_alone
from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.federation.contribute import contribute
from hedgerow.models.popularity import Popularity
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

N_ITEMS = 20
FOLD = LastOut().test(structured_block(users=60, n_items=N_ITEMS))
SILOS = Clients.dirichlet(60, 5, 1.0, seed=3)
PROTOCOL = EvaluationProtocol(k=5, sampled=9, replicates=20)
YARDSTICK = Yardstick(
    np.asarray(FOLD.history.incidence().sum(0), float), np.eye(N_ITEMS, dtype=np.float32)
)
SEQUENCE = Sequence(dimensions=(5, 3), decays=(0.7, 0.2), fourier=4, regularization=2.0)


def alone(recipe, fold=FOLD, clients=SILOS, *, limit=100, seed=0, yardstick=YARDSTICK):
    return train_alone(
        recipe,
        catalog_of(fold.history.n_items),
        fold.history,
        fold,
        clients,
        chosen=choose_clients(fold, clients, repeats=False, limit=limit, seed=seed),
        protocol=PROTOCOL,
        yardstick=yardstick,
        seed=seed,
    )


def test_silos_are_trained_and_judged_one_by_one():
    found = alone(Transitions())
    metrics, users, drawn = 0, 0, 0
    for silo in range(len(SILOS)):
        part = FOLD.take(np.flatnonzero(SILOS.owner == silo))
        state = states_of(Transitions(), part.history)[-1]
        step = Evaluate(Transitions().scorer(state), PROTOCOL, YARDSTICK)
        total = contribute(step, part, np.ones(len(part)))
        metrics, users = metrics + total["metrics"], users + total["users"]
        drawn = drawn + total["replicates"]
    assert found.clients == 5
    assert found.evaluation.users == users == len(FOLD.judged())
    wanted = dict(zip(PROTOCOL.names, metrics / users, strict=True))
    for name, value in wanted.items():
        assert_allclose(found.evaluation.values[name], value)
    assert_allclose(
        found.evaluation.replicates[:, : len(PROTOCOL.names)], drawn[:, :-1] / drawn[:, -1:]
    )


def test_ranks_are_those_among_the_clients_own_scores():
    """The hit rate from scores and comparisons alone."""
    hits = []
    for silo in range(len(SILOS)):
        part = FOLD.take(np.flatnonzero(SILOS.owner == silo))
        state = states_of(SEQUENCE, part.history)[-1]
        scores = SEQUENCE.scorer(state).scores(part.history)
        for row, history, target in zip(
            scores, histories_of(part.history), histories_of(part.targets), strict=True
        ):
            if target:
                others = np.delete(row, [*history, target[0]])
                hits.append((others >= row[target[0]]).sum() < 5)
    assert 0 < np.mean(hits) < 1
    assert_allclose(alone(SEQUENCE).evaluation.values["full/hr@5"], np.mean(hits))


def test_one_silo_of_everybody_is_pooled_training():
    everybody = Clients(np.zeros(60, np.int64), pl.Series(["all"]), "silos")
    state = states_of(SEQUENCE, FOLD.history)[-1]
    step = Evaluate(SEQUENCE.scorer(state), PROTOCOL, YARDSTICK)
    wanted = step.update(contribute(step, FOLD, np.ones(60)))
    found = alone(SEQUENCE, clients=everybody).evaluation
    assert found.values == pytest.approx(dict(wanted.values))
    assert_allclose(found.replicates, wanted.replicates)


def test_devices_know_nothing_but_their_own_history():
    devices = Clients.devices(pl.Series([str(i) for i in range(60)]))
    found = alone(Popularity(), clients=devices)
    assert found.clients == len(FOLD.judged())
    # A device's popular items are those it has met; all others tie, and a tie is lost.
    assert found.evaluation.values["full/hr@5"] == 0
    assert found.seconds > 0


def test_other_clients_data_does_not_matter():
    one = alone(SEQUENCE, limit=1, seed=2).evaluation
    chosen = np.random.default_rng(2).permutation(5)[0]
    others = SILOS.owner[FOLD.history.rows] != chosen
    items = np.where(others, (FOLD.history.items + 7) % N_ITEMS, FOLD.history.items)
    changed = replace(FOLD, history=replace(FOLD.history, items=items.astype(np.int32)))
    assert alone(SEQUENCE, changed, limit=1, seed=2).evaluation.values == one.values
    assert one.users == (SILOS.owner[np.flatnonzero(FOLD.targets.lengths)] == chosen).sum()


def test_at_most_so_many_clients_are_drawn():
    devices = Clients.devices(pl.Series([str(i) for i in range(60)]))
    counts = [alone(Popularity(), clients=devices, limit=n).evaluation.users for n in (1, 7, 500)]
    assert counts == [1, 7, len(FOLD.judged())]
    novelty = {
        alone(Popularity(), clients=devices, limit=1, seed=s).evaluation.values["list/novelty@5"]
        for s in range(6)
    }
    assert len(novelty) > 1


def test_clients_with_nothing_to_judge_are_not_drawn():
    repeated = [4, 5, 4]
    histories = [[], [3], *histories_of(structured_block(users=20)), [], [1], repeated]
    fold = LastOut().test(Block.of(histories, N_ITEMS))
    devices = Clients.devices(pl.Series([str(i) for i in range(25)]))
    assert 24 in choose_clients(fold, devices, repeats=True, limit=100, seed=0)
    found = alone(Transitions(), fold, devices)
    assert found.clients == found.evaluation.users == 20


def test_clients_of_other_sizes_are_drawn_apart():
    owner = np.concatenate([np.arange(20), np.full(15, 20), np.full(25, 21)])
    clients = Clients(owner, pl.Series([str(i) for i in range(22)]), "clients")
    found = alone(Transitions(), clients=clients, limit=4)
    small, large = found.parts
    assert (small.size, len(small.chosen), small.population) == (0, 4, 20)
    assert (large.size, sorted(large.chosen), large.population) == (1, [20, 21], 2)
    # Those that were drawn among the devices stand for all of these.
    judged = np.isin(np.arange(60), np.flatnonzero(FOLD.targets.lengths))
    weights = [judged[owner < 20].sum(), judged[owner >= 20].sum()]
    for name in ("full/hr@5", "full/ndcg@5", "sampled/mrr@5"):
        wanted = np.average([p.evaluation.values[name] for p in found.parts], weights=weights)
        assert_allclose(found.evaluation.values[name], wanted)
    assert found.evaluation.users == small.evaluation.users + large.evaluation.users
