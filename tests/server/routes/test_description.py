"""The description is the one checked in, covers every route, and what is sent and answered fits."""

import json
import runpy
from pathlib import Path

import jsonschema_rs
import pytest
from interface import task_body

from hedgerow.server.app import build
from hedgerow.server.routes.schema import describe, permissions
from hedgerow.server.security.access import Permission

PROTOCOL = Path(__file__).parents[3] / "protocol"
DESCRIPTION = describe(build(None))


def test_the_description_checked_in_is_current():
    script = runpy.run_path(str(PROTOCOL / "openapi.py"))
    assert script["FILE"].read_text() == script["text"](), "run python protocol/openapi.py"


def test_it_is_served_to_anyone(running):
    with running.caller(None) as anyone:
        answer = anyone.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads((PROTOCOL / "openapi.json").read_text())


def test_every_route_is_described_with_its_permission_and_its_errors():
    app = build(None)
    described = {
        (method.upper(), path): operation
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
    }
    routes = {
        (method, path): permission
        for method, path, permission in permissions(app)
        if not path.startswith("/console/")
    }
    assert described.keys() == routes.keys()
    for key, operation in described.items():
        assert operation["x-permission"] == routes[key], key
        assert ("security" in operation) == (routes[key] is not Permission.PUBLIC), key
        assert operation["responses"]["default"], key
        assert operation.get("summary"), key
        assert operation.get("description"), key


def schema_of(method, path, status=None):
    operation = DESCRIPTION["paths"][path][method]
    place = operation["requestBody"] if status is None else operation["responses"][status]
    schema = place["content"]["application/json"]["schema"]
    return {**schema, "components": DESCRIPTION["components"]}


@pytest.mark.parametrize("name", ["popularity", "item_item"])
def test_examples_fit_the_description_and_are_taken(operator, catalog, name):
    examples = [
        ("/v1/tasks", task_body(catalog, name="first", model=name)),
        ("/v1/enrolment-tokens", {"kind": "device", "name": "phone", "count": 3}),
        ("/v1/access-keys", {"name": "ci", "role": "auditor"}),
    ]
    for path, body in examples:
        jsonschema_rs.validator_for(schema_of("post", path)).validate(body)
        answer = operator.post(path, json=body)
        assert answer.status_code == 201, answer.text
        jsonschema_rs.validator_for(schema_of("post", path, "201")).validate(answer.json())
        odd = {**body, "surprise": 1}
        assert not jsonschema_rs.validator_for(schema_of("post", path)).is_valid(odd)
