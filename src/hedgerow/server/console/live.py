"""Rounds while they go on: a part of the overview that the server sends anew when it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from fastapi import Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from hedgerow.errors import HedgerowError
from hedgerow.server.console.view import View
from hedgerow.server.routes import runs, tasks
from hedgerow.server.routes.access import principal_of
from hedgerow.server.routes.health import operations_of
from hedgerow.server.security.access import Permission

LOOK = 1.0
"""Seconds after which it is looked for what other replicas, and clients, have changed."""

QUIET = 15.0
"""Seconds after which a sign of life is sent where nothing changed, so that nobody hangs up."""

LONGEST = 600
"""Seconds for which one connection lasts; browsers begin another one."""

MOST, LAST = 12, 8
"""Rounds that are shown: those that go on, and those that ended last."""


def part(view: View) -> str:
    """Return the rounds that go on, and the last ones."""
    going = runs.recent(view.site, view.who, limit=MOST, going=True)
    last = runs.recent(view.site, view.who, limit=LAST + len(going.rounds))
    ended = [one for one in last.rounds if one.phase in {"done", "failed"}][:LAST]
    waiting = []
    if not going.rounds:
        listed = tasks.listed(view.site, view.who, limit=MOST).tasks
        waiting = [(one.begins[0], one) for one in listed if one.begins and one.status == "active"]
    soonest = min(waiting, key=lambda pair: pair[0])[1] if waiting else None
    return view.part("live.html", going=going, ended=ended, soonest=soonest)


async def stream(view: View) -> Response:
    """Send the part whenever it changes (server-sent events)."""
    asked = view.asked("wait")
    seconds = view.number("wait", most=LONGEST) if asked else LONGEST
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(
        _events(view, seconds), media_type="text/event-stream", headers=headers
    )


async def _events(view: View, seconds: float) -> AsyncIterator[str]:
    draining = operations_of(view.request).draining
    news = view.site.service.moved
    started = said = anyio.current_time()
    shown = ""
    while True:
        rung = news.rung
        try:
            found = await run_in_threadpool(_allowed_part, view)
        except HedgerowError:
            return
        if found != shown:
            shown, said = found, anyio.current_time()
            yield event(found)
        elif anyio.current_time() - said > QUIET:
            said = anyio.current_time()
            yield ": nothing new\n\n"
        left = seconds - (anyio.current_time() - started)
        if left <= 0 or draining.begun:
            return
        await news.heard(rung, min(left, LOOK))


def _allowed_part(view: View) -> str:
    """Return the part, as long as who looks may: a session may end while its stream lasts."""
    principal_of(view.request).require(Permission.READ_STATUS)
    return part(view)


def event(text: str) -> str:
    """Return a server-sent event."""
    return "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
