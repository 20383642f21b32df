"""The authority behind HTTPS, as the coordinator passes clients' requests on to it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from hedgerow.errors import ProtocolError, StorageError
from hedgerow.federation.proofs import Redemption
from hedgerow.privacy.secure.identity import Certificate
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.security.enrolment import ClientKind, EnrolledClient, checked

PATH = "/v1/enrol"

PATIENCE = 20.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True)
class RemoteAuthority:
    """An authority that somebody else runs.

    Parameters
    ----------
    http
        Knows its address, and trusts its certificate.
    key
        The authority's public key.
    """

    http: httpx.Client
    key: bytes

    def enrol(self, asked: Redemption) -> EnrolledClient:
        """Have a token redeemed; return the client, whose certificate is the authority's.

        Raises
        ------
        ProtocolError
            The authority refuses; ``bad-certificate``: it answers what it has not signed for.
        StorageError
            It cannot be reached; the client may ask again.
        """
        body = {name: value.hex() for name, value in vars(asked).items()}
        try:
            answer = self.http.post(PATH, json=body, timeout=PATIENCE)
        except httpx.TransportError as error:
            raise _away(type(error).__name__) from error
        if answer.status_code in {429, 502, 503, 504}:
            raise _away(f"it answers {answer.status_code}")
        if answer.status_code >= 400:
            raise _refusal(answer)
        return self._checked(answer, asked)

    def _checked(self, answer: httpx.Response, asked: Redemption) -> EnrolledClient:
        try:
            found = answer.json()
            body = bytes.fromhex(found["certificate"])
            name, users, kind = str(found["name"]), int(found["users"]), ClientKind(found["kind"])
            certificate = from_wire(Certificate, body)
            certificate.check(self.key)
        except (ValueError, KeyError, TypeError, ProtocolError) as error:
            raise _odd() from error
        if certificate.key != asked.key:
            raise _odd()
        return checked(EnrolledClient(asked.key.hex(), kind, name, users, body))


def _away(why: str) -> StorageError:
    return StorageError(f"The authority cannot be reached ({why}).", transient=True)


def _odd() -> ProtocolError:
    return ProtocolError("bad-certificate", "The authority's answer is no certificate for this.")


def _refusal(answer: httpx.Response) -> ProtocolError:
    try:
        found = answer.json()
        return ProtocolError(str(found["error"])[:40], str(found["detail"])[:400])
    except (ValueError, KeyError, TypeError):
        return ProtocolError(
            "authority-refused", f"The authority answers {answer.status_code}; ask its people."
        )
