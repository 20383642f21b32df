"""Guards on bodies, by applications that read them in several ways, and over a real socket."""

import asyncio
import json
import socket
import threading
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hedgerow.server.security.bodies import BodyGuard, _StoppedError


class Time:
    now = 0.0

    def __call__(self):
        return self.now


async def reads(scope, receive, send):
    """Answer with the number of bytes."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, 200, b"%d" % size)


async def swallows(scope, receive, send):
    """Turn any error into an answer, as frameworks do."""
    with suppress(Exception):
        await reads(scope, receive, send)
        return
    await answer(send, 400, b"framework")


async def answers_first(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await reads(scope, receive, lambda message: asyncio.sleep(0))


async def answers_without_reading(scope, receive, send):
    await answer(send, 204, b"")


async def answer(send, status, body):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(app, pieces, *, length=None, most=100, clock=None, delays=(), grace=10, slowest=10):
    """Send the pieces of a body, each after so many seconds; return status, body, pieces taken."""
    clock = clock or Time()
    sent, taken = [], []

    async def receive():
        number = len(taken)
        taken.append(number)
        if number < len(delays):
            clock.now += delays[number]
        if isinstance(pieces[number], dict):
            return pieces[number]
        more = isinstance(dict(enumerate(pieces)).get(number + 1), bytes)
        return {"type": "http.request", "body": pieces[number], "more_body": more}

    async def send(message):
        sent.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "path": "/upload", "headers": headers}
    guard = BodyGuard(app, lambda _: most, grace=grace, slowest=slowest, clock=clock)
    asyncio.run(guard(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body, len(taken)


@pytest.mark.parametrize("pieces", [[b""], [b"a" * 100], [b"a" * 50, b"", b"a" * 50]])
@pytest.mark.parametrize("length", [None, b"100"])
def test_what_fits_passes(pieces, length):
    size = sum(map(len, pieces))
    assert ask(reads, pieces, length=length) == (200, b"%d" % size, len(pieces))


@pytest.mark.parametrize("app", [reads, swallows])
def test_what_says_it_is_too_large_is_not_read(app):
    status, body, taken = ask(app, [b"a"], length=b"101")
    assert (status, taken) == (413, 0)
    assert json.loads(body) == {
        "error": "body-too-large",
        "detail": "The request's body has more than 100 bytes.",
    }


@pytest.mark.parametrize("app", [reads, swallows])
@pytest.mark.parametrize("length", [None, b"5"])
def test_what_is_too_large_is_read_no_further(app, length):
    pieces = [b"a" * 60] * 10
    status, body, taken = ask(app, pieces, length=length)
    assert (status, taken) == (413, 2)
    assert json.loads(body)["error"] == "body-too-large"


def test_a_last_piece_too_many_counts():
    assert ask(reads, [b"a" * 100, b"a"])[0] == 413


@pytest.mark.parametrize("length", [b"", b"-1", b"1e3", b"0x10", b"9" * 30, b"\xb2"])
def test_a_length_has_to_be_a_number(length):
    status, body, taken = ask(reads, [b"a"], length=length)
    assert (status, taken) == (400, 0)
    assert json.loads(body)["error"] == "bad-length"


@pytest.mark.parametrize("app", [reads, swallows])
def test_a_body_that_comes_too_slowly_is_given_up(app):
    pieces = [b"a"] * 50
    status, body, taken = ask(app, pieces, delays=[1] * 50)
    # A byte buys a tenth of a second: after 11 bytes 11 s have passed, and 11.1 s were given.
    assert (status, taken) == (408, 12)
    assert json.loads(body)["error"] == "body-too-slow"


def test_a_body_that_comes_fast_enough_passes():
    pieces = [b"a" * 10] * 50
    assert ask(reads, pieces, most=500, delays=[1] * 50)[0] == 200


def test_the_last_piece_of_a_slow_body_is_taken():
    assert ask(reads, [b"a", b"b"], delays=[0, 60])[0] == 200


def test_the_applications_own_time_does_not_count():
    clock = Time()

    async def slow(scope, receive, send):
        async def receive_late():
            clock.now += 1000
            return await receive()

        await reads(scope, receive_late, send)

    assert ask(slow, [b"a"] * 5, clock=clock)[0] == 200


def test_an_answer_that_has_begun_is_broken_off():
    with pytest.raises(_StoppedError):
        ask(answers_first, [b"a" * 60] * 3)


def test_an_answer_without_the_body_passes():
    assert ask(answers_without_reading, [b"a"] * 3)[0] == 204


def test_after_the_body_nothing_is_guarded():
    """A long poll waits for the disconnection as long as it likes."""

    async def polls(scope, receive, send):
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        await answer(send, 200, b"")

    late = {"type": "http.disconnect"}
    assert ask(polls, [b"", late, late], delays=[0, 10_000])[0] == 200


def test_other_errors_of_the_application_pass():
    async def fails(scope, receive, send):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(fails, [b""])


def test_what_is_no_request_passes():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(BodyGuard(app, lambda _: 0)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_a_requests_head_says_how_large_it_may_be():
    guard = BodyGuard(reads, lambda scope: len(scope["path"]))
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"abc", "more_body": False}

    async def send(message):
        sent.append(message.get("status"))

    for path in ("/ab", "/a"):
        asyncio.run(guard({"type": "http", "path": path, "headers": []}, receive, send))
    assert [status for status in sent if status] == [200, 413]


@pytest.fixture(scope="module")
def port():
    """A real server that gives up on bodies after a twentieth of a second."""

    async def upload(request):
        return PlainTextResponse(str(len(await request.body())))

    app = BodyGuard(
        Starlette(routes=[Route("/upload", upload, methods=["POST"])]),
        lambda _: 1000,
        grace=0.05,
        slowest=1e6,
    )
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def talk(port, text):
    """Send a text, and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        return connection.makefile("rb").read()


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", b"200"),
        (b"Content-Length: 1001\r\n\r\n", b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"a" * 2000, b"413"),
        (b"Content-Length: 5\r\n\r\nhell", b"408"),
        (b"Content-Length: 5\r\n\r\n", b"408"),
        (b"Content-Length: 5, 6\r\n\r\nhello", b"400"),
    ],
)
def test_over_a_socket(port, rest, status):
    found = talk(port, b"POST /upload HTTP/1.1\r\nHost: localhost\r\n" + rest)
    assert found.split(b" ", 2)[1] == status
