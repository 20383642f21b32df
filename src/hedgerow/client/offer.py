"""What a client is offered, looked at before it opens a history.

All here is a function of what the coordinator says and of the public model alone, so that a refusal
tells nothing of the data: whoever is shown the same refuses the same.
"""

from __future__ import annotations

import math
from typing import Any

from hedgerow.data.split import Fold
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.federation.ask import EVALUATION, LONGEST_LIST, NORMS, STEP, Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.models.base import Step
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.recommender import Recommender

LARGEST_BOUND = 1e12
"""Of a term; far beyond what any step leads to."""

_BREAKS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What numbers and texts lead to that somebody made up."""


def read_offer(body: bytes) -> tuple[Ask, Terms]:
    """Return what an invitation asks for, and the terms of the secured sum.

    Parameters
    ----------
    body
        The `Invitation`, as it came.

    Raises
    ------
    ProtocolError
        ``bad-ask``: it contradicts itself. ``bad-terms``: the terms are not those of the ask.
    ConfigError
        It cannot be read, or cannot be kept.
    """
    invitation = from_wire(Invitation, body)
    try:
        ask = Ask.from_json(invitation.ask)
        _check_ask(ask)
        fits = ask.terms(invitation.terms.attempt) == invitation.terms
    except _BREAKS as error:
        raise _bad_ask() from error
    if not fits:
        raise ProtocolError("bad-terms", "The terms of the sum are not those of what is asked.")
    return ask, invitation.terms


def step_asked(ask: Ask, model: Recommender) -> Step[Fold, Any]:
    """Return the step that is asked for, from a public model that was checked.

    Raises
    ------
    ProtocolError
        ``other-model``: the file has another recipe than the ask names. ``bad-model``: there is
        no such step, or its terms have another size.
    """
    if model.recipe.name != ask.recipe:
        raise ProtocolError(
            "other-model", f"Asked is {ask.recipe}; the model's file is of {model.recipe.name}."
        )
    try:
        step = ask.step(model.recipe, model.state)
        size = step.schema.size
    except (HedgerowError, *_BREAKS) as error:
        raise ProtocolError("bad-model", f"The public model has no such step: {error}") from error
    if size != ask.setting.quantizer.size:
        raise ProtocolError("bad-model", "Terms of the public model have another size than asked.")
    return step


def _check_ask(ask: Ask) -> None:
    setting, noise = ask.setting, ask.noise
    texts: tuple[object, ...] = (ask.task, ask.purpose, ask.recipe, noise.name)
    whole: tuple[object, ...] = (ask.k, setting.units, setting.clients, setting.quantizer.size)
    numbers = (ask.delta, noise.bound, noise.multiplier, setting.quantizer.scale)
    fits = (
        all(isinstance(text, str) for text in texts)
        and all(type(number) is int and number >= 1 for number in whole)
        and all(map(_is_number, numbers))
        and all(type(flag) is bool for flag in (ask.repeats, ask.held_out))
        and ask.purpose in {STEP, NORMS, EVALUATION}
        and ask.k <= LONGEST_LIST
        and 0 < noise.bound <= LARGEST_BOUND
    )
    if not fits:
        raise _bad_ask()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)


def _bad_ask() -> ProtocolError:
    return ProtocolError("bad-ask", "What the coordinator asks for contradicts itself.")
