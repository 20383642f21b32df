"""Rate limits: against a plain list of what was let through."""

import asyncio
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.server.security.limits import Limiter, Rate, RateLimit, network


class Time:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_burst_passes_and_comes_back_evenly():
    clock = Time()
    limiter = Limiter(Rate(3, 60), clock)
    assert [limiter.wait("a") for _ in range(3)] == [0, 0, 0]
    assert limiter.wait("a") == pytest.approx(20)
    clock.now += 15
    assert limiter.wait("a") == pytest.approx(5)
    assert limiter.wait("b") == 0
    clock.now += 5
    assert limiter.wait("a") == 0
    assert limiter.wait("a") == pytest.approx(20)
    clock.now += 1000
    assert [limiter.wait("a") for _ in range(4)] == [0, 0, 0, pytest.approx(20)]


@given(
    rate=st.builds(Rate, st.integers(1, 5), st.integers(1, 50)),
    gaps=st.lists(st.floats(0, 30), max_size=60),
)
def test_no_stretch_lets_more_than_twice_the_rate_through(rate, gaps):
    clock = Time()
    limiter = Limiter(rate, clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        wait = limiter.wait("a")
        if wait == 0:
            passed.append(clock.now)
        else:
            assert 0 < wait <= rate.seconds / rate.requests + 1e-6
    for start in passed:
        within = [at for at in passed if start <= at < start + rate.seconds]
        assert len(within) <= 2 * rate.requests


@given(gaps=st.lists(st.floats(0, 30), max_size=60))
def test_whoever_waits_as_told_passes(gaps):
    clock = Time()
    limiter = Limiter(Rate(2, 10), clock)
    for gap in gaps:
        clock.now += gap
        wait = limiter.wait("a")
        clock.now += wait + 1e-6
        assert wait == 0 or limiter.wait("a") == 0


def test_whoever_keeps_to_the_rate_always_passes():
    clock = Time()
    limiter = Limiter(Rate(60, 60), clock)
    for _ in range(1000):
        assert limiter.wait("a") == 0
        clock.now += 1


def test_memory_is_bounded_and_the_busy_are_remembered():
    limiter = Limiter(Rate(2, 60), Time(), most=100)
    assert [limiter.wait("busy") for _ in range(2)] == [0, 0]
    for number in range(1000):
        assert limiter.wait(f"other {number}") == 0
        assert limiter.wait("busy") > 0
    assert len(limiter._due) <= 100


def test_many_addresses_cost_no_time():
    limiter = Limiter(Rate(600, 60))
    for number in range(100_000):
        limiter.wait(str(number))
    before = time.process_time()
    for number in range(10_000):
        limiter.wait(str(number))
    assert (time.process_time() - before) / 10_000 < 100e-6


@pytest.mark.parametrize("rate", [(0, 1), (1, 0), (1, -1), (1, float("inf")), (1, float("nan"))])
def test_rates_that_let_nothing_through_are_refused(rate):
    with pytest.raises(ConfigError):
        Rate(*rate)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_of_one_party_are_one(address, wanted):
    assert network(address) == wanted


def ask(app, address="192.0.2.1", who=None, kind="http"):
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    client = (address, 1234) if address else None
    scope = {"type": kind, "path": "/", "headers": [], "client": client, "who": who}
    asyncio.run(app(scope, receive, send))
    return sent


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def guarded(per_address=100, per_identity=100, asked=None):
    def identify(scope):
        if asked is not None:
            asked.append(scope["who"])
        return scope["who"]

    clock = Time()
    return RateLimit(
        application,
        Limiter(Rate(per_address, 60), clock),
        Limiter(Rate(per_identity, 60), clock),
        identify,
    )


def status(sent):
    return sent[0]["status"]


def test_an_address_is_limited_before_anyone_is_identified():
    asked = []
    app = guarded(per_address=2, asked=asked)
    found = [status(ask(app, who=f"{n}")) for n in range(4)]
    assert found == [200, 200, 429, 429]
    assert asked == ["0", "1"]
    assert status(ask(app, "192.0.2.2")) == 200


def test_an_identity_is_limited_wherever_it_comes_from():
    app = guarded(per_identity=2)
    found = [status(ask(app, f"192.0.2.{n}", "anna")) for n in range(3)]
    assert found == [200, 200, 429]
    assert status(ask(app, "192.0.2.9", "ben")) == 200
    assert status(ask(app, "192.0.2.9")) == 200
    assert status(ask(app, None, "anna")) == 429


def test_a_refusal_is_json_and_says_when_to_come_back():
    app = guarded(per_address=1)
    ask(app)
    start, body = ask(app)
    headers = dict(start["headers"])
    assert start["status"] == 429
    assert headers[b"retry-after"] == b"60"
    assert headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(body["body"])
    assert json.loads(body["body"]) == {
        "error": "too-many-requests",
        "detail": "Too many requests; try again in 60 s.",
    }


def test_what_is_no_request_passes():
    app = guarded(per_address=1)
    for _ in range(3):
        assert status(ask(app, kind="lifespan")) == 200
