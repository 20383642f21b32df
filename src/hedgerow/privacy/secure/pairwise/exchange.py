"""Steps 1 to 3 at the server: boxes pass between neighbours."""

from __future__ import annotations

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.bitmap import Members, members_of, to_bitmap
from hedgerow.privacy.secure.messages import Delivery, Shares
from hedgerow.privacy.secure.pairwise.lobby import enough
from hedgerow.privacy.secure.pairwise.sharing import BOX_BYTES
from hedgerow.privacy.secure.roster import Roster


class Exchange:
    """Takes every client's boxes, and gives every client those that are for it.

    Parameters
    ----------
    roster
        Who takes part.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._boxes: dict[int, bytes] = {}

    def share(self, position: int, shares: Shares) -> None:
        """Take a client's boxes; the same ones again change nothing.

        Raises
        ------
        ProtocolError
            ``unknown-client``, ``bad-shares``: another length; ``already-shared``: other boxes.
        """
        self._roster.check_position(position)
        if len(shares.sealed) != self._roster.graph.degree * BOX_BYTES:
            raise ProtocolError("bad-shares", f"Client {position} sent boxes of another length.")
        if self._boxes.setdefault(position, shares.sealed) != shares.sealed:
            raise ProtocolError("already-shared", f"Client {position} sent other boxes before.")

    def close(self) -> Members:
        """Return who made shares, shape (clients,).

        Raises
        ------
        ProtocolError
            ``too-few-clients``.
        """
        enough(len(self._boxes), self._roster.terms.minimum, "too-few-clients", "made shares")
        return members_of(self._boxes, len(self._roster.adverts))

    def delivery(self, position: int) -> Delivery:
        """Return the boxes for a client.

        Raises
        ------
        ProtocolError
            ``not-a-sender``: it made none itself.
        """
        if position not in self._boxes:
            raise ProtocolError("not-a-sender", f"Client {position} made no shares for this sum.")
        graph = self._roster.graph
        others = graph.neighbours(position)
        shared = np.array([other in self._boxes for other in others])
        boxes = [
            self._boxes[other][i * BOX_BYTES : (i + 1) * BOX_BYTES]
            for other, i in zip(others, graph.mirror.tolist(), strict=True)
            if other in self._boxes
        ]
        return Delivery(to_bitmap(shared), b"".join(boxes))
