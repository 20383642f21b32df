"""Audits of simulated runs: silent where promises are kept, loud where they are broken."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, structured_block, with_weights

from hedgerow.data.interactions import Interactions
from hedgerow.errors import ConfigError, DataError
from hedgerow.federation.audit import audit
from hedgerow.federation.audit import run as audit_run
from hedgerow.federation.audit.attacks import canary_evidence, fold_of, pair_evidence
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.pairs import Pairs
from hedgerow.federation.audit.recording import Recorder
from hedgerow.federation.audit.run import DRAWS
from hedgerow.federation.audit.server import curious_view
from hedgerow.federation.audit.training import Training
from hedgerow.federation.audit.wire import MOST_CLIENTS, Listener, names_of
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.registry import make
from hedgerow.privacy.audits.membership import Area
from hedgerow.privacy.audits.wire import Search
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.messages import Reveal, Shares
from hedgerow.privacy.secure.wire import to_wire

ITEMS = 240
BLOCK = structured_block(users=60, n_items=ITEMS, length=60, groups=3)
SMALL = structured_block(users=40, n_items=30, length=12)
FEW = structured_block(users=24, n_items=1200, length=30)
OPTIONS = {
    "popularity": {},
    "sequence": {"dimensions": (6, 4), "decays": (0.8, 0.4), "fourier": 0, "vector_rounds": 1},
}


def log_of(block=BLOCK):
    users = pl.Series([f"customer-{number:06}" for number in range(len(block))])
    return Interactions(users, catalog_of(block.n_items), block)


def run(block=BLOCK, model="popularity", secure="none", epsilon=2.0, clip=None, **options):
    options = {"canaries": 100, "pairs": 400} | options
    recipe = make(model, OPTIONS[model])
    return audit(log_of(block), recipe, Policy(epsilon, secure=secure, clip=clip), **options)


def recorded(secure, block=BLOCK, model="popularity", epsilon=2.0, canaries=50, seed=0):
    """Return a run's recorder and its canaries."""
    made = Canaries.draw(block, canaries, np.random.default_rng(seed))
    data = made.beside(block)
    clients = Clients.devices(pl.Series(range(len(data))))
    delta = None if epsilon is None else 1e-5
    policy = Policy(epsilon, delta, secure, clip=5.0)
    recipe = make(model, OPTIONS[model])
    pipeline = Pipeline.of(
        policy, recipe.charges, clients, ledger=Ledger(), run="r", account="a", seed=seed
    )
    recorder = Recorder(pipeline)
    train(recipe, Serial(fold_of(data)), catalog_of(block.n_items), clients, pipeline=recorder)
    return recorder, made


# What holds in every honest run


def test_a_kept_promise_is_never_refuted():
    found = [run(clip=5.0, seed=seed, pairs=100) for seed in range(20)]
    assert max(result.canary.bound.epsilon for result in found) <= 2
    assert all(result.passed for result in found)
    assert 0.5 < np.mean([result.membership.area.value for result in found]) < 0.55
    # The estimate is of the noise itself, as all canaries' terms are as long as the clip; that
    # they have some items in common makes it a little less.
    assert 1.4 < np.mean([result.canary.estimate.epsilon for result in found]) < 2.1


def test_several_steps_keep_their_promise_together():
    found = [run(model="sequence", seed=seed, pairs=50) for seed in range(3)]
    assert {result.releases for result in found} == {3}
    assert max(result.canary.bound.epsilon for result in found) <= 2
    assert np.mean([result.membership.area.value for result in found]) < 0.55


@pytest.mark.parametrize("secure", ["none", "split", "pairwise"])
def test_without_noise_the_promise_is_refuted(secure):
    found = run(FEW, secure=secure, epsilon=1.0, noise=False, canaries=60, pairs=100)
    assert found.canary.bound.epsilon > 1.5
    assert found.membership.area.value > 0.99
    assert not found.passed
    assert [v.passed for v in found.verdicts[:2]] == [False, False]
    assert not any(each.found for each in found.wire)


def test_every_run_has_noise_of_its_own():
    log, recipe = log_of(), make("popularity", {})
    made = Canaries.draw(BLOCK, 40, np.random.default_rng(0))
    training = Training.of(log, recipe, Policy(2.0, 1e-5, clip=5.0), made, seed=0)
    noises = []
    for draw in range(6):
        (release,) = training.run(draw).releases
        everyone = np.ones(len(release.group.clients.owner), bool)
        noises.append((release.values - release.exact(everyone)) / release.sigma)
    limit = 5 / np.sqrt(len(noises[0]))
    assert_allclose(np.cov(noises), np.eye(6), atol=np.sqrt(2) * limit)
    again = training.run(3).releases[0]
    assert_allclose(again.values, release.exact(everyone) + noises[3] * release.sigma)


def test_the_area_scatters_as_it_says_and_little():
    found = [run(FEW, clip=5.0, seed=seed, pairs=40, canaries=40) for seed in range(24)]
    assert {result.membership.draws for result in found} == {DRAWS}
    areas = [result.membership.area for result in found]
    scatter = np.std([area.value for area in areas], ddof=1)
    said = np.sqrt(np.mean([area.error**2 for area in areas]))
    # The scatter is known to one part in seven, what is said to less.
    assert 0.5 < said / scatter < 2
    plain = [result.membership.plain for result in found]
    assert scatter < np.std([area.value for area in plain], ddof=1)
    assert abs(np.mean([p.value - a.value for p, a in zip(plain, areas, strict=True)])) < 0.02


def test_more_runs_leave_the_canaries_bound_alone(monkeypatch):
    many = run(clip=5.0)
    monkeypatch.setattr(audit_run, "DRAWS", 1)
    assert run(clip=5.0).canary == many.canary


def test_either_area_can_fail_an_audit():
    found = run(FEW, clip=5.0, pairs=50, canaries=40)
    assert found.passed
    for which in ("area", "plain"):
        high = replace(found.membership, **{which: Area(0.58, 0.014)})
        assert not replace(found, membership=high).passed
        perhaps = replace(found.membership, **{which: Area(0.58, 0.016)})
        assert replace(found, membership=perhaps).passed


@pytest.mark.parametrize("secure", ["split", "pairwise"])
def test_secured_sums_leak_nothing_on_the_wire(secure):
    found = run(FEW, secure=secure, clip=5.0, canaries=40, pairs=100)
    (wire,) = found.wire
    assert wire.mode == secure
    assert wire.found == 0, wire.findings
    assert wire.messages > MOST_CLIENTS
    assert found.membership.server_auc is None


@pytest.mark.parametrize("secure", ["split", "pairwise"])
def test_without_masks_the_wire_tells_everything(secure):
    found = run(SMALL, secure=secure, canaries=40, pairs=100, masks=False)
    (wire,) = found.wire
    # One client has met nothing; in split mode it sends zeros, which are not looked for.
    assert wire.found >= MOST_CLIENTS - 1
    assert "the vector of client 0" in wire.findings[0]
    assert found.membership.area.value > (0.99 if secure == "split" else 0.6)
    assert not found.passed


def test_a_trusted_server_sees_everything_and_that_is_said():
    found = run()
    assert found.membership.server_auc == 1
    assert "has to be trusted" in found.verdicts[1].sentence
    assert [each.mode for each in found.wire] == ["split", "pairwise"]
    assert found.passed


def test_a_claim_beyond_its_reach_is_owned_up_to():
    found = run(epsilon=8.0, canaries=40)
    assert "cannot refute" in found.verdicts[0].sentence


def test_the_result_is_plain_json():
    found = run(noise=False).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["epsilon_claimed"] == 2
    assert found["epsilon_lower_bound"] > 2
    assert found["membership_auc"] > 0.99
    assert found["membership"]["draws"] == 1
    assert found["membership"]["standard_error"] < 0.01
    assert found["wire_findings"] == []
    assert found["passed"] is False
    assert found["canaries"]["epsilon_estimate"]["epsilon"] is None


def test_it_repeats():
    one, two = (run(SMALL, secure="split", canaries=40, pairs=50).to_json() for _ in range(2))
    for result in (one, two):
        del result["seconds"], result["wire"], result["verdicts"]
    assert one == two


# The parts


@pytest.mark.parametrize("secure", ["none", "split", "pairwise"])
@pytest.mark.parametrize("epsilon", [2.0, None])
def test_what_is_recorded_is_the_sum_and_its_noise(secure, epsilon):
    # Between clients one sum says as much as three, and takes a third of the time.
    model, block = ("popularity", FEW) if secure == "pairwise" else ("sequence", SMALL)
    recorder, _ = recorded(secure, epsilon=epsilon, model=model, block=block, canaries=40)
    assert len(recorder.releases) == (1 if secure == "pairwise" else 3)
    for release in recorder.releases:
        everyone = np.ones(len(release.group.clients.owner), bool)
        noise = release.values - release.exact(everyone)
        if epsilon is None:
            assert release.sigma == 0
            assert np.abs(noise).max() < 1e-3
        else:
            spread = noise.std() / release.sigma
            assert spread == pytest.approx(1, abs=5 / np.sqrt(2 * len(noise)))


def test_one_of_two_servers_knows_its_own_noise():
    recorder, _ = recorded("split", model="sequence", block=SMALL)
    for release in recorder.releases:
        view = curious_view(release, recorder)
        noise = view.values - release.exact(np.ones(len(release.group.clients.owner), bool))
        assert view.sigma == pytest.approx(release.sigma / np.sqrt(2), rel=0.02)
        assert noise.std() / view.sigma == pytest.approx(1, abs=5 / np.sqrt(2 * len(noise)))


def test_canaries_are_told_from_the_terms_that_were_summed():
    recorder, made = recorded("none")
    release = recorder.releases[0]
    terms = made.block.incidence().toarray()
    terms = np.concatenate([terms, np.ones((len(terms), 1))], axis=1)
    norms = np.linalg.norm(terms, axis=1, keepdims=True)
    terms *= np.minimum(1, release.bound / norms)
    found = canary_evidence(curious_view(release, recorder), made)
    assert_allclose(found.gram, terms @ terms.T / release.sigma**2, rtol=1e-3)
    real = np.arange(len(release.group.clients.owner)) < len(BLOCK)
    residual = release.values - release.exact(real)
    assert_allclose(found.inner, terms @ residual / release.sigma**2, rtol=1e-3, atol=1e-3)


def test_likelihood_ratios_are_those_of_the_two_histories():
    recorder, _ = recorded("none", block=SMALL)
    release, pairs = recorder.releases[0], Pairs.draw(SMALL, 5, np.random.default_rng(0))
    everyone = release.exact(np.ones(len(release.group.clients.owner), bool))
    found = pair_evidence(curious_view(release, recorder), pairs)

    def term(block, place):
        row = np.append(block[place : place + 1].incidence().toarray()[0], 1.0)
        return row * min(1, release.bound / np.linalg.norm(row))

    for place in range(len(pairs)):
        present, absent = term(pairs.present, place), term(pairs.absent, place)
        real = present if pairs.member[place] else absent
        likelihoods = [
            -np.sum((release.values - everyone + real - guess) ** 2) / (2 * release.sigma**2)
            for guess in (present, absent)
        ]
        ratio = found.seen.given(pairs.member)[place]
        assert ratio == pytest.approx(likelihoods[0] - likelihoods[1], abs=1e-6)
        assert (found.alone.given(pairs.member)[place] > 0) == pairs.member[place]


@pytest.mark.parametrize("weighted", [False, True])
def test_pairs_differ_in_one_item_of_real_users(weighted):
    block = with_weights(SMALL) if weighted else SMALL
    pairs = Pairs.draw(block, 50, np.random.default_rng(1))
    real, present, absent = map(histories_of, (block, pairs.present, pairs.absent))
    half = len(pairs) // 2
    assert pairs.member.sum() == half
    items = []
    for place, (more, less) in enumerate(zip(present, absent, strict=True)):
        (item,) = set(more) - set(less)
        items.append(item)
        assert [i for i in more if i != item] == less
        assert real[pairs.users[place]] == (more if pairs.member[place] else less)
    assert items[:half] == items[half:]
    assert_array_equal(pairs.present.keys, block.keys[pairs.users])
    for each in (pairs.present, pairs.absent):
        assert (each.weights is None) == (not weighted)
        for user in range(len(each)):
            assert (np.diff(each[user : user + 1].timestamps) >= 0).all()


def test_canaries_are_users_beside_the_others():
    made = Canaries.draw(BLOCK, 200, np.random.default_rng(0))
    assert 70 < made.included.sum() < 130
    assert len({tuple(sorted(h)) for h in histories_of(made.block)}) == 200
    data = made.beside(BLOCK)
    assert histories_of(data)[: len(BLOCK)] == histories_of(BLOCK)
    included = made.block.take(np.flatnonzero(made.included))
    assert histories_of(data)[len(BLOCK) :] == histories_of(included)
    assert len(set(data.keys.tolist())) == len(data)


def test_a_share_that_passes_before_the_answers_is_found():
    listener = Listener(Search({}, 9))
    share = bytes(range(100, 116))
    listener.message("shares", to_wire(Shares(bytes(32) + share)))
    listener.message("reveal", to_wire(Reveal(share)))
    assert listener.search.found == 0
    listener.end()
    assert (
        "a share of a secret stands in a message of the type 'shares'"
        in (listener.search.findings[0])
    )


def test_a_secret_that_somebody_drew_is_found():
    listener = Listener(Search({}, 9))
    drawn = listener.random(32)
    listener.message("delivery", b"before" + drawn)
    assert listener.search.found == 1


def test_words_of_the_protocol_are_not_taken_for_ids():
    log = log_of(SMALL)
    odd = replace(log, users=pl.Series(["masked", *log.users[1:]]))
    assert set(names_of(log)) - set(names_of(odd)) == {log.users[0]}
    assert names_of(log)[log.users[3]] == "the user id"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"epsilon": None}, "epsilon"),
        ({"canaries": 3}, "canaries"),
        ({"pairs": 3}, "pairs"),
        ({"seed": -1}, "seed"),
        ({"masks": False}, "masks"),
    ],
)
def test_what_cannot_be_audited_is_refused(options, word):
    with pytest.raises(ConfigError, match=word):
        run(**options)


def test_without_strangers_nothing_can_be_guessed():
    full = structured_block(users=30, n_items=3, length=3)
    everything = replace(
        full,
        indptr=np.arange(31) * 3,
        items=np.tile(np.arange(3, dtype=np.int32), 30),
        timestamps=np.tile(np.arange(3), 30),
    )
    with pytest.raises(DataError, match="every item"):
        run(everything)
