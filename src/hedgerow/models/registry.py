"""The models by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hedgerow.errors import ConfigError
from hedgerow.models.als import ALS
from hedgerow.models.base import Recipe
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

MODELS: Mapping[str, type[Recipe]] = {
    recipe.name: recipe
    for recipe in (Popularity, ItemItem, Transitions, ALS, Sequence, Factorization)
}


def make(name: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """Return a model by name, with hyper-parameters as numbers or as text.

    Raises
    ------
    ConfigError
        The model or a hyper-parameter is unknown, or a value does not fit.
    """
    if name not in MODELS:
        raise ConfigError(f"There is no model {name!r}; choose one of {', '.join(MODELS)}.")
    kind = MODELS[name]
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    values = {}
    for key, value in (options or {}).items():
        if key not in known:
            have = ", ".join(known) or "none"
            raise ConfigError(f"The {name} model has no option {key!r} (its options: {have}).")
        values[key] = _converted(name, key, value, known[key].default)
    return kind(**values)


def _converted(model: str, key: str, value: Any, default: Any) -> Any:
    """Turn text into the type of the default value."""
    if not isinstance(value, str) or isinstance(default, str):
        return value
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[value.lower()]
        if isinstance(default, tuple):
            return tuple(type(default[0])(part) for part in value.split("/"))
        return type(default)(value)
    except (ValueError, KeyError) as error:
        wanted = type(default).__name__
        raise ConfigError(f"{key}={value} of the {model} model is no {wanted}.") from error


def options_of(recipe: Recipe) -> dict[str, Any]:
    """Return a model's hyper-parameters, such that ``make(name, options)`` gives it again."""
    return {f.name: getattr(recipe, f.name) for f in fields(recipe)}  # type: ignore[arg-type]
