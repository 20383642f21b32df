"""Where there is no page."""

from __future__ import annotations

from fastapi import Response
from starlette.exceptions import HTTPException

from hedgerow.server.console.view import View


def show(view: View) -> Response:
    """Say that there is none."""
    raise HTTPException(404, f"There is no page {view.request.url.path[:80]}")
