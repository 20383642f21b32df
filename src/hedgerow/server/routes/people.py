"""For people: logging in with their organisation's account, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from hedgerow.server.routes.access import At, needs
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.security.id_token import bad_login
from hedgerow.server.security.people import LOGIN_COOKIE, People, Redirect, ended
from hedgerow.server.site import Site

router = APIRouter(prefix="/v1", responses={303: {"description": "Go on there."}})

Anyone = Annotated[Principal, needs(Permission.PUBLIC)]
Text = Annotated[str, Query(max_length=4096)]


@router.get("/login", status_code=303, response_class=Response)
async def begin(
    site: At, _: Anyone, following: Annotated[Text, Query(alias="next")] = "/"
) -> Response:
    """Send a person to the login provider, and afterwards to a path here."""
    return _sent(await _people(site).start(following))


@router.get("/login/callback", status_code=303, response_class=Response)
async def finish(
    request: Request,
    site: At,
    _: Anyone,
    state: Text = "",
    code: Text = "",
    iss: Annotated[str | None, Query(max_length=4096)] = None,
) -> Response:
    """Take in a person who comes back from the login provider."""
    people = _people(site)
    if not code:
        raise bad_login("The login provider did not let you in; begin anew.")
    begun = request.cookies.get(LOGIN_COOKIE, "")
    who, redirect = await people.finish(state, code, begun, iss)
    await run_in_threadpool(_note, site, who)
    return _sent(redirect)


@router.post("/logout", status_code=303, response_class=Response)
def end(site: At, _: Anyone) -> Response:
    """Let the browser forget its session."""
    _people(site)
    return _sent(ended())


def _people(site: Site) -> People:
    if site.people is None:
        raise HTTPException(404, "People do not log in here; use an access key")
    return site.people


def _note(site: Site, who: Principal) -> None:
    with site.service.database.write() as connection:
        site.note(connection, who, "log-in", who.role.value)


def _sent(redirect: Redirect) -> Response:
    response = Response(status_code=303, headers={"location": redirect.url})
    for cookie in redirect.cookies:
        response.headers.append("set-cookie", cookie)
    return response
