"""The helper behind HTTPS, as the coordinator calls it: signed calls, tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.split.messages import Collect, Forward, SignedMaskSum, SignedVerdicts
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.helper import calls
from hedgerow.server.helper.link import HelperAwayError

PREFIX = "/v1/helper/"


@dataclass(frozen=True)
class RemoteHelper:
    """A helper that somebody else runs.

    Parameters
    ----------
    http
        Knows its address, and trusts its certificate.
    key
        The coordinator's, with which calls are signed.
    clock
        Seconds since 1970.
    """

    http: httpx.Client
    key: Ed25519PrivateKey = field(repr=False)
    clock: Callable[[], float] = time.time

    def begin(self, ask: Ask, terms: Terms) -> None:
        """Open a session."""
        self._call("begin", Invitation(ask.to_json().encode(), terms))

    def judge(self, forward: Forward) -> SignedVerdicts:
        """Put reports before the helper."""
        return from_wire(SignedVerdicts, self._call("judge", forward))

    def collect(self, collect: Collect) -> SignedMaskSum:
        """Close the session, and return the sum of the masks."""
        return from_wire(SignedMaskSum, self._call("collect", collect))

    def _call(self, name: str, message: object) -> bytes:
        """Send a message and return the answer.

        Raises
        ------
        ProtocolError
            The helper refuses.
        HelperAwayError
            It cannot be reached; the round waits.
        """
        path, body = PREFIX + name, to_wire(message)
        headers = calls.head(self.key, path, body, now=self.clock())
        try:
            answer = self.http.post(path, content=body, headers=headers, timeout=60)
        except httpx.TransportError as error:
            raise HelperAwayError(type(error).__name__) from error
        if answer.status_code in {429, 502, 503, 504}:
            raise HelperAwayError(f"it answers {answer.status_code}")
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer.content


def _refusal(answer: httpx.Response) -> ProtocolError:
    try:
        found = answer.json()
        return ProtocolError(str(found["error"])[:40], str(found["detail"]))
    except (ValueError, KeyError, TypeError):
        return ProtocolError("helper-refused", f"The helper answers {answer.status_code}.")
