"""Every model with small hyper-parameters, in the variants that tests try."""

from dataclasses import fields, replace

from hedgerow.client.audit.models import SMALL
from hedgerow.models.registry import MODELS, make

VARIANTS = {
    "factorization-bpr": ("factorization", {"loss": "bpr", "proximal": 0.5}),
    "factorization-average": (
        "factorization",
        {"server": "average", "server_rate": 1.0, "local_rate": 0.5},
    ),
    "als-small-steps": ("als", {"step_size": 0.3}),
    "sequence-linear": ("sequence", {"fourier": 0, "dimensions": (5,), "decays": (0.0,)}),
    "transitions-raw": ("transitions", {"window": 2, "fade": 1.0, "normalization": 0.0}),
    "item_item-set": ("item_item", {"decay": 1.0, "regularization": 3.0}),
}


def small(recipe):
    """Return the recipe with small hyper-parameters, its components too."""
    names = {f.name for f in fields(recipe)}
    changes = {k: v for k, v in SMALL.items() if k in names}
    for name in names:
        value = getattr(recipe, name)
        if isinstance(value, tuple) and value and type(value[0]) in MODELS.values():
            changes[name] = tuple(small(part) for part in value)
    return replace(recipe, **changes)


RECIPES = {name: small(make(name)) for name in MODELS} | {
    name: replace(small(make(model)), **options) for name, (model, options) in VARIANTS.items()
}
