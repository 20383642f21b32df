"""For operators: who takes part. Tokens to enrol with, the clients, and their end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import func, select

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import DoneOut, Limit, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.security.enrolment import MOST_USERS, ClientKind, new_token, revoke
from hedgerow.server.storage import tables

router = APIRouter(prefix="/v1")

MOST_TOKENS = 10_000
"""That are made at once."""

DAY, YEAR = 86_400, 366 * 86_400

LONGEST_NAME = 64

ClientId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


class TokensIn(Strict):
    """For whom tokens are made, and for how many seconds they can be redeemed.

    Of several, each client is called by the name, a hyphen and a number from 1 on.
    """

    kind: Annotated[ClientKind, Field(strict=False)] = ClientKind.SILO
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    users: Annotated[int, Field(ge=1, le=MOST_USERS)] = 1
    ttl: Annotated[int, Field(ge=1, le=YEAR)] = 7 * DAY
    count: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 1


class TokenMade(Strict):
    """A token, which is shown this once and kept nowhere."""

    name: str
    token: str


class TokensOut(Strict):
    """New tokens, and when they end."""

    tokens: list[TokenMade]
    expires: float


class ClientOut(Strict):
    """An enrolled client; the id is its public key."""

    id: str
    kind: str
    name: str
    users: int
    enrolled: float
    revoked: float | None


class ClientsOut(Strict):
    """A page of clients by id, after which the next one goes on; null on the last."""

    clients: list[ClientOut]
    next: str | None
    total: int
    active: int


@router.post("/enrolment-tokens", status_code=201)
def make_tokens(
    body: TokensIn, site: At, who: Annotated[Principal, needs(Permission.ENROL_CLIENTS)]
) -> TokensOut:
    """Make tokens with which clients enrol, one each."""
    if site.enrolment is None:
        raise ProtocolError("not-here", "Clients are enrolled by another program.")
    clock = site.service.clock
    names = [body.name]
    if body.count > 1:
        names = [f"{body.name}-{number}" for number in range(1, body.count + 1)]
    if len(names[-1]) > LONGEST_NAME:
        raise ConfigError(f"A client's name has {LONGEST_NAME} characters at most, its number too.")
    with site.service.database.write() as connection:
        made = [
            TokenMade(
                name=name,
                token=new_token(connection, body.kind, name, body.users, ttl=body.ttl, clock=clock),
            )
            for name in names
        ]
        site.note(connection, who, "make-enrolment-tokens", f"{body.count} for {body.name}")
    return TokensOut(tokens=made, expires=clock() + body.ttl)


@router.get("/clients")
def listed(
    site: At,
    _: Annotated[Principal, needs(Permission.READ_CLIENTS)],
    limit: Limit = 100,
    after: Annotated[str, Query(pattern="^[0-9a-f]{0,64}$")] = "",
) -> ClientsOut:
    """List the clients, revoked ones too."""
    clients = tables.clients
    columns = [clients.c[name] for name in ClientOut.model_fields]
    page = select(*columns).where(clients.c.id > after).order_by(clients.c.id).limit(limit + 1)
    counts = select(func.count(), func.count(clients.c.revoked)).select_from(clients)
    with site.service.database.read() as connection:
        found = [ClientOut(**row._mapping) for row in connection.execute(page)]  # noqa: SLF001 - public by its documentation
        total, revoked = connection.execute(counts).one()
    following = found[limit - 1].id if len(found) > limit else None
    return ClientsOut(clients=found[:limit], next=following, total=total, active=total - revoked)


@router.post("/clients/{name}/revoke")
def end(
    name: ClientId, site: At, who: Annotated[Principal, needs(Permission.REVOKE_CLIENTS)]
) -> DoneOut:
    """End a client's part for good."""
    with site.service.database.write() as connection:
        revoke(connection, name, clock=site.service.clock)
        site.note(connection, who, "revoke-client", name)
    return DoneOut(changed=name)
