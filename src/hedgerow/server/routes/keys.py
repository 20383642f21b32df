"""For operators: the access keys of programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field
from sqlalchemy import select

from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import DoneOut, Strict
from hedgerow.server.security.access import (
    Permission,
    Principal,
    Role,
    new_access_key,
    revoke_access_key,
)
from hedgerow.server.storage import tables

router = APIRouter(prefix="/v1/access-keys")

NAME = "^[a-z0-9][a-z0-9._-]{0,63}$"

Manager = Annotated[Principal, needs(Permission.MANAGE_KEYS)]


class KeyIn(Strict):
    """A program's name, never used before, and what it may do."""

    name: Annotated[str, Field(pattern=NAME)]
    role: Literal["operator", "analyst", "auditor"]


class KeyMade(Strict):
    """A new key, which is shown this once and kept nowhere."""

    name: str
    role: str
    key: str


class KeyOut(Strict):
    """A key, without its text."""

    name: str
    role: str
    created: float
    revoked: float | None


class KeysOut(Strict):
    """All access keys by name, revoked ones too."""

    keys: list[KeyOut]


@router.post("", status_code=201)
def make(body: KeyIn, site: At, who: Manager) -> KeyMade:
    """Make a key with which a program logs in."""
    clock = site.service.clock
    with site.service.database.write() as connection:
        key = new_access_key(connection, body.name, Role(body.role), clock=clock)
        site.note(connection, who, "make-access-key", f"{body.name} {body.role}")
    return KeyMade(name=body.name, role=body.role, key=key)


@router.get("")
def listed(site: At, _: Manager) -> KeysOut:
    """List the access keys."""
    keys = tables.access_keys
    query = select(keys.c.name, keys.c.role, keys.c.created, keys.c.revoked).order_by(keys.c.name)
    with site.service.database.read() as connection:
        rows = connection.execute(query).all()
    return KeysOut(
        keys=[
            KeyOut(name=row.name, role=row.role, created=row.created, revoked=row.revoked)
            for row in rows
        ]
    )


@router.delete("/{name}")
def revoke(name: Annotated[str, Path(pattern=NAME)], site: At, who: Manager) -> DoneOut:
    """End a key for good."""
    with site.service.database.write() as connection:
        revoke_access_key(connection, name, clock=site.service.clock)
        site.note(connection, who, "revoke-access-key", name)
    return DoneOut(changed=name)
