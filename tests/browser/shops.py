"""A shop with visitors in a real browser, and the federation that learns from them."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

from conftest import FLAGS, PROGRAM
from door import Door
from network import AUDIENCE, Deployment, contribute, fold_of, members, serving
from processes import wait_until
from shop_log import ITEMS, USERS, some_interactions, some_model
from shop_site import Site as ShopSite
from sqlalchemy import func, select
from wiretap import Wiretap, findings

from hedgerow.federation.clients import Clients
from hedgerow.models.popularity import Popularity
from hedgerow.models.registry import options_of
from hedgerow.privacy.policy import Policy
from hedgerow.server.app import build
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.security import enrolment
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.origins import shared
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.tasks.runs import load_run
from hedgerow.server.tasks.task import Task

OF_THE_BROWSER = {"update.googleapis.com", "accounts.google.com"}
"""What Chromium itself calls when it starts with a lasting profile, and does not reach."""

ALL = {"recommend": True, "train": True, "measure": True}

FLOOR = {"minimum": 3, "adversaries": 0, "dropouts": 0}
"""For federations as small as those of tests."""


@dataclass
class Shop:
    """A shop's site, its visitors' browser, and a coordinator at another origin."""

    chromium: object
    folder: Path
    database: Database
    recipe: object = field(default_factory=Popularity)
    noise_seed: str | None = None
    policy: Policy = field(
        default_factory=lambda: Policy(
            epsilon=8.0, secure="split", minimum=3, adversaries=0.0, dropouts=0.0, clip=2.0
        )
    )

    def __post_init__(self):
        self.log, self.recommender = some_interactions(), some_model()
        self.deployment = Deployment(self.folder, self.database, noise_seed=self.noise_seed)
        self.service = self.deployment.service()
        self.clients = Clients.devices(self.log.users)
        self.recommender.save(self.folder / "model")
        self.site = ShopSite((self.folder / "model").read_bytes())

    def __enter__(self):
        service = self.service
        issuer = Issuer(bytes(32), AUDIENCE, service.clock)
        with contextlib.ExitStack() as stack:
            machine = stack.enter_context(Machine(service))
            inbox = stack.enter_context(Inbox(service.messages, service.clock))
            authority = self.deployment.authority
            self.door = Door(
                build(Site(service, machine.telling, inbox, issuer, AUDIENCE, authority))
            )
            self.url = stack.enter_context(serving(self.site.app))
            self.coordinator = stack.enter_context(serving(shared(self.door, [self.url])))
            self.site.coordinator = self.coordinator
            self.wire = stack.enter_context(Wiretap())
            self._contexts = stack.enter_context(contextlib.ExitStack())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self._stack.close()

    def visitor(self, profile=None):
        """A browser's profile, fresh or in a folder, of which all that is sent is kept."""
        proxy = {"server": self.wire.url, "bypass": "<-loopback>"}
        if profile is None:
            context = self.chromium.new_context(proxy=proxy)
        else:
            context = self.chromium.browser_type.launch_persistent_context(
                profile, executable_path=PROGRAM, args=[*FLAGS], proxy=proxy
            )
        self._contexts.callback(context.close)
        return context

    def tab(self, context, *, on_page=False, **options):
        """Open the shop's page, with an instance of the SDK; ``on_page`` refuses workers."""
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.goto(f"{self.url}/?on-page" if on_page else f"{self.url}/")
        tab.wait_for_function("() => window.ready")
        tab.evaluate("options => visit(options)", {**self.options, **options})
        return tab

    @property
    def options(self):
        servers = self.service.keys.servers
        return {
            "task": "shop",
            "model": "/model",
            "coordinator": self.coordinator,
            "worker": "/hedgerow/hedgerow-worker.js",
            "trust": {
                "authority": self.service.keys.authority.hex(),
                "coordinator": servers.coordinator.hex(),
                "helper": servers.helper.hex(),
                "sealing": servers.sealing.hex(),
            },
            "floor": FLOOR,
        }

    def rounds(self, tab, count):
        """Wait until a tab has contributed so often; return what it was told of that."""
        tab.wait_for_function("n => told.round.length >= n || told.error.length", arg=count)
        assert tab.evaluate("told.error") == []
        return tab.evaluate("told.round")

    def problem(self, tab):
        """Wait until something goes wrong in a tab; return its code."""
        tab.wait_for_function("() => told.error.length")
        (found,) = tab.evaluate("told.error")
        return found["code"]

    def items_of(self, user):
        ids, block = self.log.catalog.ids, self.log.block[user : user + 1]
        return [ids[item] for item in block.items.tolist()]

    def invite(self, user):
        """Have the shop give out a token, under the user's name."""
        name, clock = str(self.clients.names[user]), self.service.clock
        with self.database.write() as connection:
            made = enrolment.new_token(connection, ClientKind.DEVICE, name, 1, ttl=60, clock=clock)
        self.site.tokens.append(made)

    def take_part(self, tab, user, consents=ALL):
        """Agree, do what the user did, and take part; return when enrolled."""
        self.invite(user)
        tab.evaluate("consents => hedgerow.consent.set(consents)", consents)
        for item in self.items_of(user):
            assert tab.evaluate("item => hedgerow.track('view', item)", item)
        tab.evaluate("hedgerow.participate()")
        name = tables.clients.c.name == str(self.clients.names[user])
        wait_until(lambda: self.count(tables.clients, name), "nobody has enrolled")

    def enrol(self, users):
        """Enrol clients that may never come; return their identities."""
        return self.deployment.enrol(self.clients.names[user] for user in users)

    @contextlib.contextmanager
    def agents(self, users):
        """Agents in Python that hold some users' data and take part meanwhile."""
        identities = dict(zip(users, self.enrol(users), strict=True))
        known = [identities.get(user) for user in range(USERS)]
        found = members(self.deployment, known, self.clients, fold_of(self.log), self.noise_seed)
        taking = [found[user] for user in users]
        stopped, problems = threading.Event(), []
        done = lambda: stopped.is_set() or self.ended()  # noqa: E731
        work = contribute(self.coordinator, taking, done, problems)
        thread = threading.Thread(target=lambda: asyncio.run(work))
        thread.start()
        try:
            yield problems
        finally:
            stopped.set()
            thread.join(60)
        assert not thread.is_alive()

    def begin(self, **changed):
        """Put the task; its run begins at once, among all who are enrolled."""
        task = Task(
            name="shop",
            model=self.recipe.name,
            options=options_of(self.recipe),
            catalog="",
            policy=self.policy,
            noise_seed=self.noise_seed,
            **{"measure": "none", "gather_seconds": 20, "phase_seconds": 20, **changed},
        )
        self.deployment.task(task, self.log.catalog)

    @property
    def names(self):
        """Ids and titles of items, and ids of users."""
        catalog = self.log.catalog
        titles = [catalog.title(number) for number in range(ITEMS)]
        return [*catalog.ids, *titles, *self.log.users]

    @property
    def ports(self):
        return [int(url.rpartition(":")[2]) for url in (self.url, self.coordinator)]

    def check_the_wire(self):
        """Look at all that was sent, and where."""
        called = {(stream.host, stream.port) for stream in self.wire.streams}
        called = {(host, port) for host, port in called if host not in OF_THE_BROWSER}
        assert called <= {("127.0.0.1", port) for port in self.ports}
        for stream in self.wire.streams:
            assert findings(stream.up, self.names) == []
            assert b"cookie" not in stream.up.lower()

    def count(self, table, *where):
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(table).where(*where))

    def ended(self):
        runs = tables.runs
        return self.count(runs) and not self.count(runs, runs.c.status == "running")

    def finished(self):
        """Wait until the run has ended well; return it."""
        wait_until(self.ended, "the run goes on")
        with self.database.read() as connection:
            run = load_run(connection, connection.scalar(select(tables.runs.c.id)))
        assert run.status == "done"
        return run


@contextlib.contextmanager
def opened(chromium, folder, **changed):
    """Open a shop; when it closes, nothing that its visitors' browsers sent may name anything."""
    with (
        contextlib.closing(Database.open(f"sqlite:///{folder / 'hedgerow.db'}")) as database,
        Shop(chromium, folder, database, **changed) as shop,
    ):
        yield shop
        shop.check_the_wire()
