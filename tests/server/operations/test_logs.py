"""Logs: a whole federation is logged, and nothing that it keeps secret shows up."""

import asyncio
import base64
import io
import json
import logging

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from network import Deployment, contribute, fold_of, members
from operated import operated, runs_ended
from sqlalchemy import select

from hedgerow.server.operations import logs
from hedgerow.server.operations.requests import Seen
from hedgerow.server.security.access import Role, new_access_key
from hedgerow.server.storage import tables


@pytest.fixture
def log():
    """What is logged, as text; the process's own logging is put back afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("secure", ["pairwise", "split"])
def test_no_token_key_or_body_of_a_whole_run_is_logged(
    tmp_path, sqlite, shop, clients, make_task, log, secure
):
    deployment = Deployment(tmp_path, sqlite)
    identities = deployment.enrol(clients.names)
    deployment.task(make_task(secure), shop.catalog)
    found = members(deployment, identities, clients, fold_of(shop))
    with sqlite.write() as connection:
        secret = new_access_key(connection, "prometheus", Role.OPERATOR, clock=lambda: 0.0)
    tokens, bodies = [], []
    with operated(deployment) as running:
        shown = httpx.get(
            f"{running.address}/metrics?password=opensesame",
            headers={"authorization": f"Bearer {secret}"},
        )
        verify, put = running.site.issuer.verify, running.site.inbox.put

        def remembered(token):
            tokens.append(token)
            return verify(token)

        def kept(message):
            bodies.append(message.body)
            return put(message)

        object.__setattr__(running.site.issuer, "verify", remembered)
        running.site.inbox.put = kept
        asyncio.run(contribute(running.address, found, lambda: runs_ended(sqlite)))
        httpx.get(f"{running.address}/v1/rounds/{secret}/{secret}?token={secret}")
        httpx.put(f"{running.address}/v1/rounds/{secret}/{secret}", content=b"opensesame")
    assert shown.status_code == 200
    assert tokens
    written = log.getvalue()
    requests = [line for line in lines(log) if line["event"] == "request"]
    assert {"/v1/check-in", "/v1/rounds/{name}/{kind}", "/v1/token"} <= {
        line["route"] for line in requests
    }
    with sqlite.read() as connection:
        keys = list(connection.scalars(select(tables.clients.c.id)))
    assert any(bodies)
    private = [member.identity.key.private_bytes_raw() for member in found]
    texts = [secret, "opensesame", *tokens]
    texts += [key[n : n + 9] for key in keys for n in range(0, 56, 9)]
    for raw in [*private, *bodies]:
        piece = raw[:24] if len(raw) > 24 else raw
        if len(piece) >= 8:
            texts += [piece.hex(), base64.b64encode(piece).decode().rstrip("="), repr(piece)[2:-1]]
    assert [text for text in texts if text in written] == []


SECRETS = [
    "hak_" + "A" * 43,
    "het_abcDEF123",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "ab" * 32,
    repr(bytes(range(200, 240))),
    "postgresql://user:opensesame@host/db",
    "Zm9vYmFyMTIzNDU2Nzg5MFF1dXhCYXpGb28xMjM0NTY3ODkw",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
]
TELLING = [
    "A" * 20,
    "abcDEF123",
    "c2lnbmF0dXJl",
    "ab" * 5,
    "\\xc8",
    "opensesame",
    "Zm9vYmFy",
    "MC4CAQ",
]


@pytest.mark.parametrize(("secret", "telling"), list(zip(SECRETS, TELLING, strict=True)))
@pytest.mark.parametrize("way", ["value", "nested", "event", "library", "traceback", "statement"])
def test_what_looks_like_a_secret_is_struck_out(log, secret, telling, way):
    writer = structlog.get_logger("hedgerow.test")
    if way == "value":
        writer.info("said", what=secret)
    elif way == "nested":
        writer.info("said", what={"a": [secret, {secret: 1}]})
    elif way == "event":
        writer.info(f"it is {secret}, is it not")
    elif way == "library":
        logging.getLogger("uvicorn.error").warning("it is %s", secret)
    elif way == "statement":
        writer.info("said", what=f"[SQL: SELECT 1]\n[parameters: ('{telling}', 1)]")
    else:
        try:
            int(f"not a number: {secret}")
        except ValueError:
            writer.exception("failed")
    assert log.getvalue().count("\n") == 1
    assert telling not in log.getvalue()


def test_values_are_not_logged_under_a_secrets_name_and_bytes_never(log):
    structlog.get_logger().info(
        "said", token="x", access_key="y", body="z", shares=["u"], other=b"abc", monkey="banana"
    )
    (line,) = lines(log)
    assert {line[name] for name in ("token", "access_key", "body", "shares")} == {logs.STRUCK}
    assert (line["other"], line["monkey"]) == ("[3 bytes]", "banana")


def test_rounds_are_named_in_full_and_clients_by_eight_digits(log):
    with structlog.contextvars.bound_contextvars(round="ab" * 16, run="cd" * 16):
        structlog.get_logger().info("said", client="ef" * 32)
    (line,) = lines(log)
    assert (line["round"], line["run"]) == ("ab" * 16, "cd" * 16)
    assert line["client"] == "efefefef..."


def test_probes_are_logged_where_they_fail(log):
    good = Seen("GET", "/readyz", 200, "", 0.001, 0, "", {})
    logs.log_request(good)
    logs.log_request(Seen("GET", "/readyz", 503, "", 0.001, 0, "", {}))
    assert [(line["route"], line["status"], line["level"]) for line in lines(log)] == [
        ("/readyz", 503, "error")
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_lines_are_for_people(log):
    terminal = Terminal()
    logs.configure(terminal)
    structlog.get_logger().info("said", what="hak_secret", how="well")
    assert "how" in terminal.getvalue()
    assert "{" not in terminal.getvalue()
    assert "hak_secret" not in terminal.getvalue()


@given(st.text() | st.binary() | st.dictionaries(st.text(), st.binary() | st.text()))
def test_anything_can_be_logged(value):
    json.dumps(logs.strike_out(None, "info", {"event": "said", "value": value}))


@given(st.binary(min_size=16, max_size=64))
def test_no_number_in_hexadecimal_or_bytes_pass(secret):
    for text in (secret.hex(), secret.hex().upper(), f"x={secret!r}.", f"{secret}"):
        assert secret.hex()[8:] not in logs.struck(text).lower()
        assert repr(secret)[2:-1] not in logs.struck(f"({text})")
