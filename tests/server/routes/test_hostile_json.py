"""JSON that no program of ours would send is refused in the one form of all errors."""

import json

import httpx
import pytest
from interface import coordinator, task_body

from hedgerow.server.app import build
from hedgerow.server.routes.schema import describe
from hedgerow.server.security.access import Role

DESCRIPTION = describe(build(None))
WITH_JSON = [
    (path, schema["$ref"].rsplit("/")[-1])
    for path, methods in DESCRIPTION["paths"].items()
    for operation in methods.values()
    if (
        schema := operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema")
    )
]
NASTY = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe\x00",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1e999",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "a long number": b"9" * 10_000,
    "half a character as a name": b'{"\\ud800": 1}',
    "a zero byte as a name": b'{"\\u0000": 1}',
    "a long name": b'{"' + b"x" * 500_000 + b'": 1}',
    "many names": b"{" + b",".join(b'"%d":1' % n for n in range(30_000)) + b"}",
}
VALUES = {
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "beyond floats": b"1" + b"0" * 400,
    "half a character": b'"\\ud800"',
    "zero byte": b'"\\u0000"',
    "deep": b"[" * 900 + b"]" * 900,
    "long": b'"' + b"x" * 500_000 + b'"',
    "object": b'{"model": [], "options": 1}',
    "true": b"true",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with coordinator(tmp_path_factory.mktemp("site")) as found:
        yield found


def check(answer):
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert answer.json().keys() == {"error", "detail"}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("path", [path for path, _ in WITH_JSON])
def test_whole_bodies(site, path, nasty):
    with site.caller(Role.OPERATOR) as caller:
        check(
            caller.post(
                path.replace("{name}", "shop"),
                content=nasty,
                headers={"content-type": "application/json"},
            )
        )


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize(("path", "model"), WITH_JSON, ids=[model for _, model in WITH_JSON])
def test_each_part_of_a_body(site, path, model, value):
    parts = DESCRIPTION["components"]["schemas"][model]["properties"]
    with site.caller(Role.OPERATOR) as caller:
        for part in parts:
            if value == b"true" and parts[part].get("type") == "boolean":
                continue
            body = b'{"%s": %s}' % (part.encode(), value)
            headers = {"content-type": "application/json"}
            check(caller.post(path.replace("{name}", "shop"), content=body, headers=headers))


@pytest.mark.parametrize("value", [*VALUES.values(), b"{}", b'{"model": "blend"}'])
@pytest.mark.parametrize(
    ("model", "option"), [("als", "dimension"), ("blend", "components"), ("sequence", "dimension")]
)
def test_hyper_parameters(site, model, option, value):
    """An option of a task whose other parts fit."""
    body = {**task_body("0" * 64), "model": model, "options": {option: "HERE"}}
    text = json.dumps(body).encode().replace(b'"HERE"', value)
    with site.caller(Role.OPERATOR) as caller:
        headers = {"content-type": "application/json"}
        check(caller.post("/v1/tasks", content=text, headers=headers))


def test_a_body_without_the_media_type_is_no_body(site):
    with site.caller(Role.OPERATOR) as caller:
        check(caller.post("/v1/access-keys", content=b'{"name": "a", "role": "auditor"}'))
        check(caller.post("/v1/access-keys", data={"name": "a", "role": "auditor"}))


def test_headers_and_addresses_that_do_not_fit(site):
    for path in ("/v1/tasks/%00", "/v1/tasks/%ff", "/v1/tasks/..%2f..", "/v1/clients?after=%00",
                 "/v1/clients?limit=-1", "/v1/ledger?offset=" + "9" * 30, "/v2/tasks"):  # fmt: skip
        with site.caller(Role.OPERATOR) as caller:
            check(caller.get(path, follow_redirects=True))
    answer = httpx.request("PATCH", f"{site.address}/v1/tasks")
    check(answer)
