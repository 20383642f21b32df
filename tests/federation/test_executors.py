"""Sums in one process and in several, and what happens when a worker fails."""

import multiprocessing as mp
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, random_block

from hedgerow.data.block import Block
from hedgerow.data.split import Fold, LastOut
from hedgerow.errors import DataError, HedgerowError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation import executors
from hedgerow.federation.contribute import OnHistory, contribute
from hedgerow.federation.executors import Processes, Serial, shards, sum_blocks
from hedgerow.models.registry import MODELS, make
from hedgerow.statistics import Field, Rows, Schema

N_ITEMS = 15
DATA = LastOut().test(random_block(users=70, n_items=N_ITEMS))
WEIGHTS = np.random.default_rng(0).uniform(0, 1, len(DATA))
WEIGHTS[::3] = 0
SIZES = {
    "als": {"dimension": 4},
    "factorization": {"dimension": 4},
    "sequence": {"dimensions": (4, 3), "decays": (0.5, 0.8), "fourier": 5},
}


def steps():
    """Return the first step of every model, and an evaluation."""
    made = {}
    for name in MODELS:
        recipe = make(name, SIZES.get(name))
        state = recipe.start(catalog_of(N_ITEMS), 0)
        made[name] = OnHistory(recipe.step(state))
    yardstick = Yardstick(np.ones(N_ITEMS), np.eye(N_ITEMS, dtype=np.float32))
    recipe = make("popularity")
    scorer = recipe.scorer(recipe.start(catalog_of(N_ITEMS), 0))
    protocol = EvaluationProtocol(k=3, sampled=4, replicates=5)
    return made | {"evaluate": Evaluate(scorer, protocol, yardstick)}


STEPS = steps()
every_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def same(one, other):
    assert set(one) == set(other)
    for name, array in one.items():
        assert_allclose(array, other[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def processes():
    with Processes(DATA, 2) as running:
        yield running


@every_step
def test_processes_agree_with_one_process(step, processes):
    with Serial(DATA) as serial:
        for weights in (np.ones(len(DATA)), WEIGHTS, np.zeros(len(DATA))):
            same(serial.sum(step, weights), processes.sum(step, weights))


@every_step
def test_one_process_is_the_sum_over_devices(step):
    naive = step.schema.zeros()
    for user in range(len(DATA)):
        naive = naive + contribute(step, DATA[user : user + 1], WEIGHTS[user : user + 1])
    same(Serial(DATA).sum(step, WEIGHTS), naive)


def test_more_workers_than_users():
    few = DATA[:2]
    with Processes(few, 3) as running:
        step = STEPS["popularity"]
        same(running.sum(step, np.ones(2)), Serial(few).sum(step, np.ones(2)))


@every_step
def test_nobody_at_all(step):
    nobody = DATA[:0]
    same(Serial(nobody).sum(step, np.zeros(0)), step.schema.zeros())


@every_step
def test_the_size_of_blocks_does_not_matter(step, monkeypatch):
    whole = sum_blocks(step, DATA, WEIGHTS)
    for users, interactions in ((1, 1 << 18), (7, 1 << 18), (1 << 13, 1), (1 << 13, 25)):
        monkeypatch.setattr(executors, "BLOCK_USERS", users)
        monkeypatch.setattr(executors, "BLOCK_INTERACTIONS", interactions)
        same(sum_blocks(step, DATA, WEIGHTS), whole)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 8))
def test_shards_are_consecutive_and_hold_everyone(lengths, count):
    block = Block.of([[0] * n for n in lengths], 1)
    cut = shards(Fold(block, block), count)
    assert len(cut) == count
    users = [u for shard in cut for u in range(len(lengths))[shard]]
    assert users == list(range(len(lengths)))


def test_shards_are_about_equally_large():
    sizes = [int(DATA.history[s].lengths.sum()) for s in shards(DATA, 4)]
    assert max(sizes) - min(sizes) <= 2 * DATA.history.lengths.max()


class PickyError(Exception):
    """An error that cannot be unpickled, as many libraries' errors cannot."""

    def __init__(self, code, place):
        super().__init__(f"picky error {code} at {place}")


@dataclass(frozen=True)
class Hurt:
    """A step that goes wrong for the client with a certain key, or counts clients."""

    key: int
    how: str = "raise"
    name = "hurt"
    additive = True
    schema = Schema({"users": Field()})

    def contributions(self, data):
        if self.key in data.history.keys:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "picky":
                raise PickyError(7, "the client")
            raise DataError(f"client {self.key} cannot answer")
        return Rows(self.schema, np.ones((len(data), 1)))

    def update(self, total):
        return float(total["users"])


NOBODY = -1
FIRST, LAST = 0, len(DATA) - 1


@pytest.mark.parametrize("key", [FIRST, LAST])
def test_an_error_in_a_worker_is_passed_on_and_the_executor_goes_on(key):
    ones = np.ones(len(DATA))
    with Processes(DATA, 2) as running:
        for _ in range(2):
            with pytest.raises(DataError, match=f"client {key} cannot answer"):
                running.sum(Hurt(key), ones)
            assert running.sum(Hurt(NOBODY), 2 * ones)["users"] == 2 * len(DATA)
    with pytest.raises(DataError, match="cannot answer"), Serial(DATA) as serial:
        serial.sum(Hurt(key), ones)


@pytest.mark.parametrize("key", [FIRST, LAST])
def test_an_error_that_cannot_travel_is_told_in_words(key):
    ones = np.ones(len(DATA))
    with Processes(DATA, 2) as running:
        with pytest.raises(Exception, match="picky error 7 at the client"):
            running.sum(Hurt(key, "picky"), ones)
        assert running.sum(Hurt(NOBODY), 2 * ones)["users"] == 2 * len(DATA)


@pytest.mark.parametrize("key", [FIRST, LAST])
def test_a_killed_worker_is_an_error_that_says_so(key):
    with Processes(DATA, 2) as running:
        with pytest.raises(HedgerowError, match=r"worker process died.*fewer workers"):
            running.sum(Hurt(key, "kill"), np.ones(len(DATA)))
        with pytest.raises(HedgerowError, match="worker process died"):
            running.sum(Hurt(NOBODY), np.ones(len(DATA)))


def test_no_worker_stays_behind():
    before = set(mp.active_children())
    with Processes(DATA, 2) as running:
        assert len(set(mp.active_children()) - before) == 2
        running.sum(STEPS["popularity"], WEIGHTS)
    assert set(mp.active_children()) == before
    with pytest.raises(ZeroDivisionError), Processes(DATA, 2):
        raise ZeroDivisionError
    assert set(mp.active_children()) == before


def test_idle_workers_stop_at_once():
    with Processes(DATA, 2) as running:
        running.sum(STEPS["popularity"], WEIGHTS)
        started = time.perf_counter()
    assert time.perf_counter() - started < 0.9


SCRIPT = """
import sys
from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.federation.executors import Processes

with Processes(LastOut().test(Block.of([[0, 1], [1, 0]], 2)), 2) as running:
    print(*(process.pid for process, *_ in running._running), flush=True)
    sys.stdin.read()
"""


def test_workers_end_with_the_process_that_started_them():
    """A killed coordinator leaves no worker: each of them would hold on to this pipe."""
    coordinator = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    workers = [int(pid) for pid in coordinator.stdout.readline().split()]
    assert len(workers) == 2
    coordinator.kill()
    try:
        coordinator.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        coordinator.communicate()
        pytest.fail("workers outlive the process that started them")


def test_workers_get_their_own_users_only():
    with Processes(DATA, 3) as running:
        parts = [shard for *_, shard in running._running]
    assert parts == shards(DATA, 3)
    assert_array_equal(np.concatenate([DATA.history[p].keys for p in parts]), DATA.history.keys)
