"""For the coordinator, at the helper: sessions of split mode."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hedgerow.errors import ProtocolError
from hedgerow.federation import proofs
from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.privacy.secure.identity import verify
from hedgerow.privacy.secure.split.messages import Collect, Forward
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.helper.remote import PREFIX, SCHEME
from hedgerow.server.helper.service import HelperService
from hedgerow.server.security.access import Permission

WINDOW = 60.0
"""Seconds by which the coordinator's clock may be off; a call that is replayed within them has the
same answer as before and no effect."""


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
    return [
        Route(PREFIX + answer.__name__, _endpoint(answer), methods=["POST"])
        for answer in (begin, judge, collect)
    ]


def _endpoint(answer: Callable[[HelperService, bytes], bytes]) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        service: HelperService = request.app.state.helper
        body = await request.body()
        check(request, body, service)
        found = await run_in_threadpool(answer, service, body)
        return Response(found, media_type="application/cbor")

    endpoint.permission = Permission.AGGREGATE  # type: ignore[attr-defined]
    return endpoint


def check(request: Request, body: bytes, service: HelperService) -> None:
    """Refuse a call that the coordinator did not sign.

    Raises
    ------
    ProtocolError
        ``unauthenticated``, ``bad-time`` or ``bad-signature``.
    """
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    stamp, _, signature = shown.partition(".")
    try:
        now, signed = int(stamp), bytes.fromhex(signature)
    except ValueError:
        now, signed = -1, b""
    if scheme != SCHEME or not 0 <= now < 2**63:
        raise ProtocolError("unauthenticated", "Only the coordinator calls the helper.")
    if abs(now / 1000 - service.clock()) > WINDOW:
        raise ProtocolError("bad-time", f"The call's time is off by more than {WINDOW:.0f} s.")
    verify(
        service.servers.coordinator,
        proofs.call(request.url.path, now, body),
        signed,
        "This call is not signed by the coordinator.",
    )
