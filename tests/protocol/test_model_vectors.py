"""The golden vectors of the models are what this program makes of the files in them."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from hedgerow.client.models import read
from hedgerow.federation.ask import Ask
from hedgerow.privacy import skellam
from hedgerow.privacy.randomness import Stream

PROTOCOL = Path(__file__).parents[2] / "protocol"
TOLD = json.loads((PROTOCOL / "vectors" / "models.json").read_text("utf-8"))
PLACES = range(len(TOLD["models"]))


@pytest.fixture
def models(monkeypatch):
    monkeypatch.syspath_prepend(PROTOCOL)
    import models

    return models


def close(found, expected):
    """Compare with the tolerance that 32 bits allow."""
    found, expected = np.array(found), np.array(expected)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(initial=0))


def test_the_histories_and_the_recipes_come_out_again(models):
    assert TOLD["histories"] == list(models.HISTORIES)
    made = [read(file) for file in models.trained()]
    told = [read(base64.b64decode(model["file"])) for model in TOLD["models"]]
    assert [(m.recipe, m.state.round) for m in made] == [(m.recipe, m.state.round) for m in told]


@pytest.mark.parametrize("place", PLACES)
def test_scores_and_terms_come_out_again(models, place):
    told = TOLD["models"][place]
    made = models.said_by(base64.b64decode(told["file"]))
    assert made.keys() == told.keys()
    assert (made["recipe"], made["round"], made["file"]) == tuple(
        told[name] for name in ("recipe", "round", "file")
    )
    assert (made["terms"] is None) == (told["terms"] is None)
    for name in ("scores", "terms", "norms"):
        for found, expected in zip(made[name] or (), told[name] or (), strict=True):
            close(found, expected)


def test_asks_their_terms_and_their_answers_come_out_again(models):
    made = list(models.asked(models.placed(TOLD["models"])))
    assert len(made) == len(TOLD["asks"])
    for found, told in zip(made, TOLD["asks"], strict=True):
        assert found["ask"] == told["ask"]
        assert (found["attempt"], found["terms"]) == (told["attempt"], told["terms"])
        for one, other in zip(found["answers"], told["answers"], strict=True):
            assert (one["noise"], one["rounding"]) == (other["noise"], other["rounding"])
            close(one["term"], other["term"])


@pytest.mark.parametrize("told", TOLD["asks"], ids=lambda told: json.loads(told["ask"])["purpose"])
def test_words_follow_from_terms(told):
    setting = Ask.from_json(told["ask"]).setting
    for answer in told["answers"]:
        noise, rounding = (Stream(bytes.fromhex(answer[name])) for name in ("noise", "rounding"))
        total = skellam.sample(noise, setting.quantizer.size, setting.share.variance)
        total += setting.quantizer.quantize(np.array(answer["term"]), rounding)
        assert [str(word) for word in setting.ring.encode(total).tolist()] == answer["words"]
