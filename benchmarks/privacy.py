"""Privacy: what a promise costs in time, in bytes and in quality.

    HEDGEROW_DATA=... python benchmarks/privacy.py --what overhead stages curve persons [--json OUT]

``overhead``: a round with noise by the server beside one without a policy, on MovieLens 100K.
``stages``: one sum through ever more of the pipeline, in seconds and bytes a client, on the same.
``curve``: NDCG and hit rate at several epsilons and without noise, on MovieLens 1M and the
synthetic shop, over several seeds; ``--plot`` draws it. Everybody runs in this process, one thread.
``persons``: what an epsilon that holds for a person at one client is for who is at several.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from hedgerow import Catalog, Clients, Interactions, LastOut, Participation, Shop, load
from hedgerow.cli.options import make_recipe
from hedgerow.cli.simulate import simulate
from hedgerow.comparison.curve import Curve, Point, plan_curve, trace_curve
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.split import Fold
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.charging import QUANTILE
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Processes, Serial
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.setting import public_hash
from hedgerow.federation.simulator import evaluate, train
from hedgerow.federation.terms import unit_terms
from hedgerow.models import ALS, Factorization, Popularity
from hedgerow.models.base import Recipe, State, Step
from hedgerow.privacy.accounting import WIDEST_DELTA, multiplier_for
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release, epsilon_spent
from hedgerow.statistics import total

EPSILONS = (8.0, 4.0, 2.0, 1.0)
OVERHEAD = (Factorization(dimension=32, local_epochs=5, rounds=20), ALS())
STAGED = (Popularity(), ALS(dimension=32))
TARGET = 1.2
WORKERS = 2


@dataclass(frozen=True)
class Bench:
    """A step over everybody, some rounds into training.

    Parameters
    ----------
    recipe
        The model.
    group
        Everybody.
    step
        What is computed.
    state
        From which.
    bound
        The norm below which four terms in five lie.
    model
        Hash of what clients compute from.
    """

    recipe: Recipe
    group: Group
    step: Step[Fold, State]
    state: State
    bound: float
    model: bytes

    @classmethod
    def of(cls, recipe: Recipe, log: Interactions, rounds: int) -> Bench:
        """Take some plain rounds."""
        fold, clients = LastOut().test(log.block), Clients.devices(log.users)
        plain, state = Pipeline.unprotected(len(clients)), recipe.start(log.catalog, 0)
        while (step := recipe.step(state)) is not None:
            cohorts = Participation().cohorts(len(clients), state.round, additive=step.additive)
            group, on_history = Group(Serial(fold), clients, cohorts), OnHistory(step)
            if state.round == rounds:
                break
            state = step.update(plain.sum(group, on_history, state.round).total)
        bound = float(np.quantile(on_history.contributions(fold).norms(), QUANTILE))
        model = public_hash(state, log.catalog)
        return cls(recipe, group, on_history, state, bound, model)

    def pipeline(self, policy: Policy) -> Pipeline:
        """Plan the whole run under a policy, with a ledger of its own."""
        parts = {"ledger": Ledger(), "run": "bench", "account": "bench", "seed": 0}
        return Pipeline.of(policy, self.recipe.charges, self.group.clients, **parts)

    def round(self, pipeline: Pipeline) -> int:
        """Make the sum and the server's update; return the bytes up per client."""
        passed = pipeline.sum(self.group, self.step, self.state.round, self.model)
        self.step.update(passed.total)
        return passed.bytes_up

    def run(self, pipeline: Pipeline) -> None:
        """Train from the start to the end."""
        group = self.group
        catalog = Catalog(pl.Series([str(i) for i in range(group.executor.data.history.n_items)]))
        train(self.recipe, group.executor, catalog, group.clients, pipeline=pipeline)


def timed(job: Callable[[], object]) -> float:
    """Return the seconds that a job takes."""
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def overhead(repeats: int) -> list[dict[str, Any]]:
    """Time rounds under policies and without, in turns, and compare each with its neighbour."""
    log, found = load("ml-100k").distinct(), []
    print("\n| model | policy | ms, plain | ms, private | ratio | 10-90 % |")
    print("| --- | --- | --: | --: | --: | --: |", flush=True)
    for recipe in OVERHEAD:
        bench = Bench.of(recipe, log, rounds=2)
        plain = Pipeline.unprotected(len(bench.group.clients))
        # The accountant remembers what it has told: every turn asks for something new.
        budgets = (2 + number / 10_000 for number in itertools.count())
        for title, clip in (("a round, clip given", bench.bound), ("a run, clip found", None)):
            work = bench.round if clip else bench.run
            times = []
            for turn in range(repeats + 1):
                pipeline = bench.pipeline(Policy(epsilon=next(budgets), clip=clip))
                jobs = [partial(work, plain), partial(work, pipeline)]
                both = [timed(job) for job in (jobs if turn % 2 else jobs[::-1])]
                times.append(both if turn % 2 else both[::-1])
            ratios = [private / without for without, private in times[1:]]
            without, private = (1000 * statistics.median(t) for t in zip(*times[1:], strict=True))
            low, high = np.quantile(ratios, [0.1, 0.9])
            row = {
                "model": recipe.name,
                "policy": title,
                "plain_ms": without,
                "private_ms": private,
                "ratio": statistics.median(ratios),
                "between": [low, high],
                "met": statistics.median(ratios) < TARGET,
            }
            found.append(row)
            print(
                f"| {recipe.name} | {title} | {without:.1f} | {private:.1f} | {row['ratio']:.2f} "
                f"| {low:.2f}-{high:.2f} |",
                flush=True,
            )
    print(f"\ntarget: below {TARGET} times a plain round; medians of {repeats} pairs")
    return found


def stages(repeats: int) -> list[dict[str, Any]]:
    """Make one sum through ever more of the pipeline."""
    log, found = load("ml-100k").distinct(), []
    print("\n| model | stage | ms a client | times plain | kB up a client |")
    print("| --- | --- | --: | --: | --: |", flush=True)
    for recipe in STAGED:
        bench = Bench.of(recipe, log, rounds=0)
        group, bound, step = bench.group, bench.bound, bench.step
        clients, nbytes = len(group.clients), step.schema.nbytes
        policy = Policy(epsilon=2.0, clip=bound)

        def one_by_one(group: Group = group, step: Step = step, bound: float = bound) -> int:
            for client in range(len(group.clients)):
                list(unit_terms(step, group.data_of(client), bound, "user"))
            return step.schema.nbytes

        ways: dict[str, Callable[[], int]] = {
            "plain, many clients at a time": partial(_summed, group, step),
            "clipped": partial(_summed, group, Clipped(step, bound)),
            "+ noise by the server": partial(bench.round, bench.pipeline(policy)),
            "clipped terms, one by one": one_by_one,
        }
        for mode in ("split", "pairwise"):
            secured = bench.pipeline(replace(policy, secure=mode))
            ways[f"+ quantised, noised, masked: {mode}"] = partial(bench.round, secured)
        first = 0.0
        for title, way in ways.items():
            # Pairwise takes a minute: once, with enrolment and accounting, has to do.
            passes = 0 if "pairwise" in title else 1 if "split" in title else repeats
            times, sent = [], nbytes
            for number in range(passes + 1):
                started = time.perf_counter()
                sent = way()
                if number or not passes:
                    times.append(time.perf_counter() - started)
            seconds = statistics.median(times)
            first = first or seconds
            row = {"model": recipe.name, "stage": title, "seconds": seconds, "bytes_up": sent}
            found.append(row)
            print(
                f"| {recipe.name}, {step.schema.size:,} values | {title} "
                f"| {1000 * seconds / clients:.3f} | {seconds / first:,.1f} | {sent / 1000:,.1f} |",
                flush=True,
            )
    print("\nmasked stages: the work of all clients and servers together, over the clients")
    return found


def _summed(group: Group, step: Step[Fold, State]) -> int:
    total(group.sums(step))
    return step.schema.nbytes


def quality(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Train under several epsilons and without, for several seeds."""
    found = []
    for name in chosen.data:
        log = read(name)
        policy = Policy(epsilon=EPSILONS[0], delta=1e-5 if name == "ml-1m" else None)
        recipe = make_recipe(chosen.model, chosen.set, chosen.preset, log, policy=policy)
        clients, fold = Clients.devices(log.users), LastOut().test(log.block)
        protocol = EvaluationProtocol(sampled=0, replicates=0)
        yardstick = make_yardstick(log.catalog, fold.history)
        pooled = ALS().pooled(fold.history, log.catalog, 0)
        counts = Popularity().pooled(fold.history, log.catalog, 0)
        with Processes(fold, WORKERS) as workers:
            lines = {
                title: evaluate(scorer, workers, len(fold), protocol, yardstick).values
                for title, scorer in (
                    ("popularity", Popularity().scorer(counts)),
                    ("pooled ALS", ALS().scorer(pooled)),
                )
            }
            curve = trace_curve(
                recipe,
                workers,
                log.catalog,
                clients,
                pipelines=plan_curve(recipe, clients, policy, chosen.epsilons),
                participation=Participation(),
                protocol=protocol,
                yardstick=yardstick,
                seeds=range(chosen.seeds),
            )
        if curve is not None:
            found.append(told(name, log, recipe, curve, lines))
    return found


def persons(epsilons: Sequence[float]) -> list[dict[str, Any]]:
    """Tell epsilon for people with terms from several clients, where noise hides one."""
    found = []
    for epsilon in epsilons:
        multiplier = multiplier_for(epsilon, WIDEST_DELTA)
        by_clients = {
            clients: epsilon_spent([Release("gaussian", multiplier / clients)], WIDEST_DELTA)
            for clients in (1, 2, 3)
        }
        each = ", ".join(f"at {n}: {value:.2f}" for n, value in by_clients.items())
        print(f"claimed {epsilon:g} at delta {WIDEST_DELTA:g}; {each}")
        found.append({"epsilon": epsilon, "by_clients": by_clients})
    return found


def read(name: str) -> Interactions:
    """Return MovieLens 1M, or a shop of 100,000 customers and 2,000 products."""
    log = Shop(customers=100_000, products=2_000).interactions() if name == "shop" else load(name)
    return log.distinct()


def told(
    name: str, log: Interactions, recipe: Recipe, curve: Curve, lines: dict[str, Any]
) -> dict[str, Any]:
    """Print a curve as a table and return its figures."""
    print(
        f"\n{name}: {len(log.users):,} users, {len(log.catalog):,} items, {len(log):,} "
        f"interactions; delta {curve.delta:.2g}; {len(curve.seeds)} seeds; {recipe!r}\n\n"
        "| epsilon | noise | NDCG@10 | sd | HR@10 | sd |\n| --- | --: | --: | --: | --: | --: |"
    )

    def cells(point: Point) -> str:
        both = (point.values[f"{metric}@10"] for metric in ("ndcg", "hr"))
        return " | ".join(f"{np.mean(v):.4f} | {spread(v):.4f}" for v in both)

    for point in (curve.without, *curve.points):
        title = "without noise" if point.epsilon is None else f"{point.epsilon:g}"
        print(f"| {title} | {point.multiplier:.2f} | {cells(point)} |")
    for title, values in lines.items():
        print(f"| {title} | | {values['full/ndcg@10']:.4f} | | {values['full/hr@10']:.4f} | |")
    return {
        "data": name,
        "model": recipe.name,
        "recipe": repr(recipe),
        "delta": curve.delta,
        "seeds": list(curve.seeds),
        "points": [
            {"epsilon": p.epsilon, "multiplier": p.multiplier, "values": dict(p.values)}
            for p in (curve.without, *curve.points)
        ],
        "lines": {title: dict(values) for title, values in lines.items()},
    }


def spread(values: tuple[float, ...]) -> float:
    """Return the standard deviation over seeds; 0 of one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def plot(found: list[dict[str, Any]], path: Path) -> None:
    """Draw NDCG@10 against epsilon, a panel per data set."""
    import matplotlib.pyplot as plt

    width = 4.5 * len(found)
    figure, row = plt.subplots(
        1, len(found), figsize=(width, 4.0), layout="constrained", squeeze=False
    )
    for axes, data in zip(row[0], found, strict=True):
        without, *points = data["points"]
        values = [point["values"]["ndcg@10"] for point in points]
        axes.errorbar(
            [point["epsilon"] for point in points],
            [np.mean(v) for v in values],
            [spread(v) for v in values],
            fmt="o-",
            capsize=3,
            color="#2f6b3a",
            label=f"{data['model'].replace('_', ' ')}, private; bars: sd over seeds",
        )
        level = float(np.mean(without["values"]["ndcg@10"]))
        axes.axhline(level, color="#2f6b3a", linewidth=1, label="the same without noise")
        for (title, measured), style in zip(data["lines"].items(), (":", "--"), strict=True):
            colour = "#a35c12" if title == "popularity" else "#35609c"
            label = f"{title}, not private"
            axes.axhline(measured["full/ndcg@10"], color=colour, linestyle=style, label=label)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted(p["epsilon"] for p in points))
        axes.xaxis.set_major_formatter("{x:g}")
        title = f"{data['data']}, delta {data['delta']:.2g}"
        axes.set(xlabel="epsilon", ylabel="NDCG@10", title=title, ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    handles, labels = row[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure what the command line names."""
    whats = ("overhead", "stages", "curve", "persons")
    model = inspect.signature(simulate).parameters["model"].default
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", default=list(whats), choices=whats)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--data", nargs="+", default=["ml-1m", "shop"])
    parser.add_argument("--model", default=model, help="default: that of hedgerow simulate")
    parser.add_argument("--preset")
    parser.add_argument("--set", nargs="*", help="hyper-parameters as OPTION=VALUE")
    parser.add_argument("--epsilons", type=float, nargs="+", default=list(EPSILONS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", type=Path, help="draw the curve here")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    results: dict[str, Any] = {}
    with threadpool_limits(1):
        if "overhead" in chosen.what:
            results["overhead"] = overhead(chosen.repeats)
        if "stages" in chosen.what:
            results["stages"] = stages(chosen.repeats)
        if "curve" in chosen.what:
            results["curve"] = quality(chosen)
    if "persons" in chosen.what:
        results["persons"] = persons(chosen.epsilons)
    if chosen.plot and "curve" in results:
        plot(results["curve"], chosen.plot)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
