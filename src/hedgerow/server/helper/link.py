"""What the coordinator needs of the helper, wherever it runs."""

from __future__ import annotations

from typing import Protocol

from hedgerow.errors import StorageError
from hedgerow.federation.ask import Ask
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.split.messages import Collect, Forward, SignedMaskSum, SignedVerdicts


class HelperAwayError(StorageError):
    """The helper cannot be reached; what it was asked may be asked again."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The helper cannot be reached ({why}).", transient=True)


class HelperLink(Protocol):
    """A helper: in this process in tests, behind HTTPS otherwise.

    Each call may be made again after a lost answer, and then has the same answer.
    """

    def begin(self, ask: Ask, terms: Terms) -> None:
        """Open a session.

        Raises
        ------
        ProtocolError
            The terms are below what the helper insists on.
        HelperAwayError
            It cannot be reached.
        """
        ...

    def judge(self, forward: Forward) -> SignedVerdicts:
        """Put reports before the helper. See `Helper.judge`."""
        ...

    def collect(self, collect: Collect) -> SignedMaskSum:
        """Close the session, and return the sum of the masks. See `Helper.sum_masks`."""
        ...
