"""Logging in: at the organisation's provider, or with an access key where there is none."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Response

from hedgerow.errors import ProtocolError
from hedgerow.server.console.pages import PREFIX
from hedgerow.server.console.view import View
from hedgerow.server.security import sessions
from hedgerow.server.security.people import SESSION_COOKIE, check_origin, ended, own_path

LONGEST_KEY = 200


def show(view: View) -> Response:
    """Ask who it is."""
    return form(view)


def form(view: View, problem: str = "", *, status: int = 200, following: str = "") -> Response:
    """Return the page to log in on.

    Parameters
    ----------
    view
        Who looks.
    problem
        Why the last login did not do.
    status
        Of HTTP.
    following
        Where to go afterwards.
    """
    following = following or view.asked("next") or f"{PREFIX}/"
    provider = None
    if view.site.people is not None:
        provider = f"/v1/login?next={quote(own_path(following))}"
    return view.page(
        "login.html", status=status, problem=problem, provider=provider, following=following
    )


def begin(view: View) -> Response:
    """Exchange an access key for a session."""
    check_origin(view.request.method, view.request.headers)
    site, following = view.site, own_path(view.form.get("next", ""))
    if site.people is not None:
        raise ProtocolError("forbidden", "People log in with their organisation's account here.")
    key = view.form.get("key", "").strip()[:LONGEST_KEY]
    try:
        with site.service.database.write() as connection:
            who, session = sessions.begin(connection, key, clock=site.service.clock)
            site.note(connection, who, "log-in", who.role.value)
    except ProtocolError as problem:
        if problem.code not in {"unauthenticated", "no-role"}:
            raise
        return form(view, str(problem), status=401, following=following)
    return Response(
        status_code=303,
        headers={
            "location": following if following != "/" else f"{PREFIX}/",
            "set-cookie": sessions.cookie(session),
        },
    )


def end(view: View) -> Response:
    """End the session, here and in the browser."""
    session = view.request.cookies.get(SESSION_COOKIE)
    forgotten = list(ended().cookies)
    if session:
        check_origin(view.request.method, view.request.headers)
        if view.site.people is None:
            forgotten = [sessions.cookie("")]
            with view.site.service.database.write() as connection:
                sessions.end(connection, session)
    response = view.go("/login")
    for cookie in forgotten:
        response.headers.append("set-cookie", cookie)
    return response
