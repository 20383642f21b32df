"""What a page is made from: who looks, at what, and the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from hedgerow.server.console.pages import PREFIX
from hedgerow.server.console.rendering import render
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.site import Site

PAGE_ROWS = 50
"""Rows of a table on one page."""

CHART_POINTS = 240
"""Points of a chart at most; a longer history is thinned."""


@dataclass(frozen=True)
class View:
    """One request for a page.

    Parameters
    ----------
    site
        What this replica serves from.
    who
        Who looks.
    request
        As it came.
    form
        What a form sent, one text for each name.
    """

    site: Site
    who: Principal
    request: Request
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name in the page's path."""
        return str(self.request.path_params["name"])

    def asked(self, name: str) -> str:
        """Return what the query says of something; empty where it says nothing."""
        return self.request.query_params.get(name, "")[:200]

    def number(self, name: str, *, most: int = 2**31 - 1) -> int:
        """Return a number of the query that is not negative; 0 where there is none."""
        text = self.asked(name)
        return min(int(text), most) if text.isascii() and text.isdigit() else 0

    def may(self, permission: str) -> bool:
        """Return whether who looks may do something."""
        return self.who.may(Permission(permission))

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        body = render(template, view=self, now=self.site.service.clock(), **values)
        return Response(body, status, media_type="text/html")

    def part(self, template: str, **values: Any) -> str:
        """Return a part of a page."""
        return render(template, view=self, now=self.site.service.clock(), **values)

    def go(self, path: str, **query: str) -> Response:
        """Send the browser on to another page of the console."""
        asked = f"?{urlencode(query)}" if query else ""
        return Response(status_code=303, headers={"location": f"{PREFIX}{path}{asked}"})


@dataclass(frozen=True)
class Turn:
    """Which rows of a list are on this page, and where the pages before and after it begin."""

    total: int
    offset: int
    rows: int = PAGE_ROWS

    @classmethod
    def asked(cls, view: View, total: int, rows: int = PAGE_ROWS) -> Turn:
        """Return the turn that the query asks for, or the last where it is beyond."""
        last = max(0, total - 1) // rows * rows
        return cls(total, min(view.number("from") // rows * rows, last), rows)

    @property
    def first(self) -> int:
        """Number of the first row, from 1 on; 0 where there is none."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """Number of the last row."""
        return min(self.offset + self.rows, self.total)

    @property
    def before(self) -> int | None:
        """Where the page before begins; None on the first."""
        return self.offset - self.rows if self.offset else None

    @property
    def after(self) -> int | None:
        """Where the next page begins; None on the last."""
        return self.offset + self.rows if self.last < self.total else None


def every(total: int) -> int:
    """Return of how many rows one goes into a chart."""
    return -(-total // CHART_POINTS) or 1
