"""For clients: logging in, taking part in rounds, and the models they recommend with."""

from __future__ import annotations

import re
from typing import Annotated

import anyio
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, StreamingResponse

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import wire
from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.messages import Advert, Consent, Masked, Reveal, Shares
from hedgerow.privacy.secure.split.messages import Report
from hedgerow.server.rounds import gather
from hedgerow.server.rounds.admission import admit, come_again, next_phase
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.record import FINISHED, GATHER, Round
from hedgerow.server.routes.access import At, needs, principal_of, site_of
from hedgerow.server.security import enrolment
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.security.tokens import Login
from hedgerow.server.settings import LARGEST_UPLOAD
from hedgerow.server.site import Site
from hedgerow.server.storage.receipts import Incoming, Refused
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.registry import live_model, task_named

router = APIRouter(prefix="/v1")

CBOR = "application/cbor"

LOOK = 1.0
"""Seconds after which who waits looks by himself for what other replicas have changed."""

PRINCIPAL = "hedgerow.principal"
"""In a request's scope: who sends it, where a guard before the routes has checked that already."""

PHASE_OF = {phase.KIND: name for name, phase in PHASES.items() if name != GATHER}
"""In which phase a kind of message is taken; check-ins have a route of their own."""

LARGEST = {
    wire.kind(cls): wire.largest(cls) or LARGEST_UPLOAD
    for cls in (Advert, Shares, Masked, Consent, Reveal, Report)
}
"""Bytes of a message at most, by its kind; all but the masked vectors are short."""

Hex32 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Hex64 = Annotated[str, Field(pattern="^[0-9a-f]{128}$")]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Hash = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Wait = Annotated[int, Query(ge=0, le=25)]


class Strict(BaseModel):
    """A body in which nothing is left over."""

    model_config = ConfigDict(extra="forbid")


class DeploymentOut(Strict):
    """Who the servers are; keys in hexadecimal, null of a helper that is not there."""

    audience: str
    authority: Hex32
    coordinator: Hex32
    helper: Hex32 | None
    sealing: Hex32 | None


class LoginIn(Strict):
    """A client, the time in milliseconds since 1970, what it will do, and its signature."""

    client: Hex32
    timestamp: Annotated[int, Field(ge=0, lt=2**63)]
    scopes: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=8)]
    signature: Hex64


class TokenOut(Strict):
    """An access token."""

    token: str


class AdmittedOut(Strict):
    """The round to take part in, and the phase to ask for next."""

    round: str
    phase: str


class LiveOut(Strict):
    """The model that recommends; null before there is one."""

    model: str | None


@router.get("/deployment")
def deployment(site: At, _: Annotated[Principal, needs(Permission.PUBLIC)]) -> DeploymentOut:
    """Say who the servers are. Clients compare it with what they have pinned."""
    keys = site.service.keys
    return DeploymentOut(
        audience=site.audience,
        authority=keys.authority.hex(),
        coordinator=public(keys.coordinator).hex(),
        helper=keys.helper.hex() or None,
        sealing=keys.sealing.hex() or None,
    )


@router.post("/token")
def token(body: LoginIn, site: At, _: Annotated[Principal, needs(Permission.PUBLIC)]) -> TokenOut:
    """Log a client in by its signature."""
    try:
        scopes = frozenset(map(Permission, body.scopes))
    except ValueError:
        raise ProtocolError("bad-scope", "There is no such scope.") from None
    login = Login(body.client, body.timestamp, scopes, bytes.fromhex(body.signature))
    with site.service.database.write() as connection:
        return TokenOut(token=site.issuer.login(connection, login))


@router.post(
    "/check-in", response_model=AdmittedOut, responses={204: {"description": "Come again later."}}
)
async def check_in(
    site: At, who: Annotated[Principal, needs(Permission.CONTRIBUTE)], wait: Wait = 20
) -> Response:
    """Say that a client is ready; the answer comes when there is a round for it."""
    service, client = site.service, who.name
    started = anyio.current_time()
    while True:
        rung = service.moved.rung
        current, seconds = await anyio.to_thread.run_sync(_look, site, client)
        if current is not None and current.phase == GATHER:
            came = Incoming(current.id, client, gather.KIND, GATHER, b"")
            stored = await site.inbox.put(came)
            service.arrived.ring()
            if isinstance(stored, Refused):
                if stored.code == "wrong-phase":
                    continue
                return _refused(stored)
        if current is not None:
            found = AdmittedOut(round=current.id, phase=next_phase(current))
            return JSONResponse(found.model_dump())
        left = wait - (anyio.current_time() - started)
        if left <= 0:
            return Response(status_code=204, headers={"retry-after": f"{seconds:.0f}"})
        await service.moved.heard(rung, min(left, LOOK))


@router.get("/rounds/{name}/{phase}", response_class=Response, responses={204: {}})
async def told(
    name: Id,
    phase: Annotated[str, Path(pattern="^[a-z]{1,16}$")],
    site: At,
    who: Annotated[Principal, needs(Permission.CONTRIBUTE)],
    wait: Wait = 20,
) -> Response:
    """Tell a client what it has to know for a phase, as soon as that is reached (CBOR)."""
    if phase not in {*PHASE_OF.values(), FINISHED}:
        raise ProtocolError("unknown-round", "There is no such phase.")
    started, client = anyio.current_time(), bytes.fromhex(who.name)
    while True:
        rung = site.service.moved.rung
        if not site.telling.waits(name, phase):
            body = await anyio.to_thread.run_sync(site.telling.told, name, phase, client)
            if body is not None:
                return Response(body, media_type=CBOR)
        left = wait - (anyio.current_time() - started)
        if left <= 0:
            return Response(status_code=204)
        await site.service.moved.heard(rung, min(left, LOOK))


_ROUND = re.compile("[0-9a-f]{32}")


async def upload(request: Request) -> Response:
    """Store a message of a round; answer when a crash would not take it any more.

    A plain route, as one that declares its body would parse and copy it first.
    """
    site = site_of(request)
    who = request.scope.get(PRINCIPAL) or principal_of(request)
    who.require(Permission.CONTRIBUTE)
    name, kind = request.path_params["name"], request.path_params["kind"]
    phase = PHASE_OF.get(kind)
    if phase is None or not _ROUND.fullmatch(name):
        raise ProtocolError("unknown-round", "There is no such round or message.")
    if request.headers.get("content-type") != CBOR:
        return JSONResponse(
            {"error": "bad-media-type", "detail": f"Send messages as {CBOR}."}, status_code=415
        )
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isdigit() else LARGEST_UPLOAD
    if length > LARGEST[kind]:
        sentence = f"The message {kind!r} has {LARGEST[kind]} bytes at most, and says how many."
        return JSONResponse({"error": "body-too-large", "detail": sentence}, status_code=413)
    async with site.inbox.room.of(length):
        body = await request.body()
        stored = await site.inbox.put(Incoming(name, who.name, kind, phase, body))
    if isinstance(stored, Refused):
        return _refused(stored)
    site.service.arrived.ring()
    return JSONResponse({"seq": stored.seq, "digest": stored.digest})


upload.permission = Permission.CONTRIBUTE  # type: ignore[attr-defined]


@router.get("/models/{name}", response_class=Response, responses={304: {}})
def model(
    name: Hash,
    request: Request,
    site: At,
    _: Annotated[Principal, needs(Permission.READ_MODEL)],
) -> Response:
    """Return the file of a model (safetensors)."""
    headers = {"etag": f'"{name}"', "cache-control": "private, max-age=31536000, immutable"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    artefacts = Artefacts(site.service.blobs)
    if not artefacts.exists(name):
        raise ProtocolError("unknown-model", "There is no such model.")
    headers["content-length"] = str(artefacts.size(name))
    parts = artefacts.parts(name)
    return StreamingResponse(parts, media_type="application/octet-stream", headers=headers)


@router.get("/tasks/{name}/live")
def live(name: Name, site: At, _: Annotated[Principal, needs(Permission.READ_MODEL)]) -> LiveOut:
    """Say which model recommends for a task."""
    with site.service.database.read() as connection:
        task_id, _task, _status = task_named(connection, name)
        return LiveOut(model=live_model(connection, task_id))


def _look(site: Site, client: str) -> tuple[Round | None, float]:
    with site.service.database.read() as connection:
        enrolment.active(connection, client)
        return admit(connection, client), come_again(connection)


def _refused(refused: Refused) -> Response:
    body = {"error": refused.code, "detail": refused.sentence}
    return JSONResponse(body, status_code=refused.status)
