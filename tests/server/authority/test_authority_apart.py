"""An authority on a host of its own: the coordinator passes requests on, and can invent nobody."""

import asyncio
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from network import AUDIENCE, Deployment, drawn, serving
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hedgerow.client.api import Api
from hedgerow.errors import ProtocolError, StorageError
from hedgerow.federation import proofs
from hedgerow.federation.proofs import Redemption, new_token, token_key
from hedgerow.privacy.secure.identity import Certificate, certify, public
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.app import build, build_authority
from hedgerow.server.authority.remote import PATH, RemoteAuthority
from hedgerow.server.authority.service import AuthorityService
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.security import enrolment
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox

AUTHORITY, STRANGER = drawn(1), drawn(9)


@dataclass
class Apart:
    """A coordinator without the enrolment key, and the authority that it passes requests on to."""

    coordinator: str
    database: Database
    own: Database

    def token(self, name="north", users=5):
        with self.own.write() as connection:
            return enrolment.new_token(
                connection, ClientKind.SILO, name, users, ttl=60, clock=lambda: 0.0
            )

    def enrol(self, token, key):
        async def once():
            async with httpx.AsyncClient(base_url=self.coordinator, trust_env=False) as http:
                return await Api(http).enrol(token, key)

        return asyncio.run(once())

    @property
    def clients(self):
        with self.database.read() as connection:
            return connection.execute(select(tables.clients)).all()


@pytest.fixture
def apart(tmp_path, sqlite):
    with ExitStack() as stack:
        own = Database.open(f"sqlite:///{tmp_path / 'authority.db'}")
        stack.callback(own.close)
        service = AuthorityService(own, AUTHORITY, lambda: 0.0)
        address = stack.enter_context(serving(build_authority(service)))
        http = stack.enter_context(httpx.Client(base_url=address, trust_env=False))
        coordinator = Deployment(tmp_path, sqlite).service()
        machine, issuer = Machine(coordinator), Issuer(bytes(32), AUDIENCE, coordinator.clock)
        inbox = stack.enter_context(Inbox(coordinator.messages, coordinator.clock))
        link = RemoteAuthority(http, coordinator.keys.authority)
        site = Site(coordinator, machine.telling, inbox, issuer, AUDIENCE, authority=link)
        yield Apart(stack.enter_context(serving(build(site))), sqlite, own)


def code(job):
    with pytest.raises(ProtocolError) as refused:
        job()
    return refused.value.code


def test_a_client_is_enrolled_by_the_authority_and_known_to_the_coordinator(apart):
    key, token = Ed25519PrivateKey.generate(), apart.token()
    found = apart.enrol(token, key)
    certificate = from_wire(Certificate, found.certificate)
    certificate.check(public(AUTHORITY))
    assert certificate.key == public(key)
    assert (found.kind, found.name, found.users) == ("silo", "north", 5)
    (row,) = apart.clients
    assert (row.id, row.kind, row.name, row.users) == (public(key).hex(), "silo", "north", 5)
    # A lost answer is given again.
    assert apart.enrol(token, key) == found
    assert len(apart.clients) == 1


def test_tokens_count_once_and_what_is_no_token_enrols_nobody(apart):
    token = apart.token()
    apart.enrol(token, Ed25519PrivateKey.generate())
    other = Ed25519PrivateKey.generate()
    assert code(lambda: apart.enrol(token, other)) == "used-token"
    assert code(lambda: apart.enrol(new_token(), other)) == "unknown-token"
    assert code(lambda: apart.enrol("het_1", other)) == "unknown-token"
    assert len(apart.clients) == 1


def test_who_is_revoked_does_not_come_back_by_asking_again(apart):
    key, token = Ed25519PrivateKey.generate(), apart.token()
    apart.enrol(token, key)
    with apart.database.write() as connection:
        enrolment.revoke(connection, public(key).hex(), clock=lambda: 1.0)
    assert code(lambda: apart.enrol(token, key)) == "revoked-client"


def test_a_token_of_the_coordinator_s_own_making_enrols_nobody(apart):
    """The coordinator may write what it likes into its own database."""
    with apart.database.write() as connection:
        token = enrolment.new_token(
            connection, ClientKind.DEVICE, "invented", 1, ttl=60, clock=lambda: 0.0
        )
    key = Ed25519PrivateKey.generate()
    assert code(lambda: apart.enrol(token, key)) == "unknown-token"
    assert apart.clients == []


def test_a_coordinator_without_any_authority_enrols_nobody(tmp_path, sqlite):
    service = Deployment(tmp_path, sqlite).service()
    machine, issuer = Machine(service), Issuer(bytes(32), AUDIENCE, service.clock)
    with sqlite.write() as connection:
        token = enrolment.new_token(
            connection, ClientKind.SILO, "north", 5, ttl=60, clock=service.clock
        )
    with Inbox(service.messages, service.clock) as inbox:
        site = Site(service, machine.telling, inbox, issuer, AUDIENCE)
        with serving(build(site)) as address, httpx.Client(trust_env=False) as http:
            asked = Redemption.of(token, Ed25519PrivateKey.generate())
            body = {name: value.hex() for name, value in vars(asked).items()}
            answer = http.post(f"{address}/v1/enrol", json=body)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown-token")
    with sqlite.read() as connection:
        assert connection.execute(select(tables.clients)).all() == []


def told(asked, *, signer=AUTHORITY, key=None, **changed):
    """What an authority answers, or somebody in its place."""
    (certificate,) = certify(signer, [asked.key if key is None else key])
    said = {"id": asked.key.hex(), "kind": "device", "name": "a", "users": 1}
    return {**said, "certificate": to_wire(certificate).hex(), **changed}


ASKED = Redemption.of(new_token(bytes), drawn(7))

ODD = {
    "another authority's": told(ASKED, signer=STRANGER),
    "another client's": told(ASKED, key=public(STRANGER)),
    "no certificate": told(ASKED, certificate="00"),
    "no hexadecimal": told(ASKED, certificate="x"),
    "a crowd on one device": told(ASKED, users=2),
    "nobody": told(ASKED, users=0),
    "another kind": told(ASKED, kind="crowd"),
    "a name that breaks lines": told(ASKED, name="a\nb"),
    "nothing": {},
    "no object": [],
}


@contextmanager
def answering(answer):
    """Run a server that says one thing; give a link to it."""

    async def endpoint(_request):
        return answer()

    app = Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])
    with serving(app) as address, httpx.Client(base_url=address, trust_env=False) as http:
        yield RemoteAuthority(http, public(AUTHORITY))


@pytest.mark.parametrize("what", ODD)
def test_what_answers_in_the_authority_s_place_enrols_nobody(what):
    with answering(lambda: JSONResponse(ODD[what])) as made:
        assert code(lambda: made.enrol(ASKED)) == "bad-certificate"


def test_the_true_answer_is_taken_and_refusals_are_passed_on():
    with answering(lambda: JSONResponse(told(ASKED))) as made:
        assert made.enrol(ASKED).id == ASKED.key.hex()
    refusal = {"error": "used-token", "detail": "This enrolment token was used already."}
    with answering(lambda: JSONResponse(refusal, 409)) as made:
        assert code(lambda: made.enrol(ASKED)) == "used-token"
    with answering(lambda: Response("?", 500)) as made:
        assert code(lambda: made.enrol(ASKED)) == "authority-refused"


def test_an_authority_that_is_away_is_asked_again_later():
    with answering(lambda: Response("", 503)) as made, pytest.raises(StorageError) as away:
        made.enrol(ASKED)
    assert away.value.transient
    nowhere = RemoteAuthority(httpx.Client(base_url="http://127.0.0.1:9"), public(AUTHORITY))
    with pytest.raises(StorageError, match="cannot be reached"):
        nowhere.enrol(ASKED)


def test_the_coordinator_passes_nothing_on_that_tells_the_token(apart):
    """What the coordinator sees redeems the token for its own client: never."""
    token, seen = apart.token(), []
    honest = Redemption.of(token, drawn(7))
    secret = token_key(token).private_bytes_raw()
    assert secret not in vars(honest).values()
    own = Ed25519PrivateKey.generate()
    proof = own.sign(proofs.enrolment(honest.token, public(own)))
    stolen = replace(honest, key=public(own), proof=proof)
    for asked in (stolen, replace(stolen, voucher=proof)):
        body = {name: value.hex() for name, value in vars(asked).items()}
        with httpx.Client(base_url=apart.coordinator, trust_env=False) as http:
            seen.append(http.post("/v1/enrol", json=body).json()["error"])
    assert seen == ["bad-signature"] * 2
    assert apart.clients == []
