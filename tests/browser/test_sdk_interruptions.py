"""Browsers that go away in mid-round, and come back: no vector is in two sums."""

import psutil
from processes import wait_until
from shop_log import USERS

from hedgerow.models.als import ALS
from hedgerow.server.storage import tables


def test_one_tab_takes_part_and_the_next_when_it_is_closed_in_mid_round(federated):
    shop = federated(recipe=ALS(dimension=2, rounds=2))
    context = shop.visitor()
    one, other = shop.tab(context), shop.tab(context)
    with shop.agents(range(1, USERS)) as problems:
        shop.take_part(one, 0)
        other.evaluate("hedgerow.participate()")
        locks = "navigator.locks.query().then(({ held, pending }) => held.length * pending.length)"
        other.wait_for_function(f"() => {locks}")
        with shop.door.stalling("PUT", "/report", lose=True, after=1) as stall:
            shop.begin()
            stall.wait()
            assert len(shop.rounds(one, 1)) == 1
            assert other.evaluate("told.round") == []
            one.close()
        assert len(shop.rounds(other, 1)) == 1
        shop.finished()
    assert problems == []
    first, lost, again = shop.door.of("PUT", "/report")
    assert first != lost == again
    assert len(shop.door.of("POST", "/v1/enrol")) == 1
    sent = other.evaluate("hedgerow.status()")["sent"]
    assert [message["bytes"] for message in sent] == [len(first), len(lost), len(again)]


def test_after_a_crash_the_same_bytes_are_sent_again(federated, tmp_path):
    shop, profile = federated(), tmp_path / "profile"
    with shop.agents(range(1, USERS)) as problems:
        with shop.door.stalling("PUT", "/report", lose=True) as stall:
            shop.take_part(shop.tab(shop.visitor(profile)), 0)
            shop.begin()
            stall.wait()
            _kill(profile)
        tab = shop.tab(shop.visitor(profile))
        assert tab.evaluate("hedgerow.status()")["interactions"] == len(shop.items_of(0))
        tab.evaluate("hedgerow.participate()")
        assert len(shop.rounds(tab, 1)) == 1
        shop.finished()
    assert problems == []
    lost, again = shop.door.of("PUT", "/report")
    assert lost == again


def test_offline_and_back(federated):
    shop = federated()
    context = shop.visitor()
    tab = shop.tab(context)
    with shop.agents(range(1, USERS)) as problems:
        shop.take_part(tab, 0)
        shop.wire.cut()
        context.set_offline(True)
        shop.begin()
        assert tab.evaluate("hedgerow.track('view', 'an article of another catalog')")
        assert len(tab.evaluate("hedgerow.recommend({ k: 3 })")) == 3
        reports = tables.messages.c.kind == "report"
        wait_until(lambda: shop.count(tables.messages, reports) == USERS - 1, "agents are late")
        assert shop.door.of("PUT", "/report") == []
        shop.wire.mend()
        context.set_offline(False)
        assert len(shop.rounds(tab, 1)) == 1
        shop.finished()
    assert problems == []


def _kill(profile):
    """End a browser as a crash does."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if f"--user-data-dir={profile}" in words and not any("--type=" in word for word in words):
            process.kill()
            process.wait(20)
