"""For operators: who takes part. Tokens to enrol with, the clients, and their end."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from hedgerow.errors import ProtocolError
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import DoneOut, Limit, Strict
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.security.enrolment import MOST_USERS, ClientKind, new_tokens, revoke
from hedgerow.server.storage import tables

router = APIRouter(prefix="/v1")

MOST_TOKENS = 10_000
"""That are made at once."""

DAY, YEAR = 86_400, 366 * 86_400

Search = Annotated[
    str, Query(max_length=64, description="Part of a name, or the beginning of an id.")
]

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
    """An enrolled client; the id is its public key, ``seen`` the time of its newest login."""

    id: str
    kind: str
    name: str
    users: int
    enrolled: float
    seen: float | None
    revoked: float | None


class ClientsOut(Strict):
    """A page of clients by id, after which the next one goes on; null on the last.

    ``total`` counts those that were asked for, ``active`` those of them that are not revoked.
    """

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
        raise ProtocolError(
            "not-here",
            "The enrolment key is not on this host; make tokens where it is: "
            "hedgerow enrol --at FOLDER.",
        )
    clock, kind = site.service.clock, body.kind
    with site.service.database.write() as connection:
        made = new_tokens(
            connection, kind, body.name, body.users, count=body.count, ttl=body.ttl, clock=clock
        )
        site.note(connection, who, "make-enrolment-tokens", f"{body.count} for {body.name}")
    tokens = [TokenMade(name=name, token=token) for name, token in made]
    return TokensOut(tokens=tokens, expires=clock() + body.ttl)


@router.get("/clients")
def listed(
    site: At,
    _: Annotated[Principal, needs(Permission.READ_CLIENTS)],
    limit: Limit = 100,
    after: Annotated[str, Query(pattern="^[0-9a-f]{0,64}$")] = "",
    search: Search = "",
    kind: Annotated[ClientKind | None, Query()] = None,
) -> ClientsOut:
    """List the clients, revoked ones too."""
    clients = tables.clients
    chosen = _chosen(search, kind)
    page = _clients().where(chosen, clients.c.id > after).order_by(clients.c.id).limit(limit + 1)
    counts = select(func.count(), func.count(clients.c.revoked)).select_from(clients).where(chosen)
    with site.service.database.read() as connection:
        found = [ClientOut(**row._mapping) for row in connection.execute(page)]  # noqa: SLF001 - public by its documentation
        total, revoked = connection.execute(counts).one()
    following = found[limit - 1].id if len(found) > limit else None
    return ClientsOut(clients=found[:limit], next=following, total=total, active=total - revoked)


@router.get("/clients/{name}")
def show(
    name: ClientId, site: At, _: Annotated[Principal, needs(Permission.READ_CLIENTS)]
) -> ClientOut:
    """Show a client."""
    with site.service.database.read() as connection:
        row = connection.execute(_clients().where(tables.clients.c.id == name)).one_or_none()
    if row is None:
        raise ProtocolError("unknown-client", "There is no such client.")
    return ClientOut(**row._mapping)  # noqa: SLF001 - public by its documentation


@router.post("/clients/{name}/revoke")
def end(
    name: ClientId, site: At, who: Annotated[Principal, needs(Permission.REVOKE_CLIENTS)]
) -> DoneOut:
    """End a client's part for good."""
    with site.service.database.write() as connection:
        revoke(connection, name, clock=site.service.clock)
        site.note(connection, who, "revoke-client", name)
    site.revocations.changed()
    return DoneOut(changed=name)


def _clients() -> Select[Any]:
    """Return a query for clients as they are shown."""
    clients, logins = tables.clients, tables.logins
    columns = [clients.c[name] for name in ClientOut.model_fields if name != "seen"]
    seen = (logins.c.latest / 1000.0).label("seen")
    return select(*columns, seen).join(logins, logins.c.client == clients.c.id, isouter=True)


def _chosen(search: str, kind: ClientKind | None) -> ColumnElement[bool]:
    clients = tables.clients
    chosen: list[ColumnElement[bool]] = [true()]
    if search:
        named = clients.c.name.icontains(search, autoescape=True)
        chosen.append(or_(named, clients.c.id.startswith(search.lower(), autoescape=True)))
    if kind is not None:
        chosen.append(clients.c.kind == kind.value)
    return and_(*chosen)
