"""Keys: by which fingerprint the servers are known, and who must hold what."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response

from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import public
from hedgerow.server.console.view import View


@dataclass(frozen=True)
class Holder:
    """A secret: of whom, in which files, and what whoever steals it can do."""

    party: str
    files: str
    thief: str


HOLDERS = (
    Holder(
        "Helper",
        "helper/",
        "opens reports, if it has the coordinator's messages as well. Made at the helper, never "
        "copied to this host or into its backups.",
    ),
    Holder(
        "Enrolment authority",
        "authority/",
        "invents clients, and so leaves a real one alone in a sum: in pairwise mode only its own "
        "share of the noise protects it then.",
    ),
    Holder(
        "Coordinator",
        "coordinator/",
        "poses as the coordinator, sees who takes part, and can stop or spoil sums. Opens no "
        "report, and enrols nobody.",
    ),
    Holder("Each client", "its own folder", "poses as that client, and reads what it holds."),
)


def show(view: View) -> Response:
    """Show the deployment's fingerprint, and who must hold which secret."""
    keys = view.site.service.keys
    known = Deployment(
        view.site.audience,
        keys.authority,
        public(keys.coordinator),
        keys.helper or None,
        keys.sealing or None,
    )
    return view.page(
        "holders.html",
        fingerprint=known.fingerprint,
        split=known.helper is not None,
        authority_here=view.site.enrolment is not None,
        holders=HOLDERS,
    )
