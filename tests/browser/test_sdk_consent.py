"""Visitors in a real browser, who say no, yes, and no longer."""

import pytest
from shop_log import ITEMS, USERS
from shops import ALL

NONE = dict.fromkeys(ALL, False)

OWN_FILES = ["/", "/shop.js", "/hedgerow/hedgerow.js", "/hedgerow/hedgerow-shared.js", "/model"]


def test_without_consent_nothing_is_stored_and_nothing_sent(federated):
    shop = federated()
    tab = shop.tab(shop.visitor())
    assert tab.evaluate("hedgerow.consent.get()") == NONE
    tab.evaluate("hedgerow.participate()")
    tab.evaluate("none => hedgerow.consent.set(none)", NONE)
    for item in shop.items_of(0):
        assert tab.evaluate("item => hedgerow.track('view', item)", item) is False
    listed = tab.evaluate("hedgerow.recommend({ k: 5 })")
    # What is recommended to nobody in particular; items that nobody knows apart in any order.
    expected = shop.recommender.recommend([], 5)
    assert [one["score"] for one in listed] == pytest.approx([one.score for one in expected])
    status = tab.evaluate("hedgerow.status()")
    assert (status["interactions"], status["sent"], status["participating"]) == (0, [], False)
    assert tab.evaluate("stored()") == []
    tab.close()
    site, _ = shop.ports
    asked = [found for found in shop.wire.requests if found != (site, "GET /favicon.ico")]
    assert sorted(asked) == sorted((site, f"GET {path}") for path in OWN_FILES)


@pytest.mark.parametrize("on_page", [False, True], ids=["worker", "page"])
def test_with_consent_it_recommends_learns_and_forgets(federated, on_page):
    shop = federated()
    context = shop.visitor()
    tab = shop.tab(context, on_page=on_page)
    with shop.agents(range(1, USERS)) as problems:
        shop.take_part(tab, 0)
        shop.begin(measure="end")
        told = shop.rounds(tab, 2)
        shop.finished()
    assert problems == []
    assert [part["purpose"] for part in told] == ["step", "evaluation"]
    history = shop.items_of(0)
    expected = shop.recommender.recommend(history, 5)
    listed = tab.evaluate("hedgerow.recommend({ k: 5 })")
    assert [(one["item"], one["title"], one["rank"]) for one in listed] == [
        (one.item_id, one.title, one.rank) for one in expected
    ]
    assert [one["score"] for one in listed] == pytest.approx(
        [one.score for one in expected], abs=1e-5
    )
    reasons = tab.evaluate("item => hedgerow.explain(item)", expected[0].item_id)
    assert {reason["item"] for reason in reasons} == set(history)
    status = tab.evaluate("hedgerow.status()")
    assert (status["interactions"], status["known"], status["lasting"]) == (8, 8, True)
    assert [sent["kind"] for sent in status["sent"]] == ["report", "report"]
    assert [sent["bytes"] for sent in status["sent"]] == [
        len(body) for body in shop.door.of("PUT", "/report")
    ]
    assert 0 < status["budget"]["epsilon"] <= 8 * (1 + 1e-6)
    # What is known outlives the page, until it is to be forgotten.
    tab.close()
    tab = shop.tab(context, on_page=on_page)
    assert tab.evaluate("hedgerow.recommend({ k: 5 })") == listed
    assert tab.evaluate("hedgerow.consent.get()") == ALL
    tab.evaluate("hedgerow.forget()")
    assert tab.evaluate("stored()") == []
    tab.reload()
    tab.wait_for_function("() => window.ready")
    tab.evaluate("options => visit(options)", shop.options)
    assert tab.evaluate("hedgerow.consent.get()") == NONE
    assert tab.evaluate("hedgerow.status()")["sent"] == []
    assert tab.evaluate("stored()") == []


def test_what_was_just_done_counts_at_once(federated):
    shop = federated()
    tab = shop.tab(shop.visitor())
    tab.evaluate("hedgerow.consent.set({ recommend: true })")
    for known, item in enumerate(shop.items_of(3), start=1):
        tab.evaluate("item => void hedgerow.track('view', item)", item)
        listed = tab.evaluate("k => hedgerow.recommend({ k })", ITEMS)
        expected = shop.recommender.recommend(shop.items_of(3)[:known], ITEMS)
        assert [one["item"] for one in listed] == [one.item_id for one in expected]
    # To be recommended to is no agreement to take part.
    tab.evaluate("hedgerow.participate()")
    assert tab.evaluate("hedgerow.status()")["participating"] is False
    tab.close()
    assert {port for port, _ in shop.wire.requests} == {shop.ports[0]}


@pytest.mark.parametrize("on_page", [False, True], ids=["worker", "page"])
def test_a_withdrawal_in_mid_round_leaves_the_round_without_the_visitor(federated, on_page):
    shop = federated()
    tab = shop.tab(shop.visitor(), on_page=on_page)
    with shop.agents(range(1, USERS)) as problems:
        with shop.door.stalling("GET", "/v1/models/") as stall:
            shop.take_part(tab, 0)
            shop.begin(gather_seconds=1, phase_seconds=3)
            stall.wait()
            tab.evaluate("hedgerow.consent.set({ train: false, measure: false })")
        shop.finished()
    assert problems == []
    status = tab.evaluate("hedgerow.status()")
    assert (status["sent"], status["releases"], status["participating"]) == ([], [], False)
    # The history stays: the visitor still wants recommendations.
    assert status["interactions"] == 8
    assert shop.door.of("PUT", "/report") == []
