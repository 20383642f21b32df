"""Bodies stay in the network's buffers until an application asks for them."""

import asyncio
import contextlib
import socket
import threading

import httpx
import pytest
import uvicorn

from hedgerow.server.security import reading
from hedgerow.server.security.reading import HEAD, PatientProtocol


@contextlib.contextmanager
def serving(app, loop):
    taken = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=PatientProtocol, loop=loop, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    try:
        yield taken.getsockname()
    finally:
        server.should_exit = True
        thread.join()


async def answer(send, body):
    head = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


def sent(client, size):
    """Send until nobody takes any more; return how much was taken."""
    count = 0
    with contextlib.suppress(TimeoutError):
        while count < size:
            count += client.send(bytes(min(size - count, 1 << 16)))
    return count


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_read_before_it_is_asked_for(loop, method):
    begun, pieces, go = threading.Event(), [], threading.Event()

    async def app(scope, receive, send):
        begun.set()
        await asyncio.to_thread(go.wait)
        more = True
        while more:
            message = await receive()
            pieces.append(len(message["body"]))
            more = message["more_body"]
        await answer(send, b"%d" % sum(pieces))

    size = 8 << 20
    with serving(app, loop) as address, socket.create_connection(address) as client:
        client.settimeout(0.5)
        head = b"%s / HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % (
            method.encode(),
            size,
        )
        client.sendall(head + bytes(HEAD))
        assert begun.wait(10)
        # Until the network's buffers are full: a server that read on would take it all.
        left = size - HEAD - sent(client, size - HEAD)
        assert left > size // 8
        go.set()
        client.settimeout(10)
        client.sendall(bytes(left))
        heard = b""
        while not heard.endswith(b"\r\n\r\n%d" % size):
            heard += client.recv(1 << 16) or pytest.fail(heard)
    assert pieces[0] <= HEAD


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_requests_follow_each_other_on_one_connection(loop):
    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await answer(send, body)

    bodies = [bytes([n]) * size for n, size in enumerate((0, 1, HEAD, 3 * HEAD + 1, 1 << 20, 5))]
    with serving(app, loop) as (host, port), httpx.Client() as http:
        for method in ("PUT", "POST"):
            for body in bodies:
                found = http.request(method, f"http://{host}:{port}/", content=body)
                assert found.content == body


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nx: ", b"GET / HTTP/1.1\r\n\r\nG"])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_head_that_does_not_end_is_given_up(loop, beginning, monkeypatch):
    monkeypatch.setattr(reading, "SLOWEST_HEAD", 0.2)

    async def app(scope, receive, send):
        await answer(send, b"ok")

    with serving(app, loop) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(beginning)
        heard = b""
        while data := client.recv(1 << 16):
            heard += data
        assert heard.endswith(b"ok") == beginning.endswith(b"G")


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_head_that_is_too_long_is_given_up(loop, before):
    paths = []

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await answer(send, b"ok")

    with serving(app, loop) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(before)
        with contextlib.suppress(ConnectionError):
            client.sendall(b"GET /long HTTP/1.1\r\nx: " + b"a" * (4 << 20))
            while client.recv(1 << 16):
                pass
    assert paths == ["/"] * bool(before)
