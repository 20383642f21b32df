"""The console's sections, as far as somebody may look at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hedgerow.server.console.pages import PREFIX
from hedgerow.server.security.access import Permission

_P = Permission

SECTIONS = (
    ("Overview", "/", _P.READ_STATUS),
    ("Tasks", "/tasks", _P.READ_STATUS),
    ("Models", "/models", _P.READ_QUALITY),
    ("Participants", "/participants", _P.READ_CLIENTS),
    ("Privacy", "/privacy", _P.READ_LEDGER),
    ("Alerts", "/alerts", _P.READ_STATUS),
    ("Audit log", "/audit-log", _P.READ_AUDIT_LOG),
)
"""Name, path below `PREFIX`, and what it takes."""

BELONGS = {"/runs": "/tasks", "/new-task": "/tasks", "/keys": "/privacy"}
"""Pages that stand in another section than their path says."""


@dataclass(frozen=True)
class Link:
    """A section, and whether the page is in it."""

    label: str
    address: str
    current: bool


def links(path: str, may: Callable[[Permission], bool]) -> list[Link]:
    """Return the sections that somebody may see.

    Parameters
    ----------
    path
        Of the page.
    may
        Returns whether who looks may do something.
    """
    first = "/" + path.removeprefix(PREFIX).lstrip("/").partition("/")[0]
    here = BELONGS.get(first, first)
    return [
        Link(label, PREFIX + own, own == here) for label, own, needed in SECTIONS if may(needed)
    ]
