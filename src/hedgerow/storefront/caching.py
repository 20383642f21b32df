"""Answers that browsers keep, and ask for again only when they have changed."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def revalidated(request: Request, body: bytes, media_type: str, tag: str = "") -> Response:
    """Return a body, or say that the browser has it already.

    Parameters
    ----------
    request
        With the tag of what the browser has.
    body, media_type
        The answer.
    tag
        Names the body; its hash by default.
    """
    tag = tag or hashlib.sha256(body).hexdigest()
    headers = {"etag": f'"{tag}"', "cache-control": "no-cache"}
    known = request.headers.get("if-none-match", "").split(",")
    if headers["etag"] in {one.strip().removeprefix("W/") for one in known}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
