"""Styles, scripts and pictures, under names that change with what they hold."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from hedgerow import look
from hedgerow.server.console.pages import PREFIX

OWN = (
    *("style.css", "charts.js", "console.js", "hedge.svg"),
    *("htmx.min.js", "hx-sse.min.js", "htmx.LICENSE"),
)
SHARED = ("tokens.css", "uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE")


def address(name: str) -> str:
    """Return where a file is served."""
    return f"{PREFIX}/static/{_hashed(name)}"


@cache
def names() -> dict[str, str]:
    """Return the files by the names under which they are served."""
    return {_hashed(name): name for name in (*OWN, *SHARED)}


@cache
def _hashed(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content(name)).hexdigest()[:12]}.{suffix}"


def content(name: str) -> bytes:
    """Return what a file holds."""
    if name in SHARED:
        return look.asset(name).encode()
    return resources.files(__package__ or "").joinpath("static", name).read_bytes()
