"""A whole federation in this process, over real HTTP: what the tests of rounds share."""

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hedgerow.client.api import Admitted, Api
from hedgerow.client.member import Member
from hedgerow.client.models import Models
from hedgerow.client.taking_part import take_part
from hedgerow.data.split import Fold
from hedgerow.errors import HedgerowError, ProtocolError
from hedgerow.federation.proofs import Redemption
from hedgerow.federation.setting import stream_of
from hedgerow.federation.terms import own_stream
from hedgerow.privacy.secure.identity import Certificate, Identity, public
from hedgerow.privacy.secure.session import Floor
from hedgerow.privacy.secure.split.helper import HelperKeys
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.app import build
from hedgerow.server.context import Keys, Service
from hedgerow.server.helper.service import HelperService
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.security import enrolment
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.site import Site
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.tasks.registry import catalog_bytes, put_catalog, put_task

AUDIENCE = "https://hedgerow.test"


def drawn(number):
    """A repeatable signing key."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


@dataclass
class Easy:
    """A conscience that agrees to whatever is secured, and remembers."""

    minimum: int = 2
    claimed: dict = field(default_factory=dict)

    def agree(self, ask, terms):
        policy = ask.policy
        return Floor(
            self.minimum,
            policy.adversaries,
            policy.dropouts,
            semi_malicious=policy.semi_malicious,
            consistency=policy.semi_malicious and terms.mode == "pairwise",
        )

    def accept(self, recipe):
        pass

    def claim(self, ask, session):
        if self.claimed.setdefault(ask.release, session) != session:
            raise ProtocolError("answered-before", "This was answered before.")

    def kept(self, session, kind):
        return None

    def keep(self, session, kind, body):
        pass

    def commit(self, ask, session):
        pass

    def record(self, ask, session, answer):
        pass


@dataclass
class Deployment:
    """Keys and storage of a federation."""

    folder: Path
    database: Database
    noise_seed: str | None = None

    def __post_init__(self):
        self.authority, self.coordinator, self.signing = drawn(1), drawn(2), drawn(3)
        self.sealing = X25519PrivateKey.from_private_bytes(bytes([4]) * 32)
        self.servers = Servers(
            public(self.coordinator),
            public(self.signing),
            self.sealing.public_key().public_bytes_raw(),
        )
        self.blobs = FolderBlobs(self.folder / "blobs")
        helper = Database.open(f"sqlite:///{self.folder / 'helper.db'}")
        self.helper = HelperService(
            helper,
            self.servers,
            public(self.authority),
            HelperKeys(self.signing, self.sealing),
            clock=lambda: 0.0,
            noise_seed=self.noise_seed,
        )

    def service(self, replica="one", **changed):
        keys = Keys(
            public(self.authority), self.coordinator, self.servers.helper, self.servers.sealing
        )
        return Service(
            replica, self.database, self.blobs, keys, **{"helper": self.helper, **changed}
        )

    def task(self, task, catalog):
        """Write down a task over a catalog."""
        with self.database.write() as connection:
            name = put_catalog(connection, self.blobs, catalog_bytes(catalog), 0.0)
            put_task(connection, replace(task, catalog=name), 0.0)

    def enrol(self, names, users=None):
        """Enrol clients directly; return their identities."""
        found = []
        for number, name in enumerate(names):
            key = Ed25519PrivateKey.generate()
            most = 1 if users is None else users[number]
            kind = ClientKind.DEVICE if users is None else ClientKind.SILO
            with self.database.write() as connection:
                token = enrolment.new_token(
                    connection, kind, str(name), most, ttl=60, clock=lambda: 0.0
                )
                asked = Redemption.of(token, key)
                client = enrolment.enrol(
                    connection, asked, authority=self.authority, clock=lambda: 0.0
                )
            found.append(Identity(key, from_wire(Certificate, client.certificate)))
        return found


@contextlib.contextmanager
def serving(app):
    """Serve an application over HTTP on a free port; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def and_tell(*args, **kwargs):
        await startup(*args, **kwargs)
        started.set()

    server.startup = and_tell
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextlib.contextmanager
def coordinating(deployment, **changed):
    """Run a replica of the coordinator; give its address and service."""
    service = deployment.service(**changed)
    issuer = Issuer(bytes(32), AUDIENCE, service.clock)
    machine = Machine(service)
    with Inbox(service.messages, service.clock) as inbox, machine:
        site = Site(
            service, machine.telling, inbox, issuer, AUDIENCE, enrolment=deployment.authority
        )
        with serving(build(site)) as address:
            yield address, service


def members(deployment, identities, clients, data, seed=None):
    """Clients that hold their part of some users' data."""
    import numpy as np

    models = Models()
    found = []
    for number, identity in enumerate(identities):
        own = data.take(np.flatnonzero(clients.owner == number))
        label = str(clients.names[number])

        def streams(release, purpose, label=label):
            return own_stream(partial(stream_of, seed, release), label, purpose)

        found.append(
            Member(
                identity,
                public(deployment.authority),
                deployment.servers,
                len(own),
                lambda _catalog, _held_out, own=own: own,
                Easy(),
                models,
                *([streams] if seed is not None else []),
            )
        )
    return found


async def contribute(address, found, done, problems=None):
    """Let members take part in whatever they are asked for, until ``done`` says so."""
    limits = httpx.Limits(max_connections=None)

    async def live(member):
        async with httpx.AsyncClient(base_url=address, limits=limits) as http:
            api = Api(http, member.identity.key, audience=AUDIENCE)
            while not done():
                admitted = await api.check_in(wait=1)
                if isinstance(admitted, Admitted):
                    try:
                        await take_part(api, member, admitted)
                    except HedgerowError as problem:
                        if problems is not None:
                            problems.append(problem)

    await asyncio.gather(*(live(member) for member in found))


def fold_of(log):
    """What clients hold of a log, with nothing held out."""
    return Fold(log.block, log.block.where(log.block.ages < 0))
