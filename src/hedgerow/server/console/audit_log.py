"""The audit log, newest line first, and its verification."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from hedgerow.server.console.csv_files import Cell, csv_file, paged
from hedgerow.server.console.rendering import iso
from hedgerow.server.console.view import PAGE_ROWS, Turn, View
from hedgerow.server.routes import records

HEAD = ("number", "at", "who", "what", "on", "outcome", "sha256_of_the_line_before")


def show(view: View, checked: records.CheckedOut | None = None) -> Response:
    """Show a page of the log."""
    total = records.audit_lines(view.site, view.who, limit=1).total
    turn = Turn.asked(view, total)
    # Lines are numbered from 1 on without gaps, and the newest come first here.
    rows = min(PAGE_ROWS, turn.total - turn.offset)
    after = turn.total - turn.offset - rows
    found = records.audit_lines(view.site, view.who, limit=max(1, rows), after=after)
    return view.page(
        "audit_log.html",
        lines=found.lines[::-1],
        head=found.head,
        turn=turn,
        checked=checked,
    )


def check(view: View) -> Response:
    """Check the log from end to end, and say what came of it."""
    checked = records.check(view.site, view.who)
    if view.request.headers.get("hx-request"):
        body = view.part("audit_check.html", checked=checked)
        return Response(body, media_type="text/html")
    return show(view, checked)


def download(view: View) -> Response:
    """Return the whole log as CSV."""

    def read(limit: int, offset: int) -> Sequence[Sequence[Cell]]:
        found = records.audit_lines(view.site, view.who, limit=limit, after=offset)
        return [
            (one.number, iso(one.at / 1000), one.who, one.what, one.on, one.outcome, one.previous)
            for one in found.lines
        ]

    return csv_file("hedgerow-audit-log", HEAD, paged(read))
