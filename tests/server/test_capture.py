"""Every byte between clients and coordinator, searched for what must not be there."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from functools import partial

import httpx
import numpy as np
import polars as pl
import pytest
import uvicorn
from network import AUDIENCE, Deployment, fold_of, members
from sqlalchemy import select

from hedgerow.client import taking_part
from hedgerow.client.api import Admitted, Api
from hedgerow.data.interactions import Interactions
from hedgerow.federation.clients import Clients
from hedgerow.models.popularity import Popularity
from hedgerow.models.registry import options_of
from hedgerow.privacy.audits.wire import Search, shortest_name
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.server.app import build
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.security import certificates
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.tasks.task import Task

USERS, ITEMS = 5, 24


class Recorder:
    """A TCP proxy that keeps all that passes, by direction."""

    def __init__(self, port):
        self._to = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.up, self.down, self._sockets = [], [], []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *exc):
        # A connection wakes the thread that waits for one.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        for each in self._sockets:
            each.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            self._sockets += [client, server]
            for source, target, kept in ((client, server, self.up), (server, client, self.down)):
                stream = bytearray()
                kept.append(stream)
                thread = threading.Thread(target=_pass, args=(source, target, stream))
                self._threads.append(thread)
                thread.start()


def _pass(source, target, stream):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            stream += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def answering(app, **transport):
    """Serve an application; give its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", **transport)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(5)
    rows = [
        (user, item)
        for user in range(USERS)
        for item in rng.choice(ITEMS, size=8, replace=False).tolist()
    ]
    table = pl.DataFrame(
        {
            "user_id": [f"customer-with-the-number-{user:02d}" for user, _ in rows],
            "item_id": [f"article-with-the-number-{item:02d}" for _, item in rows],
            "timestamp": list(range(len(rows))),
        }
    )
    return Interactions.read(table).distinct()


class Hidden:
    """All that clients hold and draw, noted down as they do."""

    def __init__(self, monkeypatch, identities):
        self.secrets, self.vectors = [], []
        self.secrets += [identity.key.private_bytes_raw() for identity in identities]
        computed = taking_part.compute

        def random(count):
            drawn = os.urandom(count)
            self.secrets.append(drawn)
            return drawn

        def compute(member, ask, *rest):
            words = computed(member, ask, *rest)
            self.vectors.append(ask.setting.ring.pack(words))
            return words

        client = partial(_client, taking_part.Client, random)
        monkeypatch.setattr(taking_part, "compute", compute)
        monkeypatch.setattr(taking_part, "make_report", partial(make_report, random=random))
        monkeypatch.setattr(taking_part, "Client", client)

    def found(self, streams, names, where):
        search = Search(names, shortest_name(len(names), 1 << 40))
        for secret in self.secrets:
            search.hide(secret, "a secret")
        for vector in self.vectors:
            search.hide_vector(vector, "a vector")
        for stream in streams:
            search.look(bytes(stream), where)
        return search.findings


def _client(made, drawn, *arguments, **named):
    return made(*arguments, **{**named, "random": drawn})


@pytest.mark.parametrize("transport", ["plain", "tls"])
@pytest.mark.parametrize("secure", ["pairwise", "split"])
def test_nothing_of_anybody_crosses_the_wire(tmp_path, sqlite, log, monkeypatch, secure, transport):
    policy = Policy(epsilon=8.0, secure=secure, minimum=3, adversaries=0.0, dropouts=0.2)
    task = Task(
        name="shop",
        model="popularity",
        options=options_of(Popularity()),
        catalog="",
        policy=policy,
        gather_seconds=30,
        phase_seconds=30,
    )
    deployment, clients = Deployment(tmp_path, sqlite), Clients.devices(log.users)
    identities = deployment.enrol(clients.names)
    deployment.task(task, log.catalog)
    found = members(deployment, identities, clients, fold_of(log), "capture")
    hidden, service = Hidden(monkeypatch, identities), deployment.service()
    options, verify, scheme = {}, True, "http"
    if transport == "tls":
        folder, scheme = tmp_path / "keys", "https"
        folder.mkdir()
        certificates.create(folder, "coordinator")
        own = folder / "coordinator"
        options = {
            "ssl_certfile": str(own / certificates.CERTIFICATE),
            "ssl_keyfile": str(own / certificates.KEY),
        }
        verify = ssl.create_default_context(cafile=str(own / certificates.CA))
    machine = Machine(service)
    issuer = Issuer(bytes(32), AUDIENCE, service.clock)
    with Inbox(service.messages, service.clock) as inbox, machine:
        site = Site(service, machine.telling, inbox, issuer, AUDIENCE, deployment.authority)
        with answering(build(site), **options) as port, Recorder(port) as recorder:
            address = f"{scheme}://127.0.0.1:{recorder.port}"
            parts = asyncio.run(_take_part(address, verify, found, lambda: _over(sqlite)))
    with sqlite.read() as connection:
        assert connection.scalars(select(tables.runs.c.status)).all() == ["done"]
    # Norms, a step and an evaluation, of everybody.
    assert len(parts) == len(hidden.vectors) == 3 * USERS
    assert len(hidden.secrets) > 3 * USERS
    items = dict.fromkeys(log.catalog.ids, "the item")
    users = dict.fromkeys(log.users, "the user")
    assert hidden.found(recorder.up, {**items, **users}, "what clients sent") == []
    assert hidden.found(recorder.down, users, "what clients were sent") == []
    public = hidden.found(recorder.down, items, "what clients were sent")
    # The model that everybody may have names its items; under TLS not even that can be read.
    assert bool(public) == (transport == "plain")
    every = [bytes(stream) for stream in (*recorder.up, *recorder.down)]
    words = [b"authorization", b"popularity", b"/v1/rounds/", b"application/cbor"]
    readable = [word for word in words if any(word in stream.lower() for stream in every)]
    assert readable == (words if transport == "plain" else [])


def test_the_search_finds_what_is_sent_in_clear(monkeypatch):
    hidden = Hidden(monkeypatch, [])
    secret, vector = os.urandom(32), os.urandom(512)
    hidden.secrets, hidden.vectors = [secret], [vector]
    name = "article-with-the-number-07"
    for told in (secret, vector, name.encode()):
        stream = b"POST / HTTP/1.1\r\n\r\n" + told + b"\r\n"
        assert hidden.found([stream], {name: "the item"}, "a request") != []
    assert hidden.found([os.urandom(1 << 16)], {name: "the item"}, "noise") == []


async def _take_part(address, verify, found, done):
    parts = []

    async def live(member):
        async with httpx.AsyncClient(base_url=address, verify=verify, trust_env=False) as http:
            api = Api(http, member.identity.key, audience=AUDIENCE)
            while not done():
                admitted = await api.check_in(wait=1)
                if isinstance(admitted, Admitted):
                    parts.append(await taking_part.take_part(api, member, admitted))

    await asyncio.gather(*(live(member) for member in found))
    return parts


def _over(database):
    with database.read() as connection:
        found = connection.scalars(select(tables.runs.c.status)).all()
    return bool(found) and all(status != "running" for status in found)
