"""Clients fetch models whole, piece by piece, and none that they have already."""

import hashlib
import time
from dataclasses import replace

import pytest
from network import serving

from hedgerow.server.app import build
from hedgerow.server.security.access import Role
from hedgerow.server.security.revocations import EVERY
from hedgerow.server.site import Site
from hedgerow.server.tasks.artefacts import PART


@pytest.mark.parametrize("size", [1, PART, 3 * PART + 5])
def test_a_model_arrives_whole_and_once(running, size):
    content = hashlib.shake_256(b"model").digest(size)
    name = hashlib.sha256(content).hexdigest()
    running.site.service.blobs.put(f"model/{name}", content)
    with running.caller(Role.CLIENT) as client:
        found = client.get(f"/v1/models/{name}")
        assert found.content == content
        assert found.headers["content-length"] == str(size)
        known = client.get(f"/v1/models/{name}", headers={"if-none-match": found.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


def test_a_model_that_is_not_there_is_said(running):
    with running.caller(Role.CLIENT) as client:
        found = client.get(f"/v1/models/{'0' * 64}")
    assert (found.status_code, found.json()["error"]) == (404, "unknown-model")


@pytest.fixture
def elsewhere(running):
    """Another replica of the coordinator, with its own memory."""
    site = running.site
    other = Site(site.service, site.telling, site.inbox, site.issuer, site.audience)
    with serving(build(other)) as address:
        yield replace(running, site=other, address=address)


def test_a_revoked_clients_token_fetches_nothing_more(running, elsewhere):
    name = hashlib.sha256(b"model").hexdigest()
    running.site.service.blobs.put(f"model/{name}", b"model")
    replicas = [running.caller(Role.CLIENT), elsewhere.caller(Role.CLIENT)]
    for client in replicas:
        assert client.get(f"/v1/models/{name}").content == b"model"
    with running.caller() as operator:
        (client,) = operator.get("/v1/clients").json()["clients"]
        assert operator.post(f"/v1/clients/{client['id']}/revoke").status_code == 200
    # A second later at another replica.
    elsewhere.site.revocations.timer = lambda: time.monotonic() + EVERY
    places = [
        ("GET", f"/v1/models/{name}"),
        ("GET", "/v1/tasks/shop/live"),
        ("POST", "/v1/check-in"),
    ]
    for caller in replicas:
        for method, place in places:
            found = caller.request(method, place)
            assert (found.status_code, found.json()["error"]) == (403, "revoked-client")
        caller.close()
