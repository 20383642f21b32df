"""Requests drawn from the description, fitting and not, are answered as it says; never with 5xx."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from interface import NOW, coordinator, put_catalog, task_body
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hedgerow.privacy.ledger import Ledger
from hedgerow.server.app import build
from hedgerow.server.routes.schema import describe
from hedgerow.server.security.access import PERMISSIONS, Permission, Role
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import put_live, task_named
from hedgerow.server.tasks.runs import start_run

DESCRIPTION = describe(build(None))
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
}
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
MODEL = "a" * 64
UNREADABLE = "Invalid HTTP request received."
"""What the HTTP server itself says of an address that is too long; no route sees it."""


@schemathesis.serializer("application/cbor", "application/vnd.apache.parquet")
def as_it_is(_context, value):
    """Bytes are drawn as bytes, or as something else where a request is not to fit."""
    return getattr(value, "data", value if isinstance(value, bytes) else repr(value).encode())


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A coordinator with a task, a run and a model, so that some names name something."""
    with coordinator(tmp_path_factory.mktemp("site")) as found:
        with found.caller() as operator:
            catalog = put_catalog(operator)
            made = operator.post("/v1/tasks", json=task_body(catalog))
            assert made.status_code == 201, made.text
        with found.site.service.database.write() as connection:
            task_id, task, _ = task_named(connection, "shop")
            run = start_run(connection, task_id, task, ledger=Ledger(), state=MODEL, now=NOW)
            row = {"hash": MODEL, "run": run, "task": task_id, "step": 1}
            connection.execute(tables.models.insert().values(**row, quality="{}", created=NOW))
            put_live(connection, task_id, MODEL, "schedule", NOW)
            client = connection.scalar(
                tables.clients.select().with_only_columns(tables.clients.c.id)
            )
        found.known = {"tasks": "shop", "runs": run, "clients": client, "models": MODEL}
        found.session = requests.Session()
        yield found
        found.session.close()


def headers(site, operation):
    permission = Permission(operation.definition.raw["x-permission"])
    if permission is Permission.PUBLIC:
        return {}
    role = next(r for r in (Role.OPERATOR, Role.CLIENT) if permission in PERMISSIONS[r])
    return {"authorization": f"Bearer {site.shown[role]}"}


CASES = [
    pytest.param(label, mode, id=f"{label} {mode.value}")
    for label, operation in OPERATIONS.items()
    for mode in schemathesis.GenerationMode
    # Where nothing is asked for, nothing can be wrong with it.
    if mode is schemathesis.GenerationMode.POSITIVE or list(operation.iter_parameters())
    or operation.body
]  # fmt: skip


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_answers_are_those_described(site, label, mode):
    operation = OPERATIONS[label]
    kind = label.split("/")[2] if label.count("/") > 1 else ""

    @settings(
        max_examples=25,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def ask(case, known):
        if known and kind in site.known and "name" in (case.path_parameters or {}):
            case.path_parameters["name"] = site.known[kind]
        query = case.query or {}
        if str(query.get("wait", "")).isdigit() or "check-in" in label:
            # Waiting is for rounds, of which there are none here.
            case.query = {**query, "wait": 0}
        answer = case.call(
            base_url=site.address, headers=headers(site, operation), session=site.session,
            allow_redirects=False,
        )  # fmt: skip
        if answer.text == UNREADABLE:
            return
        case.validate_response(answer, checks=CHECKS)

    ask()
