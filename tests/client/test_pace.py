"""A term leaves at a rung of the ladder, which is all that its time tells."""

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.client import pace
from hedgerow.client.pace import LONGEST, LOWEST, on_a_rung, rung


@given(st.floats(0, LONGEST))
def test_it_is_the_next_rung(seconds):
    found = rung(seconds)
    assert max(seconds, LOWEST) <= found < max(2 * seconds, LOWEST + 1e-9)
    assert found in {LOWEST * 2**k for k in range(16)}


def test_there_are_sixteen_rungs():
    assert rung(0) == LOWEST == 1 / 32
    assert rung(LONGEST) == LONGEST == LOWEST * 2**15


def test_what_takes_no_time_leaves_at_the_first_rung():
    started = time.monotonic()
    assert asyncio.run(on_a_rung(lambda: "term", lambda: "nothing")) == "term"
    assert time.monotonic() - started >= LOWEST


def test_what_takes_too_long_leaves_without_a_term(monkeypatch):
    monkeypatch.setattr(pace, "LONGEST", LOWEST)
    go_on = threading.Event()

    async def wait():
        try:
            return await on_a_rung(lambda: go_on.wait(60) and "term", lambda: "nothing")
        finally:
            go_on.set()

    assert asyncio.run(wait()) == "nothing"


def test_a_program_that_is_stopped_does_not_wait():
    async def stopped():
        working = asyncio.ensure_future(on_a_rung(lambda: "term", lambda: "nothing"))
        await asyncio.sleep(0)
        working.cancel()
        await working

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
