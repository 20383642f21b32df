"""Clients fetch models whole, piece by piece, and none that they have already."""

import hashlib

import pytest

from hedgerow.server.security.access import Role
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
