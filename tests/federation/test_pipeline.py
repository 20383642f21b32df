"""The pipeline: terms are bounded, sums are right, noise is what was promised and paid for."""

import math

import numpy as np
import polars as pl
import pytest
from accountants import epsilon_of
from numpy.testing import assert_allclose, assert_array_equal
from support import assert_same_arrays, catalog_of, random_block, structured_block

from hedgerow.data.split import Fold, LastOut
from hedgerow.errors import ConfigError, PolicyError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.checkpoint import Checkpoint
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Processes, Serial
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import Watch, evaluate, train
from hedgerow.models.registry import MODELS, make
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

N_ITEMS = 12
DATA = LastOut().test(structured_block(users=60, n_items=N_ITEMS))
CATALOG = catalog_of(N_ITEMS)
DEVICES = Clients.devices(pl.Series(range(len(DATA))))
SILOS = Clients.dirichlet(len(DATA), 5, 2.0, seed=0)
OPTIONS = {
    "als": {"dimension": 4, "rounds": 3},
    "factorization": {"dimension": 4, "rounds": 3},
    "sequence": {"dimensions": (4, 3), "decays": (0.5, 0.8), "fourier": 5, "vector_rounds": 2},
}
MODEL = b"m" * 32
SECURED = ("pairwise", "split")


def pipeline_of(policy, charges, clients=DEVICES, ledger=None, run="run", seed=0):
    ledger = Ledger() if ledger is None else ledger
    return Pipeline.of(policy, charges, clients, ledger=ledger, run=run, account="a", seed=seed)


def everyone(clients=DEVICES, data=DATA, **options):
    cohorts = Participation(**options).cohorts(len(clients), 0, additive=True)
    return Group(Serial(data), clients, cohorts)


def step_of(name="als", data=DATA):
    recipe = make(name, OPTIONS.get(name))
    return OnHistory(recipe.step(recipe.start(catalog_of(data.history.n_items), 0)))


def single_terms(step, data):
    """Return every user's flat term, one at a time, the plain way."""
    contributions = step.contributions(data)
    units = np.eye(len(data))
    return np.stack([step.schema.flatten(contributions.sum(row)) for row in units])


def cut(terms, bound):
    norms = np.linalg.norm(terms.astype(float), axis=1, keepdims=True)
    return terms * np.minimum(1, bound / np.maximum(norms, 1e-12))


def test_without_a_policy_sums_are_exact_and_uncut():
    step = step_of()
    passed = Pipeline.unprotected(len(DEVICES)).sum(everyone(), step, 0)
    expected = single_terms(step, DATA).sum(0)
    assert_allclose(step.schema.flatten(passed.total), expected, rtol=1e-4, atol=1e-4)
    assert passed.total.noise == 0


@pytest.mark.parametrize("secure", ["none", *SECURED])
@pytest.mark.parametrize("clients", [DEVICES, SILOS], ids=["devices", "silos"])
@pytest.mark.parametrize("unit", ["user", "silo"])
def test_terms_are_cut_to_the_bound_and_summed(secure, clients, unit):
    """With next to no noise, the sum is that of terms clipped one by one, per user or per silo."""
    step, bound = step_of(), 1.5
    policy = Policy(epsilon=1e5, secure=secure, unit=unit, clip=bound, minimum=4, adversaries=0)
    passed = pipeline_of(policy, (Charge(),), clients).sum(everyone(clients), step, 0, MODEL)
    terms = single_terms(step, DATA)
    if unit == "silo":
        owner = clients.owner
        terms = np.stack([terms[owner == c].sum(0) for c in range(len(clients))])
    expected = cut(terms, bound).sum(0)
    found = step.schema.flatten(passed.total)
    assert np.abs(found - expected).max() < 6 * passed.total.noise + 1e-3
    assert passed.total.noise < 0.5


@pytest.mark.parametrize("secure", ["none", *SECURED])
def test_noise_has_the_deviation_that_the_ledger_says(secure):
    """Over many values, what is added has the standard deviation that the sum carries."""
    data = LastOut().test(random_block(users=40, n_items=400, seed=3))
    clients = Clients.devices(pl.Series(range(len(data))))
    step, ledger = step_of("popularity", data), Ledger()
    policy = Policy(epsilon=0.5, secure=secure, clip=2.0, minimum=4)
    pipeline = pipeline_of(policy, (Charge(),), clients, ledger)
    group = Group(Serial(data), clients, Participation().cohorts(len(clients), 0, additive=True))
    passed = pipeline.sum(group, step, 0, MODEL)
    added = step.schema.flatten(passed.total) - cut(single_terms(step, data), 2.0).sum(0)
    assert np.std(added) == pytest.approx(passed.total.noise, rel=0.15)
    assert abs(np.mean(added)) < 5 * passed.total.noise / math.sqrt(len(added))
    promised = ledger.entries[0].sigma
    # Clients make more than is counted on, as some may not be honest; two servers make it twice.
    most = {"none": 1.001, "pairwise": 1.3, "split": 1.45}[secure]
    assert promised <= passed.total.noise * 1.001 <= promised * most * 1.02


def test_the_same_seed_makes_the_same_noise_and_another_another():
    step, policy = step_of(), Policy(epsilon=1.0, clip=1.0)
    sums = [
        step.schema.flatten(
            pipeline_of(policy, (Charge(),), seed=seed).sum(everyone(), step, 0).total
        )
        for seed in (0, 0, 1)
    ]
    assert_array_equal(sums[0], sums[1])
    assert not np.array_equal(sums[0], sums[2])


def test_steps_of_one_run_have_noise_of_their_own():
    step, policy = step_of(), Policy(epsilon=1.0, clip=1.0)
    pipeline = pipeline_of(policy, (Charge(), Charge()))
    first, second = (
        step.schema.flatten(pipeline.sum(everyone(), step, number).total) for number in (0, 1)
    )
    assert np.abs(first - second).min() > 0


def test_a_clip_that_is_not_given_is_found_and_paid_for():
    step, ledger = step_of(), Ledger()
    pipeline = pipeline_of(Policy(epsilon=1e4), (Charge(),), ledger=ledger)
    pipeline.sum(everyone(), step, 0)
    assert [e.name for e in ledger.entries] == ["run/0/norms", "run/0"]
    norms = np.linalg.norm(single_terms(step, DATA).astype(float), axis=1)
    within = np.mean(norms <= ledger.entries[1].clip)
    assert 0.6 <= within <= 0.95
    assert ledger.entries[1].epsilon <= 1e4


def test_secured_sums_without_a_promise_cut_nobody():
    step = step_of()
    pipeline = pipeline_of(Policy(secure="split", minimum=4), (Charge(),))
    passed = pipeline.sum(everyone(), step, 0, MODEL)
    expected = single_terms(step, DATA).astype(float).sum(0)
    assert_allclose(step.schema.flatten(passed.total), expected, atol=2e-3)
    assert passed.total.noise == 0


@pytest.mark.parametrize("secure", SECURED)
def test_the_total_over_those_who_stay_is_opened(secure):
    policy = Policy(epsilon=1e5, secure=secure, clip=1.0, minimum=4, dropouts=0.45, adversaries=0)
    group = everyone(dropout=0.25, seed=2)
    step = step_of()
    passed = pipeline_of(policy, (Charge(),)).sum(group, step, 0, MODEL)
    present = sum(c.present for c in group.cohorts if c.present.sum() >= 4).astype(bool)
    expected = cut(single_terms(step, DATA), 1.0)[present].sum(0)
    found = step.schema.flatten(passed.total)
    assert np.abs(found - expected).max() < 6 * passed.total.noise + 1e-3


def test_too_few_clients_open_no_sum():
    step = step_of()
    for secure in ("none", *SECURED):
        pipeline = pipeline_of(Policy(epsilon=1.0, secure=secure, minimum=61), (Charge(),))
        with pytest.raises(PolicyError, match="opens no sum of fewer than 61"):
            pipeline.sum(everyone(), step, 0, MODEL)


def test_small_cohorts_are_left_out_and_large_ones_kept():
    step, policy = step_of(), Policy(epsilon=1e5, clip=1.0, minimum=20)
    group = everyone(dropout=0.1, seed=1)
    assert [c.present.sum() >= 20 for c in group.cohorts] == [True, False]
    passed = pipeline_of(policy, (Charge(),)).sum(group, step, 0)
    expected = cut(single_terms(step, DATA), 1.0)[group.cohorts[0].present].sum(0)
    assert_allclose(step.schema.flatten(passed.total), expected, atol=0.01)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("epsilon", [0.1, 3.0])
def test_every_model_trains_under_noise_and_spends_what_was_allowed(name, epsilon):
    recipe, ledger = make(name, OPTIONS.get(name)), Ledger()
    if name == "blend":
        parts = tuple(make(part, OPTIONS.get(part)) for part in ("sequence", "transitions"))
        recipe = make(name, {"components": parts})
    pipeline = pipeline_of(Policy(epsilon=epsilon), recipe.charges, ledger=ledger)
    run = train(recipe, Serial(DATA), CATALOG, DEVICES, pipeline=pipeline)
    assert np.isfinite(run.scorer.scores(DATA.history)).all()
    assert run.rounds[-1].epsilon == ledger.entries[-1].epsilon
    assert 0.99 * epsilon <= run.rounds[-1].epsilon <= epsilon * (1 + 1e-6)
    multipliers = [e.release.multiplier for e in ledger.entries]
    spent = epsilon_of(multipliers, ledger.entries[-1].delta)
    assert spent == pytest.approx(run.rounds[-1].epsilon, rel=1e-5)


@pytest.mark.parametrize("secure", SECURED)
def test_a_model_trained_on_secured_sums_is_nearly_the_plain_one(secure):
    recipe = make("als", OPTIONS["als"])
    policy = Policy(secure=secure, minimum=4)
    pipeline = pipeline_of(policy, recipe.charges)
    run = train(recipe, Serial(DATA), CATALOG, DEVICES, pipeline=pipeline)
    plain = train(recipe, Serial(DATA), CATALOG, DEVICES)
    scores = [r.scorer.scores(DATA.history) for r in (run, plain)]
    assert_allclose(scores[0], scores[1], atol=0.02)


def test_workers_make_no_difference():
    step, policy = step_of(), Policy(epsilon=1.0, clip=1.0)
    alone = pipeline_of(policy, (Charge(),)).sum(everyone(), step, 0)
    with Processes(DATA, 2) as workers:
        group = Group(workers, DEVICES, everyone().cohorts)
        shared = pipeline_of(policy, (Charge(),)).sum(group, step, 0)
    assert_allclose(step.schema.flatten(shared.total), step.schema.flatten(alone.total), atol=1e-4)


def test_stopping_early_under_a_promise_is_refused():
    recipe = make("als", OPTIONS["als"])
    protocol = EvaluationProtocol(k=3, sampled=0, replicates=0)
    yardstick = Yardstick(np.ones(N_ITEMS), np.eye(N_ITEMS, dtype=np.float32))
    with pytest.raises(ConfigError, match="does not pay for"):
        train(
            recipe,
            Serial(DATA),
            CATALOG,
            DEVICES,
            pipeline=pipeline_of(Policy(epsilon=1.0), recipe.charges),
            watch=Watch(protocol, yardstick, patience=2),
        )


def test_a_run_is_charged_before_its_sum_is_made():
    """A release that the ledger refuses is never computed."""

    class Counting(Serial):
        calls = 0

        def sum(self, step, weights):
            Counting.calls += 1
            return super().sum(step, weights)

    pipeline = pipeline_of(Policy(epsilon=1.0, clip=1.0), (Charge(),))
    other = pipeline_of(Policy(epsilon=1.0, clip=1.0), (Charge(),), ledger=pipeline.ledger, run="b")
    group = Group(Counting(Fold(DATA.history, DATA.targets)), DEVICES, everyone().cohorts)
    other.sum(group, step_of(), 0)
    assert Counting.calls == 1
    with pytest.raises(PolicyError, match="it was not made"):
        pipeline.sum(group, step_of(), 0)
    assert Counting.calls == 1


@pytest.mark.parametrize("secure", ["none", *SECURED])
def test_evaluation_passes_the_same_pipeline(secure):
    """Metrics are sums like any other: clipped, secured, noised and charged."""
    recipe = make("popularity")
    scorer = train(recipe, Serial(DATA), CATALOG, DEVICES).scorer
    protocol = EvaluationProtocol(k=3, sampled=0, replicates=0)
    yardstick = Yardstick(np.ones(N_ITEMS), np.eye(N_ITEMS, dtype=np.float32))
    step, ledger = Evaluate(scorer, protocol, yardstick), Ledger()
    bound = float(step.contributions(DATA).norms().max())
    policy = Policy(epsilon=500.0, secure=secure, clip=bound, minimum=4, adversaries=0)
    passed = pipeline_of(policy, (Charge(),), ledger=ledger).sum(everyone(), step, 0, MODEL)
    noisy, exact = (
        step.update(passed.total),
        evaluate(scorer, Serial(DATA), 60, protocol, yardstick),
    )
    slack = 8 * passed.total.noise / len(DATA)
    assert noisy.values["full/ndcg@3"] == pytest.approx(exact.values["full/ndcg@3"], abs=slack)
    assert 0 < slack < 0.2
    assert [e.step for e in ledger.entries] == ["evaluate"]


@pytest.mark.parametrize("secure", ["none", *SECURED])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits_and_pays_once(secure, tmp_path):
    recipe = make("als", OPTIONS["als"])
    policy = Policy(epsilon=5.0, secure=secure, minimum=4)
    kept = Checkpoint(tmp_path / "checkpoint", "this run")

    def stop(happened):
        if happened.number == 2:
            raise KeyboardInterrupt

    def go(path, *, resume=False, on_round=None):
        pipeline = pipeline_of(policy, recipe.charges, ledger=Ledger(path))
        checkpoint = kept if resume or on_round else None
        return train(
            recipe,
            Serial(DATA),
            CATALOG,
            DEVICES,
            pipeline=pipeline,
            checkpoint=checkpoint,
            resume=resume,
            on_round=on_round,
        )

    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "ledger", on_round=stop)
    # The second release was charged and made, but its round was not kept: it is the same again.
    assert len(Ledger(tmp_path / "ledger").entries) == 3
    resumed = go(tmp_path / "ledger", resume=True)
    whole = go(tmp_path / "other")
    assert_same_arrays(resumed.state.arrays, whole.state.arrays)
    spent = [Ledger(tmp_path / name).entries[-1].epsilon for name in ("ledger", "other")]
    assert spent[0] == spent[1] <= 5.0
    assert len(Ledger(tmp_path / "ledger").entries) == 4


@pytest.mark.parametrize("secure", SECURED)
def test_every_cohort_has_noise_of_its_own(secure):
    """Else the difference of two cohorts' sums would be free of noise."""
    data = LastOut().test(random_block(users=76, n_items=300, seed=4))
    clients = Clients.devices(pl.Series(range(len(data))))
    cohorts = Participation(share=0.5).cohorts(len(clients), 0, additive=True)
    policy = Policy(epsilon=0.5, secure=secure, clip=2.0, minimum=4)
    step = step_of("popularity", data)
    passed = pipeline_of(policy, (Charge(),), clients).sum(
        Group(Serial(data), clients, cohorts), step, 0, MODEL
    )
    added = step.schema.flatten(passed.total) - cut(single_terms(step, data), 2.0).sum(0)
    assert len(cohorts) == 2
    assert np.std(added) == pytest.approx(passed.total.noise, rel=0.15)
