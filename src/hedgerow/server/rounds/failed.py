"""Failure: a round that cannot open its sum ends, and the run tries again or gives up."""

from __future__ import annotations

from hedgerow.server.rounds.record import (
    CONSENT,
    FAILED,
    MASKED,
    PUBLISH,
    REPORT,
    UNMASK,
    Round,
    move,
)
from hedgerow.server.rounds.work import Work

SPENT = "budget-spent"
"""Why a round fails whose release the ledger refuses; trying again does not help."""

TOLD = (MASKED, CONSENT, UNMASK, REPORT, PUBLISH)
"""Phases in which clients have sent what others may be able to open: they answer no other session
under the release's name."""


def fail(work: Work, code: str) -> None:
    """End a round without a sum.

    Parameters
    ----------
    work
        The round.
    code
        Why, in kebab case.

    Raises
    ------
    LeaseLostError
        Another replica has taken the round over.
    """
    with work.service.database.write() as connection:
        now = work.service.clock()
        came = {"failed_in": work.round.phase}
        move(connection, work.round, FAILED, now, failure=code[:40], stats=came)


def may_be_open(failed: Round) -> bool:
    """Return whether a failed round came so far that its sum might have been opened."""
    return failed.stats.get("failed_in") in TOLD
