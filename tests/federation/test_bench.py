"""The bench: quiet on code as it is, loud on planted faults, by the tests that are about them."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from support import catalog_of, structured_block

from hedgerow.federation import bounding, pipeline
from hedgerow.federation.audit import bench_verdicts
from hedgerow.federation.audit.attacks import fold_of
from hedgerow.federation.audit.bench import Bench
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.noise import Expected, Noise
from hedgerow.federation.audit.probe import CLIENTS, LENGTHS, Probe, clients_of_probe
from hedgerow.federation.audit.recording import Recorder
from hedgerow.federation.audit.releases import clip_verdict, noise_verdicts
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.setting import Noise as Asked
from hedgerow.federation.setting import Setting
from hedgerow.federation.simulator import train
from hedgerow.models.registry import make
from hedgerow.privacy import gaussian, skellam
from hedgerow.privacy.audits.verdict import TESTS
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream

POLICY = Policy(2.0, 1e-5)
SHORT = Probe(1.0, 6001)
BLOCK = structured_block(users=40, n_items=1500, length=12)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Keep the probe's terms short, for speed."""
    monkeypatch.setattr(Bench, "probe", SHORT)


def failing(**options):
    options = {"noise": True} | options
    return {v.audit for v in bench_verdicts(POLICY, **options) if not v.passed}


def test_the_code_as_it_is_passes_every_test():
    found = bench_verdicts(POLICY, noise=True)
    assert all(v.passed for v in found), [v for v in found if not v.passed]
    names = [v.audit for v in found]
    assert len(set(names)) == len(names)
    # With those of the run and of clients there are fewer than share a false alarm.
    assert 35 <= len(names) <= TESTS - 20


@pytest.mark.parametrize("epsilon", [0.01, 1e6])
def test_claims_that_so_few_clients_cannot_make_are_tried_as_others(epsilon):
    found = bench_verdicts(replace(POLICY, epsilon=epsilon, minimum=10_000), noise=True)
    assert all(v.passed for v in found), [v for v in found if not v.passed]


def test_noise_that_is_left_out_is_found():
    found = failing(noise=False)
    # Sums in the clear that promise nothing are not even clipped.
    assert {"spread of noise, none", "clip, none"} <= found
    for mode in ("split", "pairwise"):
        assert {f"spread of noise, {mode}", f"epsilon of the noise, {mode}"} <= found


def plant_weak(monkeypatch):
    sample = skellam.sample
    monkeypatch.setattr(skellam, "sample", lambda s, n, variance: sample(s, n, variance / 9))


def plant_one_draw(monkeypatch):
    drawn = gaussian._rounded
    monkeypatch.setattr(gaussian, "_rounded", lambda s, n, sigma: np.full(n, drawn(s, 1, sigma)[0]))


def plant_same(monkeypatch):
    streams = pipeline.stream_of
    monkeypatch.setattr(
        pipeline,
        "stream_of",
        lambda seed, _release, *rest, **named: streams(seed, "", *rest, **named),
    )


def plant_zeros(monkeypatch):
    monkeypatch.setattr(Stream, "secret", lambda: Stream(bytes(32)))


def plant_no_clip(monkeypatch):
    monkeypatch.setattr(bounding, "clipped", lambda weights, _norms, _bound: weights)


def plant_rounding(monkeypatch, how):
    monkeypatch.setattr(
        Quantizer,
        "quantize",
        lambda self, vector, _stream: how(vector * self.scale).astype(np.int64),
    )


def plant_floor(monkeypatch):
    plant_rounding(monkeypatch, np.floor)


def plant_nearest(monkeypatch):
    plant_rounding(monkeypatch, np.rint)


def plant_charge(monkeypatch):
    charge = Pipeline._charge
    monkeypatch.setattr(
        Pipeline,
        "_charge",
        lambda self, step, noise, release: charge(
            self, step, noise, replace(release, multiplier=2 * release.multiplier)
        ),
    )


def plant_one_client(monkeypatch):
    monkeypatch.setattr(Asked, "sigma", lambda self, _policy: self.bound * self.multiplier)


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (plant_weak, {"spread of noise, pairwise", "epsilon of the noise, pairwise"}),
        (plant_one_draw, {"noise along a sum, none", "noise along a sum, split"}),
        (plant_same, {"noise between sums, none", "noise between sums, split"}),
        (plant_zeros, {"noise between sums, split", "noise between sums, pairwise"}),
        (plant_no_clip, {"clip, none", "sums of the probe, split", "sums of the probe, pairwise"}),
        (plant_floor, {"rounding, split"}),
        (plant_nearest, {"rounding, split"}),
        (plant_charge, {"ledger, none", "ledger, split", "ledger, pairwise"}),
        (plant_one_client, {"spread of noise, none"}),
    ],
)
def test_a_planted_fault_is_found(monkeypatch, plant, found):
    plant(monkeypatch)
    assert found <= failing()


# The parts


def test_the_probe_is_clipped_by_the_pipeline_as_by_the_audit():
    fold = clients_of_probe()
    found = Clipped(SHORT, SHORT.bound).contributions(fold)
    for client in range(CLIENTS):
        term = SHORT.schema.flatten(found.sum(np.arange(CLIENTS) == client))
        np.testing.assert_allclose(term, SHORT.clipped(client), atol=2e-4)
        length = LENGTHS[client % len(LENGTHS)]
        assert np.linalg.norm(SHORT.term(client)) == pytest.approx(length)
        assert np.linalg.norm(SHORT.clipped(client)) == pytest.approx(min(1, length))


def test_the_variance_on_the_bench_is_what_the_parties_make():
    for mode, makers in (("split", 2), ("pairwise", CLIENTS)):
        bench = Bench.of(POLICY, mode, noise=True)
        setting = Setting.of(
            bench.kept, Asked("x", 1.0, bench.multiplier), SHORT.size, [(CLIENTS, CLIENTS)], b""
        )
        each = setting.share.variance if mode == "pairwise" else setting.deviation**2 + 1 / 12
        assert bench.each == pytest.approx(each)
        assert bench.makers == makers
    bench = Bench.of(POLICY, "none", noise=True)
    assert np.sqrt(bench.each) == pytest.approx(Asked("x", 1.0, bench.multiplier).sigma(bench.kept))


def test_a_residual_is_what_is_left_over_its_deviation():
    expected = Expected(np.array([[0.5, 2.0], [1.0, -1.0]]), variance=4.0, rounds=True)
    np.testing.assert_allclose(expected.total, [1.5, 1.0])
    np.testing.assert_allclose(expected.deviations, np.sqrt([4.25, 4.0]))
    down, near = expected.foretold
    np.testing.assert_allclose(down, [-0.5, 0])
    np.testing.assert_allclose(near, [-0.5, 0])
    noise = Noise.of("one", np.array([3.5, 0.0]), expected)
    np.testing.assert_allclose(noise.residual, [2 / np.sqrt(4.25), -0.5])


def recorded(seed="r", secure="none"):
    recipe = make("popularity")
    clients = Clients.devices(pl.Series(range(len(BLOCK))))
    policy = Policy(2.0, 1e-5, secure, clip=2.0)
    made = Pipeline.of(
        policy, recipe.charges, clients, ledger=Ledger(), run="r", account="a", seed=seed
    )
    recorder = Recorder(made)
    train(recipe, Serial(fold_of(BLOCK)), catalog_of(BLOCK.n_items), clients, pipeline=recorder)
    return recorder


@pytest.mark.parametrize("secure", ["none", "split"])
def test_a_runs_own_releases_are_judged(monkeypatch, secure):
    runs = [recorded("one", secure), recorded("two", secure)]
    assert all(v.passed for v in noise_verdicts(runs))
    same = {v.audit for v in noise_verdicts([runs[0], runs[0]]) if not v.passed}
    assert same == {"noise between sums, model"}
    add, integers = gaussian.add, gaussian.integers
    monkeypatch.setattr(gaussian, "add", lambda x, sigma, s: add(x, sigma / 1.5, s))
    monkeypatch.setattr(gaussian, "integers", lambda s, n, sigma: integers(s, n, sigma / 1.5))
    weak = {v.audit for v in noise_verdicts([recorded("one", secure)]) if not v.passed}
    assert weak == {"spread of noise, model"}


def test_the_longest_terms_are_within_their_bound(monkeypatch):
    run, rng = recorded(), np.random.default_rng(0)
    found = clip_verdict(run, BLOCK, rng)
    assert found.passed
    assert "1,500 items" in found.looked_at
    monkeypatch.setattr(bounding, "clipped", lambda weights, _norms, _bound: weights)
    broken = clip_verdict(run, BLOCK, rng)
    assert not broken.passed
    assert "times its bound" in broken.sentence


def test_canaries_may_be_as_long_as_the_catalog():
    made = Canaries.draw(BLOCK, 3, np.random.default_rng(0), BLOCK.n_items)
    assert made.block.lengths.tolist() == [1500] * 3
