"""Calls of the helper: nothing of a body is kept of whoever cannot sign its head."""

import contextlib
import hashlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from network import Deployment, drawn, serving
from processes import Deployed

from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.split.messages import AgreedSet, Collect
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.app import build_helper
from hedgerow.server.helper import calls
from hedgerow.server.security import keys
from hedgerow.server.settings import LARGEST_CALL
from hedgerow.server.storage.database import Database

PATH = "/v1/helper/collect"
BODY = to_wire(Collect(AgreedSet(bytes(32), 2, bytes(32)), bytes(64)))
NOW = 1000.0


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("helper")
    deployment = Deployment(folder, Database.open(f"sqlite:///{folder / 'hedgerow.db'}"))
    object.__setattr__(deployment.helper, "clock", lambda: NOW)
    with serving(build_helper(deployment.helper)) as found:
        yield found
    deployment.helper.database.close()
    deployment.database.close()


def called(address, headers, body=BODY, path=PATH):
    answer = httpx.post(address + path, content=body, headers=headers)
    return answer.status_code, answer.json()["error"]


def test_a_signed_call_is_heard(address):
    head = calls.head(drawn(2), PATH, BODY, now=NOW)
    assert called(address, head) == (409, "other-session")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"authorization": ""}, "unauthenticated"),
        ({"authorization": "Hedgerow 1.00"}, "unauthenticated"),
        ({"content-digest": ""}, "unauthenticated"),
        ({"content-digest": "sha-256=:AAAA:"}, "unauthenticated"),
        ({"content-digest": "sha-256=:" + 43 * "A" + "=:"}, "bad-signature"),
    ],
)
def test_a_head_that_was_not_signed_is_refused(address, change, code):
    head = calls.head(drawn(2), PATH, BODY, now=NOW) | change
    assert called(address, head) == (401, code)


def test_a_signature_counts_for_one_path_time_and_key(address):
    for key, path, now, code in (
        (drawn(3), PATH, NOW, "bad-signature"),
        (drawn(2), "/v1/helper/begin", NOW, "bad-signature"),
        (drawn(2), PATH, NOW + calls.WINDOW + 1, "bad-time"),
        (drawn(2), PATH, NOW - calls.WINDOW - 1, "bad-time"),
    ):
        assert called(address, calls.head(key, path, BODY, now=now)) == (401, code)


def test_a_body_is_the_one_whose_head_was_signed(address):
    head = calls.head(drawn(2), PATH, BODY, now=NOW)
    other = BODY[:-1] + bytes([BODY[-1] ^ 1])
    assert called(address, head, other) == (401, "bad-signature")
    longer = {**head, "content-length": str(len(BODY) + 1)}
    assert called(address, longer, BODY + b"\0") == (401, "bad-signature")
    del head["content-length"]
    assert called(address, head, iter([BODY])) == (401, "unauthenticated")


def test_a_head_says_how_long_its_body_is():
    head = calls.head(drawn(2), PATH, BODY, now=NOW)
    found = calls.checked(public(drawn(2)), PATH, head, now=NOW)
    assert found == calls.Head(len(BODY), hashlib.sha256(BODY).digest())


MEGABYTE = 1 << 20


def resident(process):
    """The bytes of memory that a process has at the most, and has now."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return [int(found[name].split()[0]) << 10 for name in ("VmHWM", "VmRSS")]


def pour(port, head, size):
    """Send a head and most of a body until nobody takes any more; return the open connection."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.settimeout(0.5)
    with contextlib.suppress(OSError):
        connection.sendall(head)
        while size > 0:
            size -= connection.send(bytes(min(size, MEGABYTE)))
    return connection


def answered(connection):
    """Close a connection, once the server has answered or closed it; fail if it does neither."""
    connection.settimeout(8)
    with connection, contextlib.suppress(ConnectionError):
        connection.recv(1)
    return True


@pytest.mark.parametrize("role", ["helper", "coordinator"])
def test_silent_strangers_cost_a_server_no_memory(tmp_path, role):
    size = 64 * MEGABYTE
    places = ["POST /v1/helper/judge", f"PUT /v1/rounds/{'0' * 32}/report", "POST /v1/enrol"]
    with Deployed(tmp_path / "d") as deployed, ThreadPoolExecutor(6) as pool:
        program = deployed.serve(role)
        port = deployed.helper_port if role == "helper" else deployed.port
        before, _ = resident(program.process)
        for place in places:
            # A few large bodies; and many of a megabyte, which may be as bad.
            for length, times in ((size, 6), (MEGABYTE, 40)):
                head = f"{place} HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n".encode()
                silent = pool.map(
                    pour, [port] * times, [head] * times, [length - MEGABYTE // 2] * times
                )
                assert all(pool.map(answered, list(silent)))
        after, _ = resident(program.process)
        assert after - before < 16 * MEGABYTE


def test_heads_are_short_and_quick(tmp_path):
    with Deployed(tmp_path / "d") as deployed:
        program = deployed.serve("helper")
        before, _ = resident(program.process)
        endless = b"GET / HTTP/1.1\r\n" + b"x: " + bytes(20 * MEGABYTE).replace(b"\0", b"a")
        many = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (3 * MEGABYTE)
        for head in (endless, many):
            with pour(deployed.helper_port, head, 0) as connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                assert connection.recv(1) == b""
        after, _ = resident(program.process)
        assert after - before < 8 * MEGABYTE


def test_as_many_bytes_as_there_is_room_for_are_kept_of_the_coordinator(tmp_path):
    """Its key may be stolen: then calls that stop half-way are many, and wait for each other."""
    with Deployed(tmp_path / "d") as deployed, ThreadPoolExecutor(12) as pool:
        program = deployed.serve("helper")
        key = keys.load_coordinator(deployed.folder).signing
        path, body = "/v1/helper/judge", bytes(LARGEST_CALL)
        head = calls.head(key, path, body, now=time.time())
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        text = f"POST {path} HTTP/1.1\r\nhost: h\r\n{lines}\r\n".encode()
        before, _ = resident(program.process)
        size = LARGEST_CALL - MEGABYTE
        silent = list(pool.map(lambda _: pour(deployed.helper_port, text, size), range(12)))
        after, _ = resident(program.process)
        for connection in silent:
            connection.close()
        assert after - before < 3 * LARGEST_CALL
