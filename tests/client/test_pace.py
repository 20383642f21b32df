"""A term leaves at a rung of the ladder, which is all that its time tells."""

import asyncio
import itertools
import operator
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.client import pace
from hedgerow.client.pace import LONGEST, LOWEST, Pace, rung

QUARTERS = itertools.accumulate([1.0, *[1.25] * 31], operator.mul)
RUNGS = [*(2.0**k for k in range(-6, 0)), *QUARTERS, LONGEST]


@given(st.floats(0, LONGEST))
def test_it_is_the_next_rung(seconds):
    assert rung(seconds) == min(moment for moment in RUNGS if moment >= seconds)


def test_the_ladder_has_two_ends():
    assert rung(0) == LOWEST == 1 / 64
    assert rung(LONGEST) == LONGEST == 1024


async def paced(work):
    pace = Pace.start()
    found = await pace.work(work, lambda: "nothing")
    await pace.moment()
    return found


def test_what_takes_no_time_leaves_at_the_first_rung():
    started = time.monotonic()
    assert asyncio.run(paced(lambda: "term")) == "term"
    assert time.monotonic() - started >= LOWEST


def test_what_takes_too_long_leaves_without_a_term(monkeypatch):
    monkeypatch.setattr(pace, "LONGEST", LOWEST)
    go_on = threading.Event()

    async def wait():
        try:
            return await paced(lambda: go_on.wait(60) and "term")
        finally:
            go_on.set()

    assert asyncio.run(wait()) == "nothing"


def test_a_program_that_is_stopped_does_not_wait():
    async def stopped():
        working = asyncio.ensure_future(paced(lambda: "term"))
        await asyncio.sleep(0)
        working.cancel()
        await working

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
