"""The interface's own description: OpenAPI 3.1, in which CBOR bodies have their CDDL names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from hedgerow.server.console.pages import PREFIX as CONSOLE
from hedgerow.server.rounds.record import CONSENT, FINISHED, KEYS, MASKED, REPORT, SHARES, UNMASK
from hedgerow.server.routes.access import needs, permission_of
from hedgerow.server.routes.agents import CBOR, PHASE_OF
from hedgerow.server.routes.shapes import Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.security.people import SESSION_COOKIE

router = APIRouter()

UPLOAD, TOLD = "/v1/rounds/{name}/{kind}", "/v1/rounds/{name}/{phase}"

TELLS: Mapping[str, str] = {
    KEYS: "invitation",
    REPORT: "invitation",
    SHARES: "opening",
    MASKED: "delivery",
    CONSENT: "survivors",
    UNMASK: "agreement or survivors",
    FINISHED: "counted",
}
"""The CDDL name of what a client is told for a phase; a kind of message is its own name there."""

SECURITY: Mapping[str, Mapping[str, str]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A client's access token, or a program's access key.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "A person's session; changes take a same-origin request.",
    },
}


class ErrorOut(Strict):
    """What went wrong: a code for programs, and one sentence for people."""

    error: str
    detail: str


@router.get("/openapi.json")
def openapi(request: Request, _: Annotated[Principal, needs(Permission.PUBLIC)]) -> dict[str, Any]:
    """Describe the interface."""
    return describe(request.app)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _description(app)
    return app.openapi_schema


def permissions(app: FastAPI) -> Iterator[tuple[str, str, Permission | None]]:
    """Go through all routes: the method, the path, and the permission it takes, None if none.

    Routes of plain ASGI name theirs on their endpoint.
    """
    for route in iter_route_contexts(app.routes):
        found = getattr(route.endpoint, "permission", None)
        if hasattr(route, "dependant"):
            found = permission_of(route)
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, str(route.path), found


def _description(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title="Hedgerow coordinator",
        version=app.version,
        description="What clients and operators ask of the coordinator. Bodies of "
        f"`{CBOR}` are the messages that `x-cddl` names, in messages.cddl and network.cddl.",
        routes=app.routes,
    )
    paths: dict[str, Any] = found["paths"]
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["ErrorOut"] = ErrorOut.model_json_schema()
    found["components"]["securitySchemes"] = SECURITY
    paths[UPLOAD] = {"put": _upload()}
    paths[TOLD]["get"]["responses"]["200"] = {
        "description": "What the phase's clients have to know, as `x-cddl` says by phase.",
        "content": {CBOR: {"schema": {"type": "string", "format": "binary", "x-cddl": TELLS}}},
    }
    for method, path, permission in permissions(app):
        if path.startswith(CONSOLE):
            continue  # Pages are for people; what they show, the interface tells.
        operation = paths[path][method.lower()]
        operation["x-permission"] = str(permission)
        if permission is not Permission.PUBLIC:
            operation["security"] = [{name: []} for name in SECURITY]
        answers = operation["responses"]
        answers.pop("422", None)
        answers["default"] = {
            "description": "It was refused.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}},
        }
    return found


def _upload() -> dict[str, Any]:
    """Describe the one route that is no function with annotations."""
    kinds = sorted(PHASE_OF)
    return {
        "summary": "Upload",
        "description": "Store a message of a round. The same again has the same answer.",
        "operationId": "upload_message",
        "parameters": [
            _parameter("name", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
            _parameter("kind", {"type": "string", "enum": kinds}),
        ],
        "requestBody": {
            "required": True,
            "content": {
                CBOR: {
                    "schema": {
                        "type": "string",
                        "format": "binary",
                        "x-cddl": {kind: kind for kind in kinds},
                    }
                }
            },
        },
        "responses": {
            "200": {
                "description": "It is stored, and a crash does not take it any more.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["seq", "digest"],
                            "properties": {
                                "seq": {"type": "integer"},
                                "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                            },
                            "additionalProperties": False,
                        }
                    }
                },
            }
        },
    }


def _parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}
