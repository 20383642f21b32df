"""Models by name: options as JSON and as text, there and back again."""

import json
from dataclasses import fields, replace

import pytest

from hedgerow.errors import ConfigError
from hedgerow.models.als import ALS
from hedgerow.models.base import Recipe
from hedgerow.models.blend import Blend
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.registry import MODELS, PRESETS, make, options_of
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

every_model = pytest.mark.parametrize("name", MODELS)


def changed():
    """Yield every model with each value of its grid, and every preset."""
    for name, kind in MODELS.items():
        yield kind()
        for option, values in kind.grid.items():
            for value in values:
                yield replace(make(name), **{option: value})
    for make_preset in PRESETS.values():
        yield make_preset()


@pytest.mark.parametrize("recipe", list(changed()), ids=str)
def test_options_survive_the_way_through_json(recipe):
    options = json.loads(json.dumps(options_of(recipe)))
    found = make(recipe.name, options)
    assert found == recipe
    assert hash(found) == hash(recipe)
    assert set(options) == {f.name for f in fields(recipe)}


@every_model
def test_a_model_has_the_name_it_is_found_by(name):
    assert MODELS[name].name == name
    assert make(name) == MODELS[name]()
    assert make(name, {}) == make(name)
    assert set(make(name).grid) <= set(options_of(make(name)))


@pytest.mark.parametrize(("name", "preset"), list(PRESETS))
def test_presets_are_what_they_are_called(name, preset):
    wanted = {"phone": Sequence.phone(), "shop": Sequence.shop(), "silo": Sequence()}[preset]
    assert name == "sequence"
    assert make(name, preset=preset) == wanted


def test_options_go_before_the_preset():
    found = make("sequence", {"regularization": 7.0}, preset="phone")
    assert found == replace(Sequence.phone(), regularization=7.0)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("als", {"dimension": "12"}, ALS(dimension=12)),
        ("als", {"regularization": "0.5"}, ALS(regularization=0.5)),
        ("als", {"regularization": "1e-3"}, ALS(regularization=0.001)),
        ("als", {"regularization": "3"}, ALS(regularization=3.0)),
        (
            "factorization",
            {"loss": "bpr", "rounds": " 7 "},
            Factorization(loss="bpr", rounds=7),
        ),
        ("sequence", {"decays": "0.3/0.9"}, Sequence(decays=(0.3, 0.9))),
        (
            "sequence",
            {"dimensions": "20/10/5", "decays": "0/0.5/0.9"},
            Sequence(dimensions=(20, 10, 5), decays=(0.0, 0.5, 0.9)),
        ),
        (
            "sequence",
            {"dimensions": "20", "decays": "0.5"},
            Sequence(dimensions=(20,), decays=(0.5,)),
        ),
        ("blend", {"components": "als/popularity"}, Blend((ALS(), Popularity()))),
        ("blend", {"repeats": "true"}, Blend(repeats=True)),
        ("blend", {"repeats": "False", "resolution": "4"}, Blend(resolution=4)),
    ],
    ids=str,
)
def test_text_becomes_what_the_option_is(name, text, wanted):
    found = make(name, text)
    assert found == wanted
    for f in fields(found):
        assert type(getattr(found, f.name)) is type(getattr(wanted, f.name))
    assert make(name, options_of(found)) == wanted


@pytest.mark.parametrize(
    ("name", "option", "text", "kind"),
    [
        ("als", "dimension", "many", "number"),
        ("als", "dimension", "2.5", "number"),
        ("als", "dimension", "", "number"),
        ("item_item", "regularization", "1,5", "number"),
        ("sequence", "decays", "0.3/x", "list, with / between its parts"),
        ("sequence", "decays", "0.3,0.9", "list, with / between its parts"),
        ("sequence", "dimensions", "", "list, with / between its parts"),
        ("sequence", "dimensions", "2.5/3", "list, with / between its parts"),
        ("blend", "repeats", "perhaps", "number"),
    ],
)
def test_text_that_does_not_fit_is_refused_by_name(name, option, text, kind):
    with pytest.raises(ConfigError, match=f"{option}={text}.*{name} model is no {kind}"):
        make(name, {option: text})


def test_a_value_out_of_range_is_refused_in_the_models_own_words():
    with pytest.raises(ConfigError, match="decays must be at least 0"):
        make("sequence", {"decays": "0.3/1.5"})
    with pytest.raises(ConfigError, match="one decay for each"):
        make("sequence", {"decays": "0.3"})
    with pytest.raises(ConfigError, match="regularization must be above 0"):
        make("item_item", {"regularization": "-1"})


def test_what_is_unknown_is_refused_with_what_there_is():
    with pytest.raises(ConfigError, match=r"no model 'oracle'; choose one of popularity, .*blend"):
        make("oracle")
    with pytest.raises(ConfigError, match="no model 'oracle'"):
        make("blend", {"components": "als/oracle"})
    with pytest.raises(ConfigError, match=r"no option 'decay' \(its options: dimensions, decays"):
        make("sequence", {"decay": "0.5"})
    with pytest.raises(ConfigError, match=r"popularity model has no option 'k' \(.* none\)"):
        make("popularity", {"k": 1})
    with pytest.raises(ConfigError, match=r"no preset 'watch' \(its presets: phone, shop, silo\)"):
        make("sequence", preset="watch")
    with pytest.raises(ConfigError, match=r"als model has no preset 'phone' \(.* none\)"):
        make("als", preset="phone")


def test_components_are_given_as_models_or_as_their_options():
    recipe = Blend((ItemItem(decay=0.9), Transitions(window=3)))
    assert make("blend", {"components": recipe.components}) == recipe
    described = [
        {"model": "item_item", "options": {"decay": 0.9}},
        {"model": "transitions", "options": {"window": 3}},
    ]
    assert make("blend", {"components": described}) == recipe
    assert isinstance(make("blend").components[0], Sequence)


@every_model
def test_making_a_model_does_not_change_the_options(name):
    options = options_of(make(name))
    kept = json.dumps(options)
    found: Recipe = make(name, options)
    assert json.dumps(options) == kept
    assert options_of(found) == options


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("als", {"regularization": "nan"}),
        ("als", {"regularization": "inf"}),
        ("als", {"dimension": 2.5}),
        ("als", {"dimension": None}),
        ("sequence", {"dimensions": 5}),
        ("blend", {"components": [{"options": {}}]}),
        ("factorization", {"loss": 1}),
    ],
)
def test_a_value_of_another_kind_is_refused(name, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        make(name, options)
