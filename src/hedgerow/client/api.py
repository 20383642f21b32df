"""The coordinator's interface, as an agent uses it: typed calls over HTTPS, tried again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.federation import proofs
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import public

CBOR = "application/cbor"

SCOPES = ("contribute", "read-model")

WAIT = 20
"""Seconds for which the coordinator may hold a question until there is an answer."""

TRIES = 8

LONGEST_PAUSE = 20.0


class RefusedError(ProtocolError):
    """The coordinator refuses: a round has failed, or gone on without this client."""


class UnavailableError(HedgerowError):
    """The coordinator cannot be reached, or is busy; try again later."""


@dataclass(frozen=True)
class Enrolled:
    """What enrolling gives: the certificate (CBOR), and what the client promised of itself."""

    certificate: bytes
    kind: str
    name: str
    users: int


@dataclass(frozen=True)
class Admitted:
    """A round to take part in, and the phase to ask for next."""

    round: str
    phase: str


@dataclass(frozen=True)
class Later:
    """Nothing to do now; come again after some seconds."""

    seconds: float


class Api:
    """A client's calls to the coordinator.

    Each call is made again, with growing pauses, while the coordinator cannot be reached or is
    busy; all of them may be made twice.

    Parameters
    ----------
    http
        Made by `connect`.
    key
        The client's; None for calls that need no login.
    pause
        Waits; for tests.
    clock
        Seconds since 1970.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        key: Ed25519PrivateKey | None = None,
        *,
        audience: str = "",
        pause: Callable[[float], Any] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http, self._key, self._audience = http, key, audience
        self._pause, self._clock = pause, clock
        self._token: str | None = None

    async def deployment(self, fingerprint: str) -> Deployment:
        """Return who the servers are, if they are those whose fingerprint is known.

        Parameters
        ----------
        fingerprint
            As `Deployment.fingerprint`, learned by another way than from the coordinator.

        Raises
        ------
        ConfigError
            The coordinator offers other keys, or none.
        """
        found = Deployment.from_json((await self._call("GET", "/v1/deployment")).content)
        found.check(fingerprint)
        return found

    async def enrol(self, token: str, key: Ed25519PrivateKey) -> Enrolled:
        """Redeem a single-use token for a client's key. The token itself is not sent.

        Raises
        ------
        ProtocolError
            The token is unknown, used or expired.
        """
        asked = proofs.Redemption.of(token, key)
        body = {name: value.hex() for name, value in vars(asked).items()}
        found = (await self._call("POST", "/v1/enrol", json=body)).json()
        certificate = bytes.fromhex(found["certificate"])
        return Enrolled(certificate, found["kind"], found["name"], found["users"])

    async def check_in(self, wait: int = WAIT) -> Admitted | Later:
        """Say that this client is ready; return what it shall do."""
        answer = await self._call("POST", "/v1/check-in", login=True, params={"wait": wait})
        if answer.status_code == httpx.codes.NO_CONTENT:
            return Later(float(answer.headers.get("retry-after", 60)))
        found = answer.json()
        return Admitted(found["round"], found["phase"])

    async def told(self, name: str, phase: str) -> bytes:
        """Return what a client has to know for a phase of a round, as soon as it is reached.

        Raises
        ------
        ProtocolError
            The round has failed, or has moved on without this client.
        """
        path = f"/v1/rounds/{name}/{phase}"
        while True:
            answer = await self._call("GET", path, login=True, params={"wait": WAIT})
            if answer.status_code != httpx.codes.NO_CONTENT:
                return answer.content

    async def send(self, name: str, kind: str, body: bytes) -> None:
        """Send a message of a round; return when it is stored.

        Raises
        ------
        ProtocolError
            It is refused.
        """
        path = f"/v1/rounds/{name}/{kind}"
        await self._call("PUT", path, login=True, content=body, headers={"content-type": CBOR})

    async def model(self, name: str) -> bytes:
        """Return the file of a model by its hash."""
        return (await self._call("GET", f"/v1/models/{name}", login=True)).content

    async def live(self, task: str) -> str | None:
        """Return the hash of the model that recommends for a task; None before there is one."""
        answer = await self._call("GET", f"/v1/tasks/{task}/live", login=True)
        found = answer.json()["model"]
        return str(found) if found else None

    async def _call(
        self,
        method: str,
        path: str,
        *,
        login: bool = False,
        headers: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> httpx.Response:
        wait = httpx.Timeout(30.0, read=WAIT + 30.0)
        renewed = False
        for attempt in range(TRIES):
            try:
                sent = dict(headers or {})
                if login:
                    sent["authorization"] = f"Bearer {await self._access()}"
                answer = await self._http.request(method, path, headers=sent, timeout=wait, **parts)
            except httpx.TransportError as error:
                _check_trust(error)
                reason = str(error) or type(error).__name__
                after = self._backoff(attempt)
            else:
                if answer.status_code < 400:
                    return answer
                if answer.status_code == httpx.codes.UNAUTHORIZED and login and not renewed:
                    self._token, renewed = None, True
                    continue
                if answer.status_code not in {429, 502, 503, 504}:
                    raise _refusal(answer)
                reason = f"it answers {answer.status_code}"
                after = max(self._backoff(attempt), _seconds(answer.headers))
            await self._pause(min(after, LONGEST_PAUSE))
        raise UnavailableError(f"The coordinator cannot be reached ({reason}); try again later.")

    async def _access(self) -> str:
        """Return an access token, after a login where there is none."""
        if self._token is None:
            if self._key is None:
                raise ProtocolError("unauthenticated", "This call takes a client's key.")
            now = int(1000 * self._clock())
            message = proofs.login(self._audience, now, sorted(SCOPES))
            body = {
                "client": public(self._key).hex(),
                "timestamp": now,
                "scopes": sorted(SCOPES),
                "signature": self._key.sign(message).hex(),
            }
            answer = await self._http.post("/v1/token", json=body)
            if answer.status_code >= 400:
                raise _refusal(answer)
            self._token = str(answer.json()["token"])
        return self._token

    @staticmethod
    def _backoff(attempt: int) -> float:
        """Return a pause that doubles with each attempt, and differs from client to client."""
        return float(0.1 * 2**attempt * (0.5 + secrets.randbelow(1000) / 1000))


def _check_trust(error: httpx.TransportError) -> None:
    """Refuse to try again where the two sides do not trust each other's certificates.

    Raises
    ------
    UnavailableError
        The error is about a certificate.
    """
    said = str(error)
    if "certificate" not in said.lower():
        return
    raise UnavailableError(
        f"The connection is refused for a certificate ({said[:200]}); name the file of who vouches "
        "for the coordinator, and this client's own certificate where it asks for one."
    ) from error


def _seconds(headers: Mapping[str, str]) -> float:
    try:
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def _refusal(answer: httpx.Response) -> RefusedError:
    """Return what the coordinator says is wrong."""
    try:
        found = answer.json()
        return RefusedError(str(found["error"]), str(found["detail"]))
    except (ValueError, KeyError, TypeError):
        return RefusedError("refused", f"The coordinator answers {answer.status_code}.")
