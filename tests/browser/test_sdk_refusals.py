"""What a browser refuses: coordinators that lie, files it cannot read; and full disks."""

from dataclasses import replace

import pytest
from bent_models import ASKS, EASY, file_of, hostile
from shop_log import USERS
from shops import ALL, FLOOR

from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.models.als import ALS
from hedgerow.privacy.secure.wire import from_wire, to_wire


def rewritten(change):
    """Bend invitations: ``change`` takes and returns an ask and its terms."""

    def bend(method, path, body):
        if method != "GET" or not path.endswith("/report"):
            return body
        told = from_wire(Invitation, body)
        ask, terms = change(Ask.from_json(told.ask), told.terms)
        return to_wire(Invitation(ask.to_json().encode(), terms))

    return bend


def in_policy(**changed):
    """Lie in what is asked, and make the terms fit."""

    def change(ask, terms):
        policy = replace(ask.setting.policy, **changed)
        asked = replace(ask, setting=replace(ask.setting, policy=policy))
        return asked, asked.terms(terms.attempt)

    return change


def with_less_noise(ask, terms):
    setting = ask.setting
    noise = replace(setting.noise, multiplier=setting.noise.multiplier / 2)
    asked = replace(ask, setting=replace(setting, noise=noise))
    return asked, asked.terms(terms.attempt)


LIES = {
    "bad-terms": (lambda ask, terms: (ask, replace(terms, minimum=2)), {}),
    "weak-minimum": (in_policy(minimum=2), {}),
    "false-promise": (with_less_noise, {}),
    "weak-unit": (in_policy(unit="silo"), {}),
    "weak-epsilon": (lambda ask, terms: (ask, terms), {"epsilon": 1}),
    "weak-delta": (lambda ask, terms: (ask, terms), {"delta": 1e-12}),
}


@pytest.mark.parametrize("code", LIES)
def test_a_sum_below_what_was_promised_is_refused(federated, code):
    change, floor = LIES[code]
    shop = federated()
    shop.door.bend = rewritten(change)
    tab = shop.tab(shop.visitor(), floor={**FLOOR, **floor})
    shop.enrol(range(1, USERS))
    shop.take_part(tab, 0)
    shop.begin()
    assert shop.problem(tab) == code
    status = tab.evaluate("hedgerow.status()")
    assert (status["sent"], status["releases"]) == ([], [])
    assert shop.door.of("PUT", "/report") == []


def test_a_release_is_answered_in_one_sum_only(federated):
    shop, seen = federated(recipe=ALS(dimension=2, rounds=2)), []

    def first_once_more(ask, terms):
        """Ask for the first release again, as if another attempt had to be made."""
        seen.append((ask, terms))
        asked, agreed = seen[0]
        return (ask, terms) if len(seen) == 1 else (asked, asked.terms(agreed.attempt + 1))

    shop.door.bend = rewritten(first_once_more)
    tab = shop.tab(shop.visitor())
    with shop.agents(range(1, USERS)) as problems:
        shop.take_part(tab, 0)
        shop.begin(gather_seconds=1, phase_seconds=4)
        assert shop.problem(tab) == "answered-before"
    assert problems == []
    assert len(tab.evaluate("told.round")) == len(shop.door.of("PUT", "/report")) == 1


def test_another_name_of_a_task_buys_no_other_budget(federated):
    shop, codes = federated(), []
    context = shop.visitor()
    shop.invite(0)
    ask = next(ask for ask in ASKS if ask["setting"]["policy"]["epsilon"])
    for task in ("shop", "shop-again", "another"):
        setting = ask["setting"]
        # Enough for one release, and too little for two.
        policy, noise = setting["policy"] | {"epsilon": 1.0}, setting["noise"]
        named = setting | {"policy": policy, "noise": noise | {"name": f"{task}/0/0"}}
        hostile(shop, ask | {"task": task, "setting": named}, file_of(ask))
        tab = shop.tab(context, task=task, floor=EASY | {"epsilon": 1.0})
        tab.evaluate("hedgerow.consent.set({ train: true, measure: true })")
        tab.evaluate("hedgerow.participate()")
        codes.append(shop.problem(tab))
        tab.close()
    assert codes == ["too-late", "spent", "spent"]
    assert len(shop.door.of("PUT", "/report")) == 1


def test_other_servers_than_the_pinned_get_nothing(federated):
    shop = federated()
    trust = {**shop.options["trust"], "helper": "00" * 32}
    tab = shop.tab(shop.visitor(), trust=trust)
    shop.invite(0)
    tab.evaluate("hedgerow.consent.set({ train: true })")
    tab.evaluate("hedgerow.participate()")
    assert shop.problem(tab) == "other-servers"
    assert {(method, path) for method, path, _ in shop.door.asked} == {("GET", "/v1/deployment")}


def test_a_file_of_another_kind_leaves_the_model_before_it(federated):
    shop = federated()
    good = shop.site.model
    context = shop.visitor()
    tab = context.new_page()
    tab.clock.install()
    tab.goto(shop.url)
    tab.wait_for_function("() => window.ready")
    # Of the same length, as the file's head says where its arrays are.
    shop.site.model = good.replace(b"hedgerow model, version 1", b"hedgerow model, version 9")
    tab.evaluate("options => visit(options)", shop.options)
    assert shop.problem(tab) == "bad-model"
    refused = "hedgerow.recommend().then(() => '', ({ code }) => code)"
    assert tab.evaluate(refused) == "no-model"
    shop.site.model = good
    listed = tab.evaluate("hedgerow.recommend()")
    # Scores, as items that nobody knows apart may come in any order.
    expected = shop.recommender.recommend([], 10)
    assert [one["score"] for one in listed] == pytest.approx([one.score for one in expected])
    for broken in (good[: len(good) // 2], b"<!doctype html>", good.replace(b"als", b"sla")):
        shop.site.model = broken
        count = tab.evaluate("told.error.length")
        tab.clock.fast_forward("16:00")
        assert tab.evaluate("hedgerow.recommend()") == listed
        tab.wait_for_function("count => told.error.length > count", arg=count)
        assert tab.evaluate("told.error.at(-1).code") == "bad-model"
        assert tab.evaluate("hedgerow.recommend()") == listed


def test_with_a_full_disk_it_recommends_and_takes_no_part(federated):
    shop = federated()
    context = shop.visitor()
    tab = shop.tab(context)
    devtools = context.new_cdp_session(tab)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": shop.url, "quotaSize": 1})
    tab.evaluate("hedgerow.consent.set({ recommend: true, train: true })")
    for item in shop.items_of(0):
        assert tab.evaluate("item => hedgerow.track('view', item)", item)
    assert shop.problem(tab) == "no-storage"
    listed = tab.evaluate("hedgerow.recommend({ k: 5 })")
    expected = shop.recommender.recommend(shop.items_of(0), 5)
    assert [one["item"] for one in listed] == [one.item_id for one in expected]
    assert tab.evaluate("hedgerow.status()")["lasting"] is False
    with shop.agents(range(1, USERS)):
        shop.invite(0)
        tab.evaluate("hedgerow.participate()")
        shop.begin()
        shop.finished()
    assert shop.door.of("PUT", "/report") == []
    # With room again, what was agreed to is stored, too.
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": shop.url})
    assert tab.evaluate("item => hedgerow.track('basket', item)", shop.items_of(0)[0])
    assert tab.evaluate("hedgerow.status()")["lasting"] is True
    again = shop.tab(context)
    assert again.evaluate("hedgerow.consent.get()") == {**ALL, "measure": False}
