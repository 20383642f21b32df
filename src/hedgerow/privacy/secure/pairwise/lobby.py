"""Steps 0 and 1 at the server: who wants to take part."""

from __future__ import annotations

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.messages import Advert
from hedgerow.privacy.secure.roster import Roster, check_advert
from hedgerow.privacy.secure.session import Terms


def enough(found: int, needed: int, code: str, what: str) -> None:
    """End a session that too few are left in.

    Raises
    ------
    ProtocolError
        With the code.
    """
    if found < needed:
        raise ProtocolError(code, f"Only {found} clients {what}; the sum takes {needed}.")


class Lobby:
    """Takes adverts until the roster is closed.

    Parameters
    ----------
    terms
        Of the session.
    authority
        The enrolment authority's Ed25519 public key.
    """

    def __init__(self, terms: Terms, authority: bytes) -> None:
        self._terms = terms
        self._authority = authority
        self._adverts: dict[bytes, Advert] = {}
        self._exchanged: set[bytes] = set()

    def join(self, advert: Advert) -> int:
        """Take a client's keys; return its position. The same advert again changes nothing.

        Raises
        ------
        ProtocolError
            ``already-joined``: it advertised other keys before. ``repeated-key``: a key is in use.
            ``roster-full``. Or what `roster.check_advert` raises.
        """
        key = advert.certificate.key
        if self._adverts.get(key) == advert:
            return list(self._adverts).index(key)
        check_advert(self._terms, advert, self._authority)
        if key in self._adverts:
            raise ProtocolError("already-joined", "A client advertised other keys before.")
        fresh = {advert.channel, advert.mask}
        if len(fresh) < 2 or fresh & self._exchanged:
            raise ProtocolError("repeated-key", "A client advertises a key that is in use.")
        if len(self._adverts) == self._terms.clients:
            raise ProtocolError("roster-full", "The roster has as many clients as its terms say.")
        self._adverts[key] = advert
        self._exchanged |= fresh
        return len(self._adverts) - 1

    def close(self, beacon: bytes) -> Roster:
        """Return the roster.

        Parameters
        ----------
        beacon
            32 bytes that nobody could foresee.

        Raises
        ------
        ProtocolError
            ``too-few-clients``: below the minimum, or than anybody's secrets could be recovered by.
        """
        needed = max(self._terms.minimum, self._terms.threshold + 1)
        enough(len(self._adverts), needed, "too-few-clients", "joined")
        return Roster(self._terms, list(self._adverts.values()), beacon)
