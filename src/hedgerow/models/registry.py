"""The models by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from hedgerow.errors import ConfigError
from hedgerow.models.als import ALS
from hedgerow.models.base import Recipe
from hedgerow.models.blend import Blend
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

MODELS: Mapping[str, type[Recipe]] = {
    recipe.name: recipe
    for recipe in (
        Popularity,
        ItemItem,
        Transitions,
        ALS,
        Sequence,
        PrivateSequence,
        Factorization,
        Blend,
    )
}

PRESETS: Mapping[tuple[str, str], Callable[[], Recipe]] = {
    ("sequence", "phone"): Sequence.phone,
    ("sequence", "shop"): Sequence.shop,
    ("sequence", "silo"): Sequence,
}
"""Named settings beside a model's default."""


def make(name: str, options: Mapping[str, Any] | None = None, preset: str | None = None) -> Recipe:
    """Return a model by name.

    Parameters
    ----------
    name
        One of ``MODELS``.
    options
        Hyper-parameters; text is turned into numbers, with ``/`` between the parts of a tuple.
    preset
        A named setting that the options start from.

    Raises
    ------
    ConfigError
        The model, the preset or a hyper-parameter is unknown, or a value does not fit.
    """
    if name not in MODELS:
        raise ConfigError(f"There is no model {name!r}; choose one of {', '.join(MODELS)}.")
    if preset is not None and (name, preset) not in PRESETS:
        have = ", ".join(p for model, p in PRESETS if model == name) or "none"
        raise ConfigError(f"The {name} model has no preset {preset!r} (its presets: {have}).")
    base = PRESETS[name, preset]() if preset else MODELS[name]()
    values = options_of(base)
    for key, value in (options or {}).items():
        if key not in values:
            have = ", ".join(values) or "none"
            raise ConfigError(f"The {name} model has no option {key!r} (its options: {have}).")
        values[key] = _converted(name, key, value, getattr(base, key))
    fitted = {key: _fitted(name, key, value, getattr(base, key)) for key, value in values.items()}
    return MODELS[name](**fitted)


def options_of(recipe: Recipe) -> dict[str, Any]:
    """Return a model's hyper-parameters as JSON has them; :func:`make` gives the model again."""
    return {
        f.name: _plain(getattr(recipe, f.name))
        for f in fields(recipe)  # type: ignore[arg-type]
    }


def names_in(recipe: Recipe) -> set[str]:
    """Return the name of a model and of those that it is made of."""
    values = [getattr(recipe, f.name) for f in fields(recipe)]  # type: ignore[arg-type]
    parts = [part for value in values if isinstance(value, tuple) for part in value]
    inner = [names_in(part) for part in parts if type(part) in MODELS.values()]
    return {recipe.name}.union(*inner)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if type(value) in MODELS.values():
        return {"model": value.name, "options": options_of(value)}
    return value


def _fitted(model: str, key: str, value: Any, default: Any) -> Any:
    """Return a value as its field has it: what :func:`options_of` made plain, and of its type."""
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key} of the {model} model is a list.")
        return tuple(_fitted(model, key, part, default[0]) for part in value)
    if type(default) in MODELS.values():
        if isinstance(value, dict) and "model" in value:
            return make(value["model"], value.get("options"))
        if type(value) in MODELS.values():
            return value
    elif isinstance(default, float):
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    elif type(value) is type(default):
        return value
    raise ConfigError(
        f"{key}={value!r} does not fit the {model} model, whose default is {default!r}."
    )


def _converted(model: str, key: str, value: Any, default: Any) -> Any:
    """Turn text into the type of the default value."""
    if not isinstance(value, str) or isinstance(default, str):
        return value
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[value.lower()]
        if isinstance(default, tuple):
            return [_part(part, default[0]) for part in value.split("/")]
        return type(default)(value)
    except (ValueError, KeyError) as error:
        wanted = "list, with / between its parts" if isinstance(default, tuple) else "number"
        raise ConfigError(f"{key}={value} of the {model} model is no {wanted}.") from error


def _part(text: str, like: Any) -> Any:
    return {"model": text, "options": {}} if not isinstance(like, int | float) else type(like)(text)
