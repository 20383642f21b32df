"""Steps 5 and 6: a client checks who survived and gives one share for each neighbour, once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import identity
from hedgerow.privacy.secure.bitmap import Members, from_bitmap
from hedgerow.privacy.secure.messages import (
    Agreement,
    Reveal,
    Revealed,
    Survivors,
    consent_to_sign,
    request_digest,
)
from hedgerow.privacy.secure.pairwise.uploading import Uploaded
from hedgerow.privacy.secure.session import Terms, sid
from hedgerow.privacy.secure.shamir import SHARE_BYTES
from hedgerow.privacy.secure.wire import Key32


@dataclass(frozen=True)
class Answered:
    """The journal's record of the one answer that a client gives in a session.

    Parameters
    ----------
    session
        The session's `sid`.
    request
        Hash of the survivors that were answered.
    shares
        The answer.
    """

    session: Key32
    request: Key32
    shares: Revealed

    def again(self, survivors: Survivors) -> Reveal:
        """Return the answer once more to the same question.

        Raises
        ------
        ProtocolError
            ``already-answered``: the question is another one.
        """
        if request_digest(survivors) != self.request:
            raise ProtocolError(
                "already-answered", "This client has told shares for other survivors already."
            )
        return Reveal(self.shares)


def check_survivors(terms: Terms, kept: Uploaded, survivors: Survivors) -> Members:
    """Return who is alive, shape (clients,), if the sets can be true and are safe to answer.

    Raises
    ------
    ProtocolError
        ``bad-bitmap``; ``alive-and-dead``: somebody is listed as both; ``not-among-survivors``:
        this client is not alive; ``too-few-contributors``: fewer than the minimum;
        ``missing-neighbour``: one whose shares this client holds is neither;
        ``too-few-neighbours``: fewer than the threshold are alive.
    """
    alive = from_bitmap(survivors.alive, kept.clients)
    dead = from_bitmap(survivors.dead, kept.clients)
    held = list(kept.held)
    problems = {
        "alive-and-dead": (alive & dead).any(),
        "not-among-survivors": not alive[kept.position],
        "too-few-contributors": np.count_nonzero(alive) < terms.minimum,
        "missing-neighbour": not (alive | dead)[held].all(),
        "too-few-neighbours": np.count_nonzero(alive[held]) < terms.threshold,
    }
    for code, holds in problems.items():
        if holds:
            raise ProtocolError(code, _SENTENCES[code])
    return alive


_SENTENCES = {
    "alive-and-dead": "A client is listed both alive and dead, which would give both its secrets.",
    "not-among-survivors": "This client sent its vector but is not listed alive.",
    "too-few-contributors": "The sum has fewer contributors than its minimum.",
    "missing-neighbour": "A neighbour that made shares is listed neither alive nor dead.",
    "too-few-neighbours": "Fewer neighbours are alive than recover a secret.",
}


def check_agreement(
    terms: Terms, kept: Uploaded, survivors: Survivors, agreement: Agreement
) -> None:
    """Refuse survivors for which fewer than the threshold of neighbours that survive have signed.

    Raises
    ------
    ProtocolError
        ``no-agreement`` or ``bad-signature``.
    """
    alive = from_bitmap(survivors.alive, kept.clients)
    signers = np.flatnonzero(from_bitmap(agreement.signers, len(kept.others))).tolist()
    if len(signers) < terms.threshold or not all(alive[kept.others[i]] for i in signers):
        raise ProtocolError(
            "no-agreement", f"Fewer than {terms.threshold} survivors signed for the survivors."
        )
    if len(agreement.signatures) != 64 * len(signers):
        raise ProtocolError("no-agreement", "The signatures are not as many as the signers.")
    message = consent_to_sign(kept.view, survivors)
    for at, i in enumerate(signers):
        identity.verify(
            kept.identities[32 * i : 32 * i + 32],
            message,
            agreement.signatures[64 * at : 64 * at + 64],
            f"Client {kept.others[i]} did not sign for these survivors.",
        )


def answer(terms: Terms, kept: Uploaded, survivors: Survivors) -> Answered:
    """Return one share for each neighbour whose shares are held, never two.

    A neighbour that vanished before it made shares may be listed dead: nothing is held for it.

    Raises
    ------
    ProtocolError
        What `check_survivors` raises.
    """
    alive = check_survivors(terms, kept, survivors)
    told = []
    for at, other in enumerate(kept.held):
        start = 2 * SHARE_BYTES * at + (0 if alive[other] else SHARE_BYTES)
        told.append(kept.shares[start : start + SHARE_BYTES])
    return Answered(sid(terms), request_digest(survivors), b"".join(told))
