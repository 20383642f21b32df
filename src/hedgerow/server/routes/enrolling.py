"""For clients: redeeming a token, at the coordinator or at the authority."""

from __future__ import annotations

from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Request
from pydantic import Field

from hedgerow.errors import ProtocolError
from hedgerow.federation.proofs import Redemption
from hedgerow.server.authority.remote import RemoteAuthority
from hedgerow.server.authority.service import AuthorityService
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Hex32, Strict
from hedgerow.server.security import enrolment
from hedgerow.server.security.access import Permission, Principal, Role
from hedgerow.server.security.enrolment import EnrolledClient
from hedgerow.server.site import Site

router = APIRouter(prefix="/v1")
"""The coordinator's."""

apart = APIRouter(prefix="/v1")
"""The authority's own."""

Hex64 = Annotated[str, Field(pattern="^[0-9a-f]{128}$")]

Anyone = Annotated[Principal, needs(Permission.PUBLIC)]


class EnrolIn(Strict):
    """Public halves of a single-use token and of the client's key, and both keys' signatures."""

    token: Hex32
    key: Hex32
    proof: Hex64
    voucher: Hex64

    def asked(self) -> Redemption:
        """Return the request in bytes."""
        return Redemption(*(bytes.fromhex(getattr(self, name)) for name in EnrolIn.model_fields))


class EnrolledOut(Strict):
    """The certificate (CBOR in hexadecimal), and what the token said of the client."""

    id: Hex32
    kind: str
    name: str
    users: int
    certificate: str

    @classmethod
    def of(cls, client: EnrolledClient) -> EnrolledOut:
        """Return a client as it is told."""
        return cls(**{**vars(client), "certificate": client.certificate.hex()})


@router.post("/enrol")
def enrol(body: EnrolIn, site: At, _: Anyone) -> EnrolledOut:
    """Redeem a single-use token for a client's key."""
    asked = body.asked()
    if site.authority is not None:
        return EnrolledOut.of(_there(site, site.authority, asked))
    if site.enrolment is None:
        raise ProtocolError(
            "unknown-token", "Clients are not enrolled here; ask whoever gave you the token."
        )
    return EnrolledOut.of(_here(site, site.enrolment, asked))


@apart.post("/enrol")
def enrol_apart(body: EnrolIn, request: Request, _: Anyone) -> EnrolledOut:
    """Redeem a single-use token for a client's key, where the coordinator holds no key."""
    service: AuthorityService = request.app.state.authority
    return EnrolledOut.of(service.enrol(body.asked()))


def _here(site: Site, key: Ed25519PrivateKey, asked: Redemption) -> EnrolledClient:
    clock = site.service.clock
    with site.service.database.write() as connection:
        found = enrolment.enrol(connection, asked, authority=key, clock=clock)
        site.note(connection, Principal(Role.CLIENT, found.id), "enrol-client", found.name)
    return found


def _there(site: Site, authority: RemoteAuthority, asked: Redemption) -> EnrolledClient:
    """Pass on what was asked, and let the client in that the authority has enrolled."""
    client, clock = authority.enrol(asked), site.service.clock
    with site.service.database.write() as connection:
        found = enrolment.register(connection, client, clock=clock)
        site.note(connection, Principal(Role.CLIENT, found.id), "enrol-client", found.name)
    return found
