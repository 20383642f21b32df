"""Calls from pages of other sites: a browser lets a page read answers only where that is said."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

REMEMBERED = 600
"""Seconds for which a browser need not ask again."""


def shared(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of some sites call an application (Cross-Origin Resource Sharing).

    A page shows an access token of its own; cookies are not sent along, so that nobody's login in
    a browser is of use to these sites.

    Parameters
    ----------
    app
        What is called.
    origins
        Such as ``https://shop.example.org``.
    """
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "PUT", "POST"],
        allow_headers=["authorization", "content-type"],
        expose_headers=["retry-after", "etag"],
        max_age=REMEMBERED,
    )
