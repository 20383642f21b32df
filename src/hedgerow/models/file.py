"""Models at rest: one safetensors file, for those who train them and those who recommend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hedgerow.data.catalog import Catalog
from hedgerow.errors import CheckpointError, ConfigError
from hedgerow.models.base import Recipe, State
from hedgerow.models.registry import make, options_of
from hedgerow.tensors import Tensors, read_tensors, write_tensors

KIND = "hedgerow model, version 1"

_MALFORMED = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What reading a head raises that somebody made up."""


def names_of(catalog: Catalog) -> dict[str, str]:
    """Return the ``items``, by their ids, and their ``titles``, each as a JSON list of texts."""
    titles = [catalog.title(number) for number in range(len(catalog))]
    return {"items": json.dumps(catalog.ids.to_list()), "titles": json.dumps(titles)}


@dataclass(frozen=True)
class ModelFile:
    """What a model's file holds.

    Parameters
    ----------
    recipe
        The model and its hyper-parameters.
    state
        Its public arrays; the server's part of a state is not written.
    names
        Of the items, see `names_of`; whoever only trains need not read them.
    """

    recipe: Recipe
    state: State
    names: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        head = {
            "model": self.recipe.name,
            "options": json.dumps(options_of(self.recipe)),
            "round": str(self.state.round),
            **self.names,
        }
        write_tensors(path, Tensors(self.state.arrays, head), KIND)

    @classmethod
    def read(cls, path: Path) -> ModelFile:
        """Read a file that :meth:`write` wrote.

        Raises
        ------
        CheckpointError
            The file is missing, damaged, malformed or of another kind.
        """
        found = read_tensors(path, KIND)
        head = found.head
        try:
            recipe = make(head["model"], dict(json.loads(head["options"])))
            state = State(found.arrays, int(head["round"]))
            return cls(recipe, state, {name: head[name] for name in ("items", "titles")})
        except (*_MALFORMED, ConfigError) as error:
            raise CheckpointError(f"{path.name} has a head that does not fit: {error}.") from error

    @property
    def ids(self) -> list[str]:
        """The items' ids.

        Raises
        ------
        CheckpointError
            They are no list of different texts.
        """
        ids = self._listed("items")
        if len(set(ids)) != len(ids):
            raise CheckpointError("A model's file names an item twice.")
        return ids

    @property
    def titles(self) -> list[str]:
        """The items' titles.

        Raises
        ------
        CheckpointError
            They are no list of texts.
        """
        return self._listed("titles")

    def _listed(self, name: str) -> list[str]:
        try:
            found = json.loads(self.names[name])
            # Text that is no Unicode could not be kept with the others.
            "".join(found).encode()
        except _MALFORMED as error:
            raise CheckpointError(f"The {name} of a model's file are no list of texts.") from error
        if not isinstance(found, list):
            raise CheckpointError(f"The {name} of a model's file are no list of texts.")
        return found
