"""Evaluation as a sum; intervals; and that the protocol cannot be cheated by counting negatives."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from support import catalog_of, histories_of, random_block, structured_block

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut, RandomPerUser, Temporal
from hedgerow.errors import DataError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol, poisson_quantiles
from hedgerow.evaluation.metrics import ACCURACY, LISTS, Yardstick, coverage, gini
from hedgerow.evaluation.ranking import rank
from hedgerow.models.base import run_steps
from hedgerow.models.local_sgd import draw_examples
from hedgerow.models.registry import make


@dataclass(frozen=True)
class TableScorer:
    """Scores a user by a row of a table, found by the user's key."""

    table: np.ndarray

    def scores(self, histories):
        return self.table[histories.keys]


def yardstick_of(n_items, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n_items, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Yardstick(rng.integers(0, 50, n_items).astype(float), vectors.astype(np.float32))


def random_case(users=60, n_items=40, splitter=None, **protocol):
    block = random_block(users=users, n_items=n_items, longest=12)
    fold = (splitter or LastOut()).test(block)
    table = np.random.default_rng(1).standard_normal((len(block), n_items)).astype(np.float32)
    settings = EvaluationProtocol(**{"k": 5, "sampled": 12, "replicates": 30, **protocol})
    return Evaluate(TableScorer(table), settings, yardstick_of(n_items)), fold


def judge(step, fold):
    return step.update(step.contributions(fold).sum(np.ones(len(fold))))


SPLITS = pytest.mark.parametrize(
    "splitter", [LastOut(), RandomPerUser(0.4), Temporal(2, 4)], ids=repr
)


@SPLITS
@pytest.mark.parametrize("repeats", [False, True])
def test_values_are_means_over_users(splitter, repeats):
    step, fold = random_case(splitter=splitter, repeats=repeats)
    result = judge(step, fold)
    k, sums, users = 5, dict.fromkeys(ACCURACY, 0.0), 0
    exposure = np.zeros(40)
    for user in range(len(fold)):
        device = fold[user : user + 1]
        if not len(device.judged()):
            continue
        scores = step.scorer.scores(device.history)
        ranked = rank(scores, device, k=k, sampled=0, repeats=repeats, seed=0)
        if not len(ranked.full):
            continue
        users += 1
        exposure[ranked.top[0][ranked.top[0] >= 0]] += 1
        hits = np.sort(ranked.full[ranked.full <= k])
        n = len(ranked.full)
        ideal = (1 / np.log2(np.arange(2, min(n, k) + 2))).sum()
        sums["hr"] += len(hits) > 0
        sums["ndcg"] += (1 / np.log2(hits + 1)).sum() / ideal
        sums["recall"] += len(hits) / n
        sums["precision"] += len(hits) / k
        sums["mrr"] += 1 / hits[0] if len(hits) else 0
        sums["map"] += (np.arange(1, len(hits) + 1) / hits).sum() / min(n, k)
    assert result.users == users
    for name, value in sums.items():
        assert result.values[f"full/{name}@{k}"] == pytest.approx(value / users)
    assert result.values[f"list/coverage@{k}"] == coverage(exposure)
    assert result.values[f"list/gini@{k}"] == pytest.approx(gini(exposure))


@SPLITS
def test_every_metric_lies_in_its_range(splitter):
    step, fold = random_case(splitter=splitter)
    perfect = np.zeros_like(step.scorer.table)
    perfect[fold.targets.keys[fold.targets.rows], fold.targets.items] = 1
    best = Evaluate(TableScorer(perfect), step.protocol, step.yardstick)
    for result in (judge(step, fold), judge(best, fold)):
        for name, value in result.values.items():
            upper = {"list/novelty@5": 20, "list/diversity@5": 2}.get(name, 1)
            assert 0 <= value <= upper + 1e-9, name
    assert judge(best, fold).values["full/hr@5"] == 1
    assert judge(best, fold).values["full/ndcg@5"] == pytest.approx(1)


def test_names_follow_the_protocol():
    with_sampled = EvaluationProtocol(k=7)
    assert len(with_sampled.names) == 2 * len(ACCURACY) + len(LISTS)
    step, fold = random_case(sampled=0)
    assert not any(name.startswith("sampled/") for name in judge(step, fold).values)


@SPLITS
def test_shards_sum_to_the_whole(splitter):
    step, fold = random_case(splitter=splitter)
    whole = judge(step, fold)
    order = np.random.default_rng(0).permutation(len(fold))
    shards = [fold[:1], fold[1:30], fold[30:30], fold[30:]]
    shuffled = [fold.take(order[:10]), fold.take(order[10:])]
    for parts in (shards, shuffled):
        total = step.schema.zeros()
        for part in parts:
            total = total + step.contributions(part).sum(np.ones(len(part)))
        summed = step.update(total)
        assert summed.users == whole.users
        assert summed.values == pytest.approx(whole.values)
        assert_allclose(summed.replicates, whole.replicates, rtol=1e-6)


def test_chunks_do_not_matter(monkeypatch):
    step, fold = random_case()
    whole = judge(step, fold)
    monkeypatch.setattr("hedgerow.evaluation.evaluate.CHUNK", 7 * 40)
    parts = judge(step, fold)
    assert parts.values == pytest.approx(whole.values)
    assert_allclose(parts.replicates, whole.replicates, rtol=1e-6)


def test_norms_and_weighted_sums_are_those_of_single_users():
    step, fold = random_case()
    contributions = step.contributions(fold)
    vectors = np.array(
        [
            step.schema.flatten(step.contributions(fold[i : i + 1]).sum(np.ones(1)))
            for i in range(len(fold))
        ]
    )
    assert len(contributions) == len(fold)
    assert_allclose(contributions.norms(), np.linalg.norm(vectors, axis=1), rtol=1e-5)
    weights = np.random.default_rng(0).uniform(0, 1, len(fold))
    assert_allclose(
        step.schema.flatten(contributions.sum(weights)), weights @ vectors, rtol=1e-5, atol=1e-6
    )
    assert set(contributions.sum(weights)) == set(step.schema.fields)


def test_constant_scores_hit_nothing():
    step, fold = random_case()
    for constant in (0.0, np.nan, -np.inf):
        table = np.full_like(step.scorer.table, constant)
        values = judge(Evaluate(TableScorer(table), step.protocol, step.yardstick), fold).values
        assert values["full/hr@5"] == values["sampled/hr@5"] == 0


def test_nobody_to_judge_is_said():
    step, fold = random_case()
    nobody = fold.take(np.flatnonzero(fold.targets.lengths == 0))
    assert len(nobody)
    with pytest.raises(DataError, match="at least two interactions"):
        judge(step, nobody)
    with pytest.raises(DataError, match="at least two interactions"):
        step.update(step.schema.zeros())


def test_targets_that_the_history_holds_are_not_judged_unless_repeats_are():
    fold = LastOut().test(Block.of([[1, 2, 1], [1, 2, 3]], 40))
    step, _ = random_case()
    assert judge(step, fold).users == 1
    with_repeats, _ = random_case(repeats=True)
    assert judge(with_repeats, fold).users == 2


def test_poisson_quantiles_invert_the_distribution_function():
    lots = np.linspace(0, 1, 2001)[:-1]
    assert_allclose(poisson_quantiles(lots), np.maximum(stats.poisson.ppf(lots, 1), 0))
    draws = poisson_quantiles(np.random.default_rng(0).random(100_000))
    assert draws.mean() == pytest.approx(1, abs=0.02)
    assert draws.var() == pytest.approx(1, abs=0.03)


def interval_case(users):
    block = Block.of(np.random.default_rng(0).integers(0, 40, (users, 6)).tolist(), 40)
    fold = LastOut().test(block)
    table = np.random.default_rng(1).standard_normal((users, 40)).astype(np.float32)
    protocol = EvaluationProtocol(k=10, sampled=0, replicates=400)
    return Evaluate(TableScorer(table), protocol, yardstick_of(40)), fold


def test_intervals_cover_the_mean_and_shrink_with_users():
    widths = []
    for users in (200, 800, 3200):
        result = judge(*interval_case(users))
        low, high = result.interval("full/hr@10")
        mean = result.values["full/hr@10"]
        assert low < mean < high
        # The textbook interval of a share.
        error = np.sqrt(mean * (1 - mean) / result.users)
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.2)
        narrow = result.interval("full/hr@10", level=0.5)
        assert low < narrow[0] < narrow[1] < high
        widths.append(high - low)
    assert widths[0] > 1.5 * widths[1] > 2.25 * widths[2]


def test_intervals_without_replicates_are_the_value():
    step, fold = random_case(replicates=0)
    result = judge(step, fold)
    value = result.values["full/ndcg@5"]
    assert result.interval("full/ndcg@5") == (value, value)
    step, fold = random_case()
    result = judge(step, fold)
    assert result.interval("list/gini@5") == pytest.approx((result.values["list/gini@5"],) * 2)


def test_replicates_differ_with_the_seed_and_users_have_their_own():
    one, fold = random_case()
    other, _ = random_case(seed=1)
    assert judge(one, fold).values["full/hr@5"] == judge(other, fold).values["full/hr@5"]
    assert not np.allclose(judge(one, fold).replicates, judge(other, fold).replicates)


# The guard: training negatives must not tell what is held out.

K = 10
ROUNDS = 150


def counts_of_our_negatives(history):
    """Count how often each item was drawn for each user, and counted as not met."""
    counts = np.zeros((len(history), history.n_items))
    for number in range(ROUNDS):
        examples = draw_examples(history, "bpr", 0, number)
        drawn = examples.weights > 0
        np.add.at(counts, (history.rows[drawn], examples.against[drawn]), 1)
    return counts


def counts_of_published_negatives(history, targets):
    """Draw as published code does: from what is outside all interactions, test item included."""
    rng = np.random.default_rng(0)
    counts = np.zeros((len(history), history.n_items))
    everything = zip(histories_of(history), histories_of(targets), strict=True)
    for user, (past, held) in enumerate(everything):
        outside = np.setdiff1d(np.arange(history.n_items), past + held)
        drawn = rng.choice(outside, 4 * ROUNDS * len(past))
        counts[user] = np.bincount(drawn, minlength=history.n_items)
    return counts


def judge_counts(counts, fold, sign):
    # Ties between counts are broken at random, or chance level could not be reached.
    jitter = np.random.default_rng(1).uniform(0, 0.5, counts.shape)
    table = (sign * counts + jitter).astype(np.float32)
    protocol = EvaluationProtocol(k=K, sampled=99, replicates=0)
    return judge(Evaluate(TableScorer(table), protocol, yardstick_of(counts.shape[1])), fold)


def guard_fold():
    block = structured_block(users=900, n_items=150, length=14)
    return LastOut().test(block).judged()


def numbered(fold):
    """Return the fold with its rows for keys, by which a table's rows are found."""
    keyed = Block.of(histories_of(fold.history), fold.history.n_items)
    targets = Block.of(histories_of(fold.targets), fold.history.n_items)
    return type(fold)(keyed, targets)


@pytest.fixture(scope="module")
def guarded():
    return numbered(guard_fold())


@pytest.mark.parametrize("sign", [1, -1])
def test_counting_our_negatives_is_worth_nothing(guarded, sign):
    result = judge_counts(counts_of_our_negatives(guarded.history), guarded, sign)
    n = result.users
    candidates = guarded.history.n_items - guarded.history.lengths
    for protocol, chance in (("full", (K / candidates).mean()), ("sampled", K / 100)):
        error = np.sqrt(chance * (1 - chance) / n)
        assert abs(result.values[f"{protocol}/hr@{K}"] - chance) < 4 * error, protocol


def test_counting_published_negatives_finds_every_test_item(guarded):
    counts = counts_of_published_negatives(guarded.history, guarded.targets)
    leaked = judge_counts(counts, guarded, -1)
    for protocol in ("full", "sampled"):
        assert leaked.values[f"{protocol}/hr@{K}"] > 0.97
        assert leaked.values[f"{protocol}/ndcg@{K}"] > 0.9
    assert judge_counts(counts, guarded, 1).values[f"full/hr@{K}"] < 0.01


@pytest.mark.data
def test_the_leak_on_movielens_and_its_absence_here(ml100k):
    fold = numbered(LastOut().test(ml100k.block))
    ours = np.zeros((943, 1682))
    for number in range(20):
        examples = draw_examples(fold.history, "bpr", 0, number)
        drawn = examples.weights > 0
        np.add.at(ours, (fold.history.rows[drawn], examples.against[drawn]), 1)
    candidates = 1682 - fold.history.lengths
    chance = {"full": (K / candidates).mean(), "sampled": K / 100}
    for sign in (1, -1):
        values = judge_counts(ours, fold, sign).values
        for protocol, level in chance.items():
            error = np.sqrt(level * (1 - level) / 943)
            assert abs(values[f"{protocol}/hr@{K}"] - level) < 4 * error
    some = numbered(LastOut().test(ml100k.block[:200]))
    published = counts_of_published_negatives(some.history, some.targets)
    leaked = judge_counts(published, some, -1).values
    assert leaked[f"sampled/hr@{K}"] > 0.98
    assert leaked[f"sampled/ndcg@{K}"] > 0.9


@pytest.mark.data
def test_popularity_on_movielens_is_as_measured_elsewhere(ml100k):
    """HR@10 .086 and NDCG@10 .043 to .044 full, .399 and .221 among 99 sampled items."""
    fold = LastOut().test(ml100k.block)
    recipe = make("popularity")
    state = run_steps(recipe, recipe.start(catalog_of(1682), 0), fold.history)
    protocol = EvaluationProtocol(k=10, sampled=99, replicates=0)
    yardstick = Yardstick(state.arrays["counts"], np.zeros((1682, 1), np.float32))
    values = judge(Evaluate(recipe.scorer(state), protocol, yardstick), fold).values
    assert values["full/hr@10"] == pytest.approx(0.086, abs=0.002)
    assert values["full/ndcg@10"] == pytest.approx(0.0435, abs=0.002)
    assert values["sampled/hr@10"] == pytest.approx(0.399, abs=0.03)
    assert values["sampled/ndcg@10"] == pytest.approx(0.221, abs=0.02)
