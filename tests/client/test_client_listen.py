"""The endpoint over real HTTP: who may ask, what they may send, and that it says nothing else."""

import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import polars as pl
import pytest
from support import states_of, structured_block

from hedgerow.client.listen import listen
from hedgerow.client.recommending import LocalRecommender
from hedgerow.client.store import Store
from hedgerow.data.catalog import Catalog
from hedgerow.errors import ConfigError
from hedgerow.models.registry import make
from hedgerow.recommender import Recommender

TOKEN = "a-token-of-some-length"
WRONG = ("", TOKEN, f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", "Bearer \xff")
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    recipe = make("item_item", {"regularization": 5.0})
    catalog = Catalog(pl.Series("item_id", [f"i{n}" for n in range(12)]))
    model = Recommender(recipe, states_of(recipe, structured_block(60, 12))[-1], catalog)
    store = Store(tmp_path_factory.mktemp("agent"))
    store.consents.give("recommend", "ann", "1")
    yield LocalRecommender(model, store)
    store.close()


@pytest.fixture(scope="module")
def http(agent):
    listener = listen(lambda: agent)
    with httpx.Client(base_url=url(listener)) as client:
        yield client
    listener.stop()


def url(listener):
    return f"http://{listener.address[0]}:{listener.address[1]}"


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error", "detail"}
    assert body["error"] == code
    assert body["detail"].endswith(".")
    return True


def test_what_is_tracked_is_in_the_next_answer(http, agent):
    user = "ann / 17?"
    for item in ("i1", "i4", "i7"):
        answer = http.post("/track", json={"user": user, "item": item})
        assert answer.status_code == 201
        assert answer.json()["item"] == item
        answer = http.get("/recommend", params={"user": user, "k": 4})
        assert answer.status_code == 200
        wanted = [vars(found) for found in agent.recommend(user, 4)]
        assert answer.json() == {"user": user, "items": wanted}
        assert answer.headers["cache-control"] == "no-store"
    assert [seen.item for seen in agent.known.history(user)] == ["i1", "i4", "i7"]


def test_defaults_are_ten_for_the_device_itself(http, agent):
    answer = http.get("/recommend").json()
    assert answer["user"] == ""
    assert len(answer["items"]) == 10
    kept = {"item": "i3", "timestamp": 5, "weight": 2, "kind": "view"}
    assert http.post("/track", json=kept).json() == {"user": "", **kept}


def test_health(http):
    assert http.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize("k", ["0", "1001", "-1", "1.5", "ten", "", "9" * 5000, "²", "1_0"])
def test_lists_of_no_length_are_refused(http, k):
    assert refused(http.get("/recommend", params={"k": k}), 422, "bad-request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"item": 3}',
        b'{"item": ""}',
        b'{"item": "a", "extra": 1}',
        b'{"item": "a", "user": null}',
        b'{"item": "a", "timestamp": 1.5}',
        b'{"item": "a", "timestamp": true}',
        b'{"item": "a", "timestamp": -1}',
        b'{"item": "a", "timestamp": 1e400}',
        b'{"item": "a", "weight": NaN}',
        b'{"item": "a", "weight": "2"}',
        b'{"item": "\\ud800"}',
        b'{"item": "a", "timestamp": ' + b"9" * 30 + b"}",
        b'{"item": "a", "timestamp": ' + b"9" * 5000 + b"}",
        b"[" * 8000,
        b"\xff\xfe",
        b'{"item": "' + b"x" * 300 + b'"}',
    ],
)
def test_bodies_that_are_no_interaction_are_refused(http, agent, body):
    before = agent.known.history()
    assert refused(http.post("/track", content=body, headers=JSON), 422, "bad-request")
    assert agent.known.history() == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_web_page_may_send_is_refused(http, kind):
    answer = http.post("/track", content=b'{"item": "i1"}', headers={"content-type": kind})
    assert refused(answer, 415, "not-json")


def test_a_large_body_is_cut_off(http):
    body = json.dumps({"item": "a" * 10_000}).encode()
    assert refused(http.post("/track", content=body, headers=JSON), 413, "too-large")

    def endless():
        for _ in range(100):
            yield b" " * 1000

    assert refused(http.post("/track", content=endless(), headers=JSON), 413, "too-large")


def test_other_routes_and_methods_are_refused(http):
    assert refused(http.get("/"), 404, "not-found")
    assert refused(http.get("/recommend/x"), 404, "not-found")
    assert refused(http.post("/recommend"), 405, "method-not-allowed")
    assert refused(http.get("/track"), 405, "method-not-allowed")
    assert refused(http.delete("/health"), 405, "method-not-allowed")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", "", "[::1"])
def test_a_page_under_another_name_is_refused(http, host):
    assert refused(http.get("/recommend", headers={"host": host}), 403, "other-host")


@pytest.mark.parametrize("host", ["localhost", "localhost:99", "[::1]:99", "127.0.0.1"])
def test_this_computers_own_names_are_not(http, host):
    assert http.get("/health", headers={"host": host}).status_code == 200


def test_many_at_once_are_served(http, agent):
    def ask(number):
        user = f"u{number % 4}"
        http.post("/track", json={"user": user, "item": f"i{number % 12}"})
        return http.get("/recommend", params={"user": user}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(32))) == {200}
    assert sum(len(agent.known.history(f"u{n}")) for n in range(4)) == 32


def test_consent_is_asked_each_time(http, agent):
    agent.store.consents.withdraw("recommend", "ann")
    try:
        assert refused(http.get("/recommend"), 403, "no-consent")
    finally:
        agent.store.consents.give("recommend", "ann", "1")
    assert http.get("/recommend").status_code == 200


def test_a_token_is_asked_of_everyone(agent):
    listener = listen(lambda: agent, token=TOKEN)
    with httpx.Client(base_url=url(listener)) as http:
        good = {"authorization": f"Bearer {TOKEN}"}
        for route in ("/health", "/recommend"):
            assert http.get(route, headers=good).status_code == 200
            named = {"host": "agent.hospital.example", **good}
            assert http.get(route, headers=named).status_code == 200
            for shown in WRONG:
                answer = http.get(route, headers={"authorization": shown.encode("latin-1")})
                assert refused(answer, 401, "unauthenticated")
                assert answer.headers["www-authenticate"] == "Bearer"
        assert refused(http.post("/track", json={"item": "i1"}), 401, "unauthenticated")
        assert http.post("/track", json={"item": "i1"}, headers=good).status_code == 201
    listener.stop()


def test_before_there_is_a_model(agent):
    found = []
    listener = listen(lambda: found[-1] if found else None)
    with httpx.Client(base_url=url(listener)) as http:
        assert http.get("/health").json() == {"status": "waiting for a model"}
        assert refused(http.get("/recommend"), 503, "no-model")
        assert refused(http.post("/track", json={"item": "i1"}), 503, "no-model")
        found.append(agent)
        assert http.get("/health").json() == {"status": "ok"}
    listener.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "agent.example"])
def test_others_may_not_ask_without_a_token(agent, host):
    with pytest.raises(ConfigError, match="give a token"):
        listen(lambda: agent, host)


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "x" * 513, "ä" * 20])
def test_a_token_that_is_none_is_refused(agent, token):
    with pytest.raises(ConfigError, match="16 to 512"):
        listen(lambda: agent, token=token)


def test_a_port_that_is_taken(agent):
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(ConfigError, match="cannot be listened on"):
        listen(lambda: agent, port=taken.getsockname()[1])


def test_no_user_and_no_item_is_logged(agent, caplog):
    caplog.set_level(logging.DEBUG)
    listener = listen(lambda: agent)
    with socket.create_connection(listener.address) as connection:
        request = b"GET /recommend?user=secret-user HTTP/1.1\r\nhost: localhost\r\n"
        connection.sendall(request + b"connection: close\r\n\r\n")
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")
    listener.stop()
    assert "secret" not in caplog.text


def test_it_stops(agent):
    listener = listen(lambda: agent)
    listener.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url(listener)}/health")
