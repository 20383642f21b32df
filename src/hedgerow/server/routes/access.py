"""Who sends a request, and whether a route lets him in; one that says nothing lets nobody in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from hedgerow.errors import ProtocolError
from hedgerow.server.security import sessions
from hedgerow.server.security.access import ANYONE, PREFIX, Permission, Principal, authenticate
from hedgerow.server.security.people import SESSION_COOKIE, check_origin
from hedgerow.server.site import Site

BEARER = "bearer "


def site_of(request: Request) -> Site:
    """Return what this replica serves from."""
    found: Site = request.app.state.site
    return found


def principal_of(request: Request) -> Principal:
    """Return who sends a request, by its access token, access key or session.

    Raises
    ------
    ProtocolError
        What is shown counts for nothing.
    """
    site = site_of(request)
    shown = request.headers.get("authorization", "")
    if shown.lower().startswith(BEARER):
        secret = shown[len(BEARER) :].strip()
        if secret.startswith(PREFIX):
            with site.service.database.read() as connection:
                return authenticate(connection, secret)
        found = site.issuer.verify(secret)
        site.revocations.check(found.client)
        return found.principal
    if shown:
        raise ProtocolError("unauthenticated", "Show an access token as 'Bearer ...'.")
    session = request.cookies.get(SESSION_COOKIE)
    if not session:
        return ANYONE
    check_origin(request.method, request.headers)
    if site.people is not None:
        return site.people.read(session)
    with site.service.database.read() as connection:
        return sessions.read(connection, session, clock=site.service.clock)


def needs(permission: Permission) -> Any:
    """Return what a route declares: which permission it takes, checked before anything else."""

    def check(request: Request) -> Principal:
        # What is open to anybody does not look at what is shown: a stale login shuts nobody out.
        principal = ANYONE if permission is Permission.PUBLIC else principal_of(request)
        request.state.role = principal.role.value
        principal.require(permission)
        return principal

    check.permission = permission  # type: ignore[attr-defined]
    return Depends(check)


def permission_of(route: Any) -> Permission | None:
    """Return the permission that a route takes; None where it says nothing."""
    for needed in route.dependant.dependencies:
        found = getattr(needed.call, "permission", None)
        if isinstance(found, Permission):
            return found
    return None


At = Annotated[Site, Depends(site_of)]
