"""Answers that would fill the memory, from a real server on this computer."""

import asyncio
import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from hedgerow.answers import LARGEST, bounded, bounded_async, by_path
from hedgerow.errors import ProtocolError

MOST = 100_000


class Hostile(BaseHTTPRequestHandler):
    """Answers without end, squeezed, with a false length, or as it should."""

    sent = 0

    def do_GET(self):
        self.send_response(200)
        body = b"x" * 1_000
        if self.path == "/squeezed":
            body = gzip.compress(bytes(50_000_000))
            self.send_header("content-encoding", "gzip")
        if self.path not in {"/endless", "/squeezed"}:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.path == "/endless":
            try:
                while True:
                    Hostile.sent += self.wfile.write(body)
            except OSError:
                return
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def ask(url, path, how):
    if how == "plain":
        with bounded(httpx.Client(base_url=url), lambda _: MOST) as http:
            return http.get(path)

    async def call():
        async with bounded_async(httpx.AsyncClient(base_url=url), lambda _: MOST) as http:
            return await http.get(path)

    return asyncio.run(call())


@pytest.mark.parametrize("how", ["plain", "asyncio"])
def test_an_endless_answer_is_left_soon(url, how):
    Hostile.sent = 0
    with pytest.raises(ProtocolError, match="more than 100,000 bytes"):
        ask(url, "/endless", how)
    # What the operating systems had under way is not in the memory of who asked.
    assert Hostile.sent < 100 * MOST


@pytest.mark.parametrize("how", ["plain", "asyncio"])
def test_a_squeezed_answer_is_not_unpacked(url, how):
    with pytest.raises(ProtocolError, match="compresses"):
        ask(url, "/squeezed", how)


@pytest.mark.parametrize("how", ["plain", "asyncio"])
def test_other_answers_come_whole(url, how):
    assert ask(url, "/right", how).content == b"x" * 1_000


def test_models_alone_are_large():
    assert by_path(httpx.URL("https://one.example/v1/token")) == LARGEST
    assert by_path(httpx.URL("https://one.example/v1/models/ab")) > 3_600_000_000
