"""For the coordinator, at the helper: sessions of split mode."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.privacy.secure.split.messages import Collect, Forward
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.helper import calls
from hedgerow.server.helper.remote import PREFIX
from hedgerow.server.helper.service import HelperService
from hedgerow.server.room import Room
from hedgerow.server.security.access import Permission


def begin(service: HelperService, body: bytes) -> bytes:
    """Open a session."""
    invitation = from_wire(Invitation, body)
    service.begin(Ask.from_json(invitation.ask), invitation.terms)
    return b""


def judge(service: HelperService, body: bytes) -> bytes:
    """Judge reports."""
    return to_wire(service.judge(from_wire(Forward, body)))


def collect(service: HelperService, body: bytes) -> bytes:
    """Give the sum of the masks."""
    return to_wire(service.collect(from_wire(Collect, body)))


def routes() -> list[Route]:
    """Return the helper's routes."""
    room = Room()
    return [
        Route(PREFIX + answer.__name__, _endpoint(answer, room), methods=["POST"])
        for answer in (begin, judge, collect)
    ]


def _endpoint(
    answer: Callable[[HelperService, bytes], bytes], room: Room
) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        service: HelperService = request.app.state.helper
        # Before a byte of the body is read: whoever cannot sign costs no memory.
        head = calls.checked(
            service.servers.coordinator, request.url.path, request.headers, now=service.clock()
        )
        async with room.of(head.length):
            body = await request.body()
            head.check(body)
            found = await run_in_threadpool(answer, service, body)
        return Response(found, media_type="application/cbor")

    endpoint.permission = Permission.AGGREGATE  # type: ignore[attr-defined]
    return endpoint
