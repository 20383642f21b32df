"""Clients under a hostile coordinator: quiet as they are, and each fault is seen."""

from functools import partial

import pytest

from hedgerow.client import models, taking_part
from hedgerow.client.audit import recipes, silence_verdicts
from hedgerow.client.audit.models import ITEMS, everything, extreme, learned, spoilt
from hedgerow.federation.terms import with_terms
from hedgerow.models.expected import check_state
from hedgerow.models.registry import MODELS

FEW = [recipe for recipe in recipes() if recipe.name in {"popularity", "als"}]


def failing():
    return {v.audit: v.sentence for v in silence_verdicts(FEW) if not v.passed}


def test_clients_as_they_are_tell_nothing():
    called = []
    found = silence_verdicts(FEW, lambda: called.append(1))
    assert [v.audit for v in found] == ["silence, spoilt models", "silence, extreme models"]
    assert all(v.passed for v in found), found
    assert len(called) == len(FEW)


def test_a_client_that_sends_nothing_where_computing_fails_is_found(monkeypatch):
    def aloud(member, ask, catalog, step, noise):
        fold = member.data(catalog, ask.held_out)
        return with_terms(noise, step, fold, ask.setting, partial(member.random, ask.release))

    monkeypatch.setattr(taking_part, "compute", aloud)
    found = failing()
    assert "cannot read its history is told" in found["silence, extreme models"]


def test_a_client_that_computes_from_anything_is_found(monkeypatch):
    monkeypatch.setattr(models, "check_state", lambda *_given: None)
    assert "computes from it" in failing()["silence, spoilt models"]


def test_a_client_whose_report_is_as_long_as_its_history_is_found(monkeypatch):
    report = taking_part._Talk.pass_on
    lengths = iter(range(10_000))

    async def longer(talk, kind, body):
        await report(talk, kind, body + bytes(next(lengths)) * (kind == "report"))

    monkeypatch.setattr(taking_part._Talk, "pass_on", longer)
    assert "is told from" in failing()["silence, extreme models"]


@pytest.mark.parametrize("recipe", recipes(), ids=list(MODELS))
def test_spoilt_models_are_refused_and_extreme_ones_are_not(recipe, tmp_path):
    state = learned(recipe)
    check_state(recipe, state, ITEMS)
    for served in spoilt(recipe, state, tmp_path):
        with pytest.raises(Exception, match="cannot be used"):
            models.read(served.body)
    names = [served.what for served in extreme(recipe, state, tmp_path)]
    assert names == ["an honest model", "the largest numbers"]
    for served in extreme(recipe, state, tmp_path):
        assert models.read(served.body).recipe == recipe


def test_one_client_has_met_every_item():
    assert sorted(set(everything().items.tolist())) == list(range(ITEMS))
    assert len(everything(users=3)) == 3
