"""What a silo's own programs ask an agent: an HTTP interface from which no request goes further.

It is for programs, not for browsers: without a token it answers only to this computer's own name,
and what it is sent has to be JSON, which keeps web pages from reaching it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hedgerow.addresses import is_loopback
from hedgerow.client.recommending import LocalRecommender
from hedgerow.errors import ConfigError, DataError, HedgerowError, ProtocolError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

Current = Callable[[], LocalRecommender | None]
"""Gives what recommends now; None until there is a model."""

LARGEST_BODY = 8192
LONGEST_LIST = 1000

_TOKEN = re.compile(r"[!-~]{16,512}")
_FIELDS = {"item": str, "user": str, "kind": str, "timestamp": int, "weight": float}


class _Problem(Exception):  # noqa: N818 - an answer, not a failure of the program
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code = status, code


def make_app(current: Current, token: str | None) -> Starlette:
    """Return the ASGI application.

    Parameters
    ----------
    current
        What recommends.
    token
        Which every request has to show; None answers to whoever names this computer as itself.

    Raises
    ------
    ConfigError
        The token is too short to be a secret, or an extra is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError as error:
        raise ConfigError("Listening needs an extra: pip install 'hedgerow[listen]'.") from error
    if token is not None and not _TOKEN.fullmatch(token):
        raise ConfigError("A token has 16 to 512 characters of ASCII, none of them blank.")

    async def recommend(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        _admit(request, token)
        user = request.query_params.get("user", "")
        k = _count(request.query_params.get("k", "10"))
        found = await run_in_threadpool(_ready(current).recommend, user, k)
        return _json({"user": user, "items": [asdict(item) for item in found]})

    async def track(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        _admit(request, token)
        values = _tracked(await _body(request))
        item, user = values.pop("item"), values.pop("user", "")

        def record() -> Any:
            return _ready(current).known.track(item, user, **values)

        seen = await run_in_threadpool(record)
        return _json({"user": user, **asdict(seen)}, 201)

    async def health(request: Request) -> Response:
        _admit(request, token)
        return _json({"status": "ok" if current() else "waiting for a model"})

    return Starlette(
        routes=[
            Route("/recommend", _guarded(recommend), methods=["GET"]),
            Route("/track", _guarded(track), methods=["POST"]),
            Route("/health", _guarded(health), methods=["GET"]),
        ],
        exception_handlers={404: _no_route, 405: _no_route, 500: _broken},
    )


def _admit(request: Request, token: str | None) -> None:
    if token is None:
        # A page whose name was made to lead here would carry that name (DNS rebinding).
        if not _names_this_computer(request.headers.get("host", "")):
            raise _Problem(403, "other-host", "Ask for localhost or 127.0.0.1.")
        return
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secrets.compare_digest(shown.encode(), token.encode()):
        raise _Problem(401, "unauthenticated", "Show the token of this endpoint as a bearer token.")


def _names_this_computer(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _ready(current: Current) -> LocalRecommender:
    found = current()
    if found is None:
        raise _Problem(503, "no-model", "There is no model here yet; ask again later.")
    return found


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise _Problem(422, "bad-request", "k is a whole number.")
    if not 1 <= int(text) <= LONGEST_LIST:
        raise _Problem(422, "bad-request", f"k lies between 1 and {LONGEST_LIST}.")
    return int(text)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _Problem(415, "not-json", "Send application/json.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise _Problem(413, "too-large", f"Send at most {LARGEST_BODY} bytes.")
    return body


def _tracked(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Problem(422, "bad-request", "The body is no JSON.") from error
    fits = isinstance(values, dict) and "item" in values and set(values) <= set(_FIELDS)
    if not fits or not all(_is_a(value, _FIELDS[name]) for name, value in values.items()):
        raise _Problem(
            422,
            "bad-request",
            "Send an object with item and, as may be, user, kind, timestamp and weight.",
        )
    return dict(values)


def _is_a(value: object, kind: type) -> bool:
    if kind is float:
        return type(value) in {int, float}
    return type(value) is kind


def _json(content: object, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(content, status, headers={"cache-control": "no-store"})


def _error(status: int, code: str, sentence: str) -> Response:
    answer = _json({"error": code, "detail": sentence}, status)
    if status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def _guarded(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Answer what a user can mend with the sentence that says how."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _Problem as problem:
            return _error(problem.status, problem.code, str(problem))
        except ProtocolError as error:
            return _error(403, error.code, str(error))
        except (ConfigError, DataError) as error:
            return _error(422, "bad-request", str(error))
        except HedgerowError as error:
            return _error(500, "failed", str(error))

    return answer


async def _no_route(_: Request, error: Exception) -> Response:
    known = {404: "not-found", 405: "method-not-allowed"}
    status = int(getattr(error, "status_code", 404))
    return _error(status, known[status], "There are GET /recommend, POST /track and GET /health.")


async def _broken(*_: object) -> Response:
    return _error(500, "failed", "Something went wrong here; the agent's log says what.")
