"""Participants and silos: who is enrolled, tokens for new ones, and their end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from hedgerow.errors import ConfigError
from hedgerow.server.console.csv_files import Cell, csv_file
from hedgerow.server.console.forms import problems, whole
from hedgerow.server.console.rendering import iso
from hedgerow.server.console.view import PAGE_ROWS, View
from hedgerow.server.routes import clients
from hedgerow.server.routes.clients import DAY, ClientOut, TokensIn
from hedgerow.server.security.enrolment import ClientKind

HEAD = ("id", "kind", "name", "users", "enrolled", "last_login", "revoked")

ROWS = 1000


def listed(view: View, *, problem: str = "", status: int = 200) -> Response:
    """Show a page of the participants, of those that were searched for."""
    search, kind = view.asked("search")[:64], _kind(view.asked("kind"))
    after = view.asked("after")
    if not _is_id(after):
        raise HTTPException(404, "There is no such page")
    found = clients.listed(view.site, view.who, limit=PAGE_ROWS, after=after, search=search,
                           kind=kind)  # fmt: skip
    shown: dict[str, Any] = {
        "found": found,
        "search": search,
        "kind": "" if kind is None else kind.value,
        "after": after,
    }
    if view.request.headers.get("hx-request"):
        return Response(view.part("participants_list.html", **shown), media_type="text/html")
    here = view.site.enrolment is not None
    kinds = {
        one.value: clients.listed(view.site, view.who, limit=1, kind=one) for one in ClientKind
    }
    return view.page(
        "participants.html",
        status=status,
        **shown,
        problem=problem,
        here=here,
        form=view.form,
        kinds=kinds,
    )


def show(view: View) -> Response:
    """Show a participant."""
    if not _is_id(view.name):
        raise HTTPException(404, "There is no such participant")
    client = clients.show(view.name, view.site, view.who)
    return view.page("participant.html", client=client)


def enrol(view: View) -> Response:
    """Make tokens, and show them this once."""
    days = whole(view.form, "days")
    values = {
        "kind": view.form.get("kind", ""),
        "name": view.form.get("name", "").strip(),
        "users": whole(view.form, "users"),
        "ttl": days * DAY if isinstance(days, int) else days,
        "count": whole(view.form, "count"),
    }
    try:
        body = TokensIn.model_validate_json(json.dumps(values))
        made = clients.make_tokens(body, view.site, view.who)
    except (ValidationError, ConfigError) as error:
        return listed(view, problem=problems(error), status=422)
    return view.page("tokens.html", made=made, kind=body.kind.value)


def revoke(view: View) -> Response:
    """End a participant's part for good."""
    if not _is_id(view.name):
        raise HTTPException(404, "There is no such participant")
    clients.end(view.name, view.site, view.who)
    return view.go(f"/participants/{view.name}")


def download(view: View) -> Response:
    """Return all participants as CSV."""
    return csv_file("hedgerow-participants", HEAD, (_cells(one) for one in _all(view)))


def _all(view: View) -> Iterator[ClientOut]:
    after: str | None = ""
    while after is not None:
        page = clients.listed(view.site, view.who, limit=ROWS, after=after)
        yield from page.clients
        after = page.next


def _is_id(text: str) -> bool:
    return len(text) <= 64 and set(text) <= set("0123456789abcdef")


def _kind(text: str) -> ClientKind | None:
    return ClientKind(text) if text in set(ClientKind) else None


def _cells(one: ClientOut) -> Sequence[Cell]:
    times = (iso(one.enrolled), iso(one.seen), iso(one.revoked))
    return (one.id, one.kind, one.name, one.users, *times)
