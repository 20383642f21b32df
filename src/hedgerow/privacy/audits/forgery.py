"""Attacks on the helper of split mode: reports and requests that it must not take.

Who can have the helper count a report that no client sent for this sum can cancel everybody's
report but one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.audits.verdict import Verdict, must
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms, sid
from hedgerow.privacy.secure.split import noise
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.split.drive import Deployment
from hedgerow.privacy.secure.split.helper import Helper
from hedgerow.privacy.secure.split.messages import (
    AgreedSet,
    Collect,
    Forward,
    Signed,
    set_root,
    signing,
)
from hedgerow.privacy.secure.split.used import UsedInMemory

CLIENTS, MINIMUM, WORDS, BITS = 4, 2, 9, 22

Attack = Callable[[], bool]
"""Returns whether it goes through."""


@dataclass(frozen=True)
class _Scene:
    """A sum of a few clients, and the parties to it."""

    terms: Terms
    parties: Deployment
    strangers: Deployment

    @classmethod
    def made(cls) -> _Scene:
        terms = Terms(
            mode=SPLIT,
            task="forgery",
            round=0,
            attempt=0,
            words=WORDS,
            bits=BITS,
            clients=CLIENTS,
            minimum=MINIMUM,
            neighbours=0,
            threshold=0,
            consistency=False,
            model=bytes(32),
            config=bytes(32),
        )
        return cls(terms, Deployment.enrol(CLIENTS), Deployment.enrol(1))

    def helper(self, used: UsedInMemory | None = None) -> Helper:
        """Return a helper at the start of the session."""
        return Helper(
            self.terms,
            self.parties.servers,
            self.parties.authority,
            self.parties.helper_keys,
            used=used or UsedInMemory(),
            floor=Floor(MINIMUM),
            noise=noise.none,
        )

    def report(self, client: int, terms: Terms | None = None, value: int = 1) -> Signed:
        """Return what the helper is shown of a client's honest report."""
        return self._report(self.parties.identities[client], terms or self.terms, value)

    def strange(self) -> Signed:
        """Return a report of a client that another authority enrolled."""
        return self._report(self.strangers.identities[0], self.terms, 1)

    def _report(self, identity: Identity, terms: Terms, value: int) -> Signed:
        words = np.full(WORDS - 1, value, Ring(BITS).dtype)
        report = make_report(terms, self.parties.servers, identity, words, floor=Floor(MINIMUM))
        return report.signed

    def takes(self, helper: Helper, *reports: Signed) -> bool:
        """Return whether a helper takes the last of some reports."""
        verdicts = [helper.judge(Forward(sid(self.terms), (report,))) for report in reports]
        return bool(verdicts[-1].verdicts.accepted)

    def gives(self, helper: Helper, reports: list[Signed], key: Ed25519PrivateKey) -> bool:
        """Return whether a helper gives the masks of some reports to who signs with a key."""
        session = sid(self.terms)
        digests = {report.envelope.report: report.envelope.digest for report in reports}
        agreed = AgreedSet(session, len(digests), set_root(session, digests))
        try:
            helper.sum_masks(Collect(agreed, key.sign(signing(agreed))))
        except ProtocolError:
            return False
        return True


def forged_reports() -> Verdict:
    """Try all that a helper must refuse; that it takes what is right is tried first.

    Returns
    -------
    Verdict
        Which attacks succeed.
    """
    scene = _Scene.made()
    attacks = {**_on_reports(scene), **_on_sums(scene)}
    broken = [f"The helper {what}." for what, attack in attacks.items() if attack()]
    return must(
        "helper, split",
        f"{len(attacks)} forged reports and requests",
        broken,
        "The helper takes what clients have signed for this sum, once, and nothing else.",
    )


def _on_reports(scene: _Scene) -> dict[str, Attack]:
    """Return attacks by reports, by what the helper does where they go through."""
    signed, other = scene.report(0), scene.report(1)
    altered = replace(signed.envelope, digest=bytes(32))
    moved = replace(signed.envelope, sealed=other.envelope.sealed)
    resigned = scene.parties.identities[0].sign(signing(moved))
    used = UsedInMemory()
    used.claim([signed.envelope.report])

    def takes(*reports: Signed, used: UsedInMemory | None = None) -> Attack:
        return lambda: scene.takes(scene.helper(used), *reports)

    return {
        "refuses an honest report": lambda: not scene.takes(scene.helper(), signed),
        "takes a report that nobody signed": takes(replace(signed, signature=bytes(64))),
        "takes a report that another client signed": takes(
            replace(signed, signature=scene.parties.identities[1].sign(signing(signed.envelope)))
        ),
        "takes a report that was altered": takes(replace(signed, envelope=altered)),
        "takes a report under another client's name": takes(
            replace(signed, certificate=other.certificate)
        ),
        "takes a report of a client that is not enrolled": takes(scene.strange()),
        "takes a report of another session": takes(
            scene.report(0, replace(scene.terms, attempt=1))
        ),
        "takes a report that has been in a sum": takes(signed, used=used),
        "takes two reports of one client": takes(signed, scene.report(0, value=2)),
        "takes a mask that was sealed for another report": takes(
            replace(signed, envelope=moved, signature=resigned)
        ),
    }


def _on_sums(scene: _Scene) -> dict[str, Attack]:
    """Return attacks by requests for a sum, by what the helper does where they go through."""
    reports = [scene.report(client) for client in range(CLIENTS)]
    coordinator, stranger = scene.parties.coordinator_key, scene.strangers.coordinator_key

    def given(held: list[Signed]) -> Helper:
        helper = scene.helper()
        for report in held:
            scene.takes(helper, report)
        return helper

    def twice() -> bool:
        helper = given(reports)
        scene.gives(helper, reports, coordinator)
        return scene.gives(helper, reports[1:], coordinator)

    return {
        "refuses an honest sum": lambda: not scene.gives(given(reports), reports, coordinator),
        "gives a sum that the coordinator did not sign for": lambda: scene.gives(
            given(reports), reports, stranger
        ),
        "gives a sum over other reports than it holds": lambda: scene.gives(
            given(reports), reports[1:], coordinator
        ),
        "gives a sum of fewer reports than the minimum": lambda: scene.gives(
            given(reports[:1]), reports[:1], coordinator
        ),
        "gives two sums in one session": twice,
    }
