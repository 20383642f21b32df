# ruff: noqa: INP001 - scripts beside the data that they make
"""Golden vectors of the models: what a client computes of a public model and a history.

Models are whole files in base64, trained on the few histories that are there; all else follows from
a file and a history. Scores and terms are computed in 32 bits, so they hold to a tolerance of 1e-5
of the largest; words hold exactly, given the term.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hedgerow.client.models import read
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import Fold, LastOut
from hedgerow.evaluation.quality import BOUND
from hedgerow.federation.ask import EVALUATION, NORMS, STEP, Ask
from hedgerow.federation.setting import Noise, Setting
from hedgerow.federation.terms import client_words, unit_terms
from hedgerow.models.als import ALS
from hedgerow.models.base import Recipe, State
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.sequence import Sequence
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.randomness import Stream
from hedgerow.recommender import Recommender
from hedgerow.statistics import Statistics

ITEMS = 12
SEED = 20

HISTORIES: tuple[dict[str, Any], ...] = (
    {"items": []},
    {"items": [5]},
    {"items": [3, 1]},
    {"items": [0, 4, 8, 0, 11]},
    {"items": [2, 7, 1, 9, 6], "weights": [1.0, 0.5, 2.0, 0.25, 3.0]},
    {"items": [10, 3, 3, 5, 10, 3]},
    {"items": [(7 * at + at // 5) % ITEMS for at in range(40)]},
)
"""What people met, oldest first, and how much it counts."""

RECIPES: tuple[Recipe, ...] = (
    Popularity(),
    ALS(dimension=3, rounds=2),
    Sequence(dimensions=(4, 2), decays=(0.8, 0.4), fourier=0, regularization=1.0, vector_rounds=2),
    Sequence(
        dimensions=(3, 2, 2),
        decays=(0.0, 0.4, 0.97),
        fourier=0,
        regularization=2.0,
        vector_rounds=1,
        popularity_discount=0.0,
        repeat_gain=3.0,
    ),
    PrivateSequence(dimension=6),
    PrivateSequence(dimension=6),
)

NOISE = (0.0, 0.0, 0.0, 0.0, 0.0, 40.0)
"""Standard deviation of the noise in each recipe's sums: the last one falls back."""


def catalog() -> Catalog:
    """Return twelve items in three groups."""
    ids = pl.Series("item_id", [f"sku-{number}" for number in range(ITEMS)])
    titles = [f"Ding «{number}» – ü" for number in range(ITEMS)]
    groups = [("lamps", "chairs", "rugs")[number % 3] for number in range(ITEMS)]
    return Catalog(ids, pl.DataFrame({"title": titles, "category": groups}))


def block_of(history: dict[str, Any]) -> Block:
    """Return the block of one person."""
    block = Block.of([history["items"]], ITEMS)
    weights = history.get("weights")
    return block if weights is None else replace(block, weights=np.array(weights, np.float32))


def folds(*, held_out: bool) -> list[Fold]:
    """Return everybody's data, with or without the last interaction held out."""
    blocks = [block_of(history) for history in HISTORIES]
    return [
        LastOut().test(block) if held_out else Fold(block, block.where(block.ages < 0))
        for block in blocks
    ]


def file_of(recommender: Recommender) -> bytes:
    """Return a model as it is published, with what its head says in alphabetical order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        recommender.save(path)
        file = path.read_bytes()
    start = 8 + int.from_bytes(file[:8], "little")
    head = json.loads(file[8:start])
    head["__metadata__"] = dict(sorted(head["__metadata__"].items()))
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[start:]


def trained() -> Iterator[bytes]:
    """Yield each recipe's model before every step and at the end."""
    items = catalog()
    for recipe, noise in zip(RECIPES, NOISE, strict=True):
        rng = np.random.default_rng(SEED)
        state: State | None = recipe.start(items, SEED)
        while state is not None:
            yield file_of(Recommender(recipe, state, items))
            step = recipe.step(state)
            if step is None:
                break
            sums = [
                step.contributions(fold.history).sum(np.ones(1)) for fold in folds(held_out=False)
            ]
            total = sums[0]
            for other in sums[1:]:
                total += other
            drawn = {name: a + noise * rng.standard_normal(a.shape) for name, a in total.items()}
            state = step.update(Statistics(drawn, noise) if noise else total)


def said_by(file: bytes) -> dict[str, Any]:
    """Return what follows from a model: scores, and the terms of its next step."""
    model = read(file)
    step = model.recipe.step(model.state)
    blocks = [block_of(history) for history in HISTORIES]
    terms: list[list[float]] | None = None
    if step is not None:
        terms = [
            step.schema.flatten(step.contributions(block).sum(np.ones(1))).astype(float).tolist()
            for block in blocks
        ]
    return {
        "recipe": model.recipe.name,
        "round": model.state.round,
        "file": base64.b64encode(file).decode(),
        "scores": [model.scorer.scores(block)[0].astype(float).tolist() for block in blocks],
        "norms": None
        if step is None
        else [float(step.contributions(b).norms()[0]) for b in blocks],
        "terms": terms,
    }


PRIVATE, COUNTED = Policy(epsilon=8.0, secure="split"), Policy(epsilon=4.0, secure="pairwise")

ASKED: tuple[tuple[int, int, str, Policy, Noise, int, bool], ...] = (
    (0, 0, STEP, replace(COUNTED, clip=4.0, dropouts=0.2), Noise("best/0", 4.0, 0.9), 300, False),
    (1, 1, NORMS, replace(PRIVATE, minimum=50), Noise("als-2/1/1/norms", 1.0, 1.7), 1000, False),
    (1, 1, STEP, Policy(secure="pairwise", minimum=5), Noise("als-2/1/1~1", 3.75, 0.0), 40, True),
    (2, 3, STEP, PRIVATE, Noise("next/3", 0.1234567, 0.61), 10_000, True),
    (2, 4, EVALUATION, PRIVATE, Noise("next/e1", BOUND, 2.5), 500, True),
    (3, 3, STEP, replace(PRIVATE, unit="silo", clip=2.5), Noise("shops/3", 2.5, 1.1), 25, False),
    (4, 0, STEP, PRIVATE, Noise("bought-next/0", 1.0, 3.2), 2000, True),
    (4, 2, STEP, replace(COUNTED, semi_malicious=False), Noise("n/2", 1.0, 5.1e-05), 5000, False),
    (
        0,
        0,
        STEP,
        replace(COUNTED, clip=2.0, clients_per_person=3),
        Noise("twice/0", 2.0, 0.9),
        300,
        False,
    ),
    (2, 3, STEP, replace(PRIVATE, clients_per_person=2), Noise("two/3", 0.25, 0.61), 900, True),
    (4, 1, NORMS, Policy(secure="split"), Noise("n/1/norms", 1.0, 0.0), 64, True),
)
"""Place of the recipe, round, purpose, policy, noise, clients, whether something is held out."""


def asked(files: dict[tuple[int, int], bytes]) -> Iterator[dict[str, Any]]:
    """Yield asks, and what everybody answers to them."""
    for place, (recipe, round_, purpose, policy, noise, clients, held_out) in enumerate(ASKED):
        file = files[recipe, round_]
        model = read(file)
        ask = Ask(
            task=noise.name.split("/")[0],
            purpose=purpose,
            recipe=model.recipe.name,
            delta=1e-5 if policy.private else 0,
            k=3,
            repeats=place % 2 == 0,
            held_out=held_out,
            setting=Setting.of(
                policy, noise, 1, [(clients, clients)], hashlib.sha256(file).digest()
            ),
        )
        size = ask.step(model.recipe, model.state).schema.size
        setting = Setting.of(policy, noise, size, [(clients, clients)], ask.setting.model)
        yield answered(file, replace(ask, setting=setting).to_json(), place % 3)


def answered(file: bytes, text: str, attempt: int) -> dict[str, Any]:
    """Return an ask, its terms, and for every history the clipped term and the words."""
    ask, model = Ask.from_json(text), read(file)
    step, setting = ask.step(model.recipe, model.state), ask.setting
    answers = []
    for who, fold in enumerate(folds(held_out=ask.held_out)):
        keys = {what: key_of(ask.release, who, what) for what in ("noise", "rounding")}
        (term,) = unit_terms(step, fold, setting.noise.bound, setting.policy.unit)
        words = client_words(step, fold, setting, lambda what, keys=keys: Stream(keys[what]))
        answers.append(
            {
                **{what: key.hex() for what, key in keys.items()},
                "term": term.tolist(),
                "words": [str(word) for word in words.tolist()],
            }
        )
    terms = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(ask.terms(attempt)).items()
    }
    return {"ask": text, "attempt": attempt, "terms": terms, "answers": answers}


def key_of(release: str, who: int, what: str) -> bytes:
    """Return the key of a stream that is the same every time."""
    return hashlib.sha256(f"golden vectors {release} {who} {what}".encode()).digest()


def model_vectors() -> dict[str, Any]:
    """Return everything."""
    models = [said_by(file) for file in trained()]
    return {"histories": list(HISTORIES), "models": models, "asks": list(asked(placed(models)))}


def placed(models: list[dict[str, Any]]) -> dict[tuple[int, int], bytes]:
    """Return the files by place of the recipe and round."""
    files, recipe = {}, -1
    for model in models:
        recipe += model["round"] == 0
        files[recipe, model["round"]] = base64.b64decode(model["file"])
    return files
