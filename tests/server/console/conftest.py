"""A coordinator with a past, and browsers that are logged in."""

import httpx
import pytest
from console.seeded import fill
from routes.interface import coordinator

from hedgerow.server.security.access import Role
from hedgerow.server.security.people import SESSION_COOKIE

SAME = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def running(tmp_path):
    """A coordinator with forty rounds behind it."""
    with coordinator(tmp_path) as found:
        fill(found.deployment, rounds=40, clients=200)
        yield found


@pytest.fixture
def browser(running):
    """Return a way to log in with a role's key; what comes back keeps the session's cookie."""
    opened = []

    def log_in(role=Role.OPERATOR):
        client = httpx.Client(base_url=running.address, headers=SAME)
        opened.append(client)
        answer = client.post("/console/login", data={"key": running.shown[role]})
        assert answer.status_code == 303, answer.text
        # The cookie's prefix keeps clients from storing it without TLS, so it is sent by hand.
        session = answer.headers["set-cookie"].split(";")[0].split("=", 1)[1]
        client.headers["cookie"] = f"{SESSION_COOKIE}={session}"
        return client

    yield log_in
    for client in opened:
        client.close()
