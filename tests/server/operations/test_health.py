"""Probes: a process is alive, ready, or about to stop."""

import asyncio
import threading

import httpx
import pytest
from network import Deployment
from operated import operated
from sqlalchemy import text

from hedgerow.client.api import Api
from hedgerow.errors import StorageError
from hedgerow.server.operations.draining import Drain, Draining
from hedgerow.server.operations.readiness import REMEMBERED, Readiness, checks_of
from hedgerow.server.storage.blobs import FolderBlobs


def test_anybody_may_ask_whether_a_replica_is_alive_and_ready(tmp_path, sqlite):
    with operated(Deployment(tmp_path, sqlite)) as running:
        wrong = {"authorization": "Bearer nonsense"}
        assert httpx.get(f"{running.address}/healthz", headers=wrong).json() == {"alive": True}
        ready = httpx.get(f"{running.address}/readyz")
        running.draining.begin()
        stopping = httpx.get(f"{running.address}/readyz")
        assert httpx.get(f"{running.address}/healthz").status_code == 200
    parts = {"database": True, "blobs": True}
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "draining": False, "parts": parts},
    )
    assert (stopping.status_code, stopping.json()["draining"]) == (503, True)
    assert stopping.headers["retry-after"] == "2"


def test_each_part_is_checked(tmp_path, database):
    helper = httpx.Client(
        base_url="http://helper.test", transport=httpx.MockTransport(lambda _: httpx.Response(200))
    )
    blobs = FolderBlobs(tmp_path / "blobs")
    checks = checks_of("Some Host-1", database, blobs, helper)
    assert Readiness(checks).parts() == {"database": True, "blobs": True, "helper": True}
    assert blobs.names("probe") == []


def test_a_database_of_another_version_is_not_ready(tmp_path, sqlite):
    checks = checks_of("one", sqlite, None)
    with sqlite.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    assert Readiness(checks).parts() == {"database": False}


def test_blobs_that_cannot_be_written_are_not_ready(tmp_path, sqlite):
    blobs = FolderBlobs(tmp_path / "blobs")
    (tmp_path / "blobs" / "probe").write_bytes(b"in the way")
    assert Readiness(checks_of("one", sqlite, blobs)).parts() == {"database": True, "blobs": False}


@pytest.mark.parametrize("problem", ["away", "broken"])
def test_a_helper_that_does_not_answer_is_not_ready(sqlite, problem):
    def answer(request):
        if problem == "away":
            raise httpx.ConnectError("refused")
        return httpx.Response(503)

    helper = httpx.Client(base_url="http://h.test", transport=httpx.MockTransport(answer))
    assert Readiness(checks_of("one", sqlite, None, helper)).parts()["helper"] is False


def test_checks_are_not_made_more_often_than_need_be():
    calls, now = [], [0.0]

    def check():
        calls.append(now[0])
        if len(calls) > 1:
            raise StorageError("away")

    readiness = Readiness({"part": check}, lambda: now[0])
    found = []
    for at in (0.0, REMEMBERED / 2, REMEMBERED):
        now[0] = at
        found.append(readiness.parts()["part"])
    assert found == [True, True, False]
    assert calls == [0.0, REMEMBERED]


def test_a_client_that_waits_is_sent_away_and_what_has_begun_is_finished(tmp_path, sqlite):
    deployment = Deployment(tmp_path, sqlite)
    (identity,) = deployment.enrol(["one"])

    async def played(running):
        async with httpx.AsyncClient(base_url=running.address) as http:
            api = Api(http, identity.key, audience="https://hedgerow.test")
            await api.check_in(wait=0)
            waiting = asyncio.create_task(api.check_in(wait=20))
            while running.service.moved.waiting == 0:
                await asyncio.sleep(0)
            running.draining.begin()
            return await asyncio.wait_for(waiting, 5)

    class Counting:
        """Tells whether somebody waits."""

        def __init__(self, bell):
            self._bell, self.waiting = bell, 0

        def __getattr__(self, name):
            return getattr(self._bell, name)

        async def heard(self, since, seconds):
            self.waiting += 1
            await self._bell.heard(since, seconds)

    service = deployment.service()
    with operated(deployment, moved=Counting(service.moved)) as running:
        answer = asyncio.run(played(running))
        after = httpx.post(f"{running.address}/v1/check-in")
    assert answer.seconds == 2
    assert (after.status_code, after.headers["retry-after"]) == (204, "2")


def through(app, draining, method, path, during=None):
    """Send one request through the drain; do something while it is being answered."""
    sent = []

    async def send(message):
        sent.append(message)

    async def played():
        scope = {"type": "http", "method": method, "path": path}
        request = asyncio.ensure_future(Drain(app, draining)(scope, None, send))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if during is not None:
            during()
        await asyncio.wait_for(request, 5)

    asyncio.run(played())
    return [message.get("status") for message in sent if "status" in message]


async def quick(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_replica_that_does_not_stop_passes_everything_on():
    for method, path in [("POST", "/v1/check-in"), ("GET", "/v1/rounds/a/keys"), ("GET", "/x")]:
        assert through(quick, Draining(), method, path) == [200]


def test_uploads_pass_while_a_replica_stops():
    draining = Draining()
    draining.begin()
    assert through(quick, draining, "PUT", "/v1/rounds/a/keys") == [200]
    assert through(quick, draining, "GET", "/v1/rounds/a/keys") == [204]
    assert through(quick, draining, "POST", "/v1/check-in") == [204]


def test_what_is_being_written_is_written_to_its_end():
    draining, written = Draining(), []

    async def storing(scope, receive, send):
        event = threading.Event()
        try:
            await asyncio.Event().wait()
        finally:
            written.append("undone or done")
            event.set()

    assert through(storing, draining, "POST", "/v1/check-in", draining.begin) == [204]
    assert written == ["undone or done"]


def test_an_answer_that_has_begun_is_not_cut_short():
    draining, go_on = Draining(), asyncio.Event()

    async def streaming(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"all of it"})

    def during():
        draining.begin()
        asyncio.get_running_loop().call_soon(go_on.set)

    assert through(streaming, draining, "GET", "/v1/rounds/a/keys", during) == [200]


def test_errors_of_those_who_wait_are_not_swallowed():
    async def broken(scope, receive, send):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        through(broken, Draining(), "POST", "/v1/check-in")
