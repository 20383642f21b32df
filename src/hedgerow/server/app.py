"""The application: all routes of a role behind the same guards."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from hedgerow.errors import (
    ConfigError,
    DataError,
    HedgerowError,
    PolicyError,
    ProtocolError,
    StorageError,
)
from hedgerow.server.authority.service import AuthorityService
from hedgerow.server.console import routes as console
from hedgerow.server.helper.service import HelperService
from hedgerow.server.operations.readiness import Readiness
from hedgerow.server.routes import (
    agents,
    catalogs,
    clients,
    enrolling,
    health,
    helper,
    keys,
    models,
    people,
    records,
    runs,
    schema,
    tasks,
)
from hedgerow.server.routes.health import Operations
from hedgerow.server.security.access import STATUS as SECURITY_STATUS
from hedgerow.server.site import Site

STATUS = {
    **SECURITY_STATUS,
    "unknown-round": 404,
    "unknown-model": 404,
    "unknown-task": 404,
    "not-in-this-round": 403,
    "too-late": 410,
    "not-enrolled": 403,
    "revoked": 403,
}
"""The HTTP status of an error's code; 409 of those that are not named: the caller did nothing wrong
that a retry of the same would mend."""


def build(site: Site, operations: Operations | None = None) -> FastAPI:
    """Return the coordinator's application.

    Parameters
    ----------
    site
        What it serves from.
    operations
        What tells how the process is; by default nothing is looked at.
    """
    app = FastAPI(title="Hedgerow", version="1", openapi_url=None)
    app.state.site = site
    app.state.operations = operations or Operations(Readiness({}))
    # First, as routes are looked through in order and this one is asked for most.
    app.add_route("/v1/rounds/{name}/{kind}", agents.upload, methods=["PUT"])
    app.include_router(health.probes)
    app.include_router(health.router)
    app.include_router(agents.router)
    app.include_router(enrolling.router)
    for operators in (catalogs, clients, keys, models, people, records, runs, schema, tasks):
        app.include_router(operators.router)
    console.mount(app)
    return _explaining(app)


def build_helper(service: HelperService, operations: Operations | None = None) -> FastAPI:
    """Return the helper's application.

    Parameters
    ----------
    service
        Its sessions.
    operations
        What tells how the process is; by default nothing is looked at.
    """
    app = FastAPI(title="Hedgerow helper", version="1", docs_url=None, redoc_url=None)
    app.state.helper = service
    app.state.operations = operations or Operations(Readiness({}))
    app.include_router(health.probes)
    app.router.routes.extend(helper.routes())
    return _explaining(app)


def build_authority(service: AuthorityService, operations: Operations | None = None) -> FastAPI:
    """Return the enrolment authority's application.

    Parameters
    ----------
    service
        Tokens, and the key.
    operations
        What tells how the process is; by default nothing is looked at.
    """
    app = FastAPI(title="Hedgerow authority", version="1", docs_url=None, redoc_url=None)
    app.state.authority = service
    app.state.operations = operations or Operations(Readiness({}))
    app.include_router(health.probes)
    app.include_router(enrolling.apart)
    return _explaining(app)


def _explaining(app: FastAPI) -> FastAPI:
    """Let an application's errors be one sentence of JSON."""
    app.add_exception_handler(HedgerowError, _explained)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _collided)
    return app


def answer(status: int, code: str, sentence: str) -> Response:
    """Return an error as all routes give it."""
    headers = {"retry-after": "1"} if status == 503 else {}
    return JSONResponse({"error": code, "detail": sentence}, status_code=status, headers=headers)


def _explained(_: Request, error: Exception) -> Response:
    sentence = str(error)
    if isinstance(error, ProtocolError):
        return answer(STATUS.get(error.code, 409), error.code, sentence)
    if isinstance(error, PolicyError):
        return answer(409, "against-the-policy", sentence)
    if isinstance(error, ConfigError | DataError):
        return answer(422, "bad-request", sentence)
    if isinstance(error, StorageError) and error.transient:
        return answer(503, "busy", "The server is busy; try again a little later.")
    return answer(503, "unavailable", "The server cannot do this now; try again later.")


def _invalid(_: Request, error: Exception) -> Response:
    parts = error.errors() if isinstance(error, RequestValidationError) else []
    where = "; ".join(
        f"{'.'.join(map(str, part['loc']))[:80]}: {part['msg'][:80]}" for part in list(parts)[:3]
    )
    return answer(422, "bad-request", f"The request does not fit: {where}.")


def _http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    codes = {404: "not-found", 405: "method-not-allowed"}
    detail = error.detail if isinstance(error, HTTPException) else "Something went wrong."
    return answer(status, codes.get(status, "refused"), f"{detail}.".replace("..", "."))


def _collided(_: Request, _error: Exception) -> Response:
    return answer(409, "collision", "Somebody else was quicker; look again.")
