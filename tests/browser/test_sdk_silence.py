"""A coordinator that lies in its models learns nothing of a visitor from what the browser sends."""

import numpy as np
import pytest
from bent_models import ASKS, EASY, bent, file_of, hostile, name_of

RICH, EMPTY = [f"sku-{7 * at % 12}" for at in range(40)], []


def titled(ask):
    return f"{ask['recipe']}-{ask['purpose']}-{name_of(ask)}"


def marked(_name, values):
    """Write what is no number into the rows of some items that the visitor with a history met."""
    values[[0, 2, 7] if len(values) == 12 else 0] = np.nan
    return values


def extreme(name, values):
    """Go as far as a model may."""
    return np.full_like(values, 1e9 if name in ("counts", "popularity") else 1e6)


MODELS = {"marked": (marked, "bad-model"), "extreme": (extreme, "too-late")}
"""Models, and what the visitor's own page is told: of a refusal, or of the report's end."""


def seen(shop, ask, user, items):
    """What the coordinator sees of a visitor who is asked once, and what the page is told."""
    before = len(shop.door.asked)
    context = shop.visitor()
    tab = shop.tab(context, task=ask["task"], floor=EASY)
    shop.invite(user)
    tab.evaluate("hedgerow.consent.set({ train: true, measure: true })")
    for item in items:
        assert tab.evaluate("item => hedgerow.track('view', item)", item)
    tab.evaluate("hedgerow.participate()")
    tab.wait_for_function("() => told.error.length")
    code = tab.evaluate("told.error[0].code")
    context.close()
    sent = [(method, path, len(body)) for method, path, body in shop.door.asked[before:]]
    # It may come again before it is gone.
    again = [place for place, (_, path, _) in enumerate(sent) if path == "/v1/check-in"][1:]
    return sent[: again[0] if again else None], code


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("ask", ASKS, ids=titled)
def test_a_rich_and_an_empty_history_look_the_same_under_a_hostile_model(federated, ask, kind):
    change, code = MODELS[kind]
    shop = federated()
    hostile(shop, ask, bent(file_of(ask), change))
    rich, empty = seen(shop, ask, 0, RICH), seen(shop, ask, 1, EMPTY)
    assert rich == empty
    assert rich[1] == code
    reports = [length for method, path, length in rich[0] if method == "PUT"]
    assert len(reports) == (code == "too-late")
