"""A federation that is moved by hand: no network, no threads, and no clock but the test's."""

import contextlib
import shutil
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from network import Deployment, Easy, fold_of, members
from sqlalchemy import event, func, select

from hedgerow.client.member import compute, noise_of
from hedgerow.client.models import read
from hedgerow.client.offer import step_asked
from hedgerow.data.interactions import Interactions
from hedgerow.errors import ProtocolError, StorageError
from hedgerow.federation.ask import STEP, Ask, step_of
from hedgerow.federation.clients import Clients
from hedgerow.federation.invitation import Counted, Invitation
from hedgerow.federation.setting import SERVERS, stream_of
from hedgerow.models.registry import options_of
from hedgerow.privacy import gaussian
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.messages import Agreement, Delivery, Opening, Survivors
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.receipt import check_receipt
from hedgerow.privacy.secure.session import SPLIT, sid
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds import gather
from hedgerow.server.rounds.admission import admit, next_phase
from hedgerow.server.rounds.closing import Published
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.rounds.phases import PHASES
from hedgerow.server.rounds.record import (
    CONSENT,
    FINISHED,
    GATHER,
    MASKED,
    OVER,
    PUBLISH,
    SHARES,
    UNMASK,
    closings_of,
    load_round,
)
from hedgerow.server.security import enrolment
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.storage.messages import Messages
from hedgerow.server.storage.receipts import Incoming, Refused
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import account_of, load_run
from hedgerow.server.tasks.task import Task

SEED = "by hand"

OTHER = b"\x00"
"""A body that no honest client sends."""


class Killed(BaseException):
    """A replica's process is gone, in the middle of what it did."""


@dataclass
class HandClock:
    """Goes on by a millisecond whenever somebody looks, and otherwise where it is set."""

    now: float = 1_000_000.0

    def __call__(self):
        self.now += 0.001
        return self.now


@dataclass
class Watched:
    """A replica's database, which tells of each transaction before it begins and once it is in."""

    database: Database
    happens: object = lambda _what: None
    depth: int = 0

    @property
    def engine(self):
        return self.database.engine

    @contextlib.contextmanager
    def read(self):
        with self._one("read"), self.database.read() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self):
        with self._one("write"):
            with self.database.write() as connection:
                yield connection
            self._tell("written")

    @contextlib.contextmanager
    def _one(self, what):
        self._tell(what)
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def _tell(self, what):
        if self.depth == (1 if what == "written" else 0):
            self.happens(what)


def at(number, kinds, do):
    """Return what does something at the n-th transaction of some kinds, counted from 0."""
    seen = Counter()

    def happens(what):
        if what in kinds:
            seen["n"] += 1
            if seen["n"] == number + 1:
                do()

    happens.seen = seen
    return happens


def die():
    raise Killed


def go_away():
    raise StorageError("The database is away.", transient=True)


@dataclass
class Log:
    """Keeps what a replica logged."""

    said: list = field(default_factory=list)
    broken: list = field(default_factory=list)

    def warning(self, what, **parts):
        self.said.append((what, parts))

    info = warning

    def exception(self, what, **parts):
        self.broken.append((what, repr(sys.exc_info()[1])))


@dataclass
class Person:
    """A client, one message at a time."""

    world: object
    number: int
    member: object
    answered: dict = field(default_factory=dict)
    refusals: list = field(default_factory=list)
    parts: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    round: str = ""
    stage: str = ""

    @property
    def key(self):
        return public(self.member.identity.key)

    def check_in(self):
        """Come to whatever round there is; return whether there was one."""
        with self.world.database.read() as connection:
            enrolment.active(connection, self.key.hex())
            found = admit(connection, self.key.hex())
        if found is None:
            return False
        if found.phase == GATHER:
            self.send(found.id, gather.KIND, GATHER, b"")
        self.round, self.stage = found.id, next_phase(found)
        return True

    def vanish(self):
        self.round = self.stage = ""

    def step(self, machine):
        """Do the next thing, if it is due; return whether it was."""
        if not self.round:
            return False
        try:
            before = self.round, self.stage
            body = machine.telling.told(*before, self.key)
            # Where another replica's turn came between, the answer is no news any more.
            if body is None or (self.round, self.stage) != before:
                return body is not None
            getattr(self, f"_{self.stage}")(body)
        except ProtocolError as problem:
            self.refusals.append(problem.code)
            self.vanish()
        return True

    def send(self, name, kind, phase, body):
        message = Incoming(name, self.key.hex(), kind, phase, body)
        self.sent.append(message)
        found = self.world.post(message)
        if isinstance(found, Refused):
            raise ProtocolError(found.code, found.sentence)
        return found

    def _say(self, message, then, kind=None):
        phase = PHASES[self.stage]
        self.send(self.round, kind or phase.KIND, self.stage, to_wire(message))
        self.stage = then

    def _invited(self, body):
        invitation = from_wire(Invitation, body)
        self.ask, self.terms = Ask.from_json(invitation.ask), invitation.terms
        assert self.ask.terms(self.terms.attempt) == self.terms
        self.session, self.floor = sid(self.terms), Easy().agree(self.ask, self.terms)
        if self.answered.get(self.ask.release, self.session) != self.session:
            raise ProtocolError("answered-before", "This was answered in another session.")
        return self.world.words(self.number, self.ask)

    def _keys(self, body):
        self.words = self._invited(body)
        member = self.member
        self.client = Client(
            self.terms, self.floor, member.identity, member.authority, journal=lambda _answer: None
        )
        self._say(self.client.advertise(), SHARES)

    def _shares(self, body):
        self._say(self.client.share(from_wire(Opening, body)), MASKED)

    def _masked(self, body):
        masked = self.client.mask(from_wire(Delivery, body), self.words)
        self.answered[self.ask.release] = self.session
        self._say(masked, CONSENT if self.terms.consistency else UNMASK)

    def _consent(self, body):
        self.survivors = from_wire(Survivors, body)
        self._say(self.client.consent(self.survivors), UNMASK)

    def _unmask(self, body):
        if self.terms.consistency:
            answer = self.client.reveal(self.survivors, from_wire(Agreement, body))
        else:
            answer = self.client.reveal(from_wire(Survivors, body))
        self._say(answer, FINISHED)

    def _report(self, body):
        words, member = self._invited(body), self.member
        self.answered[self.ask.release] = self.session
        report = make_report(self.terms, member.servers, member.identity, words, floor=self.floor)
        self.digest = report.signed.envelope.digest
        self._say(report, FINISHED)

    def _done(self, body):
        counted = from_wire(Counted, body)
        if self.terms.mode == SPLIT:
            keys = self.member.servers.coordinator
            check_receipt(counted.receipt, counted.inclusion, keys, self.session, self.digest)
        else:
            keys = self.member.servers.coordinator
            self.client.check_receipt(counted.receipt, counted.inclusion, keys)
        self.parts.append((self.round, self.ask.release))
        self.vanish()


def data_of(users=4, items=6):
    """Return a small log: user u has met the items whose numbers it divides, plus one."""
    rows = [(u, i) for u in range(1, users + 1) for i in range(items) if i % u == 0 or i == u]
    return Interactions.read(
        pl.DataFrame(
            {
                "user_id": [f"user-{u}" for u, _ in rows],
                "item_id": [f"item-{i}" for _, i in rows],
                "timestamp": list(range(len(rows))),
            }
        )
    ).distinct()


def task_of(recipe, policy, name="shop", **changed):
    """Return a task over that log."""
    values = {"measure": "none", "attempts": 3, "noise_seed": SEED, **changed}
    return Task(
        name=name,
        model=recipe.name,
        options=options_of(recipe),
        catalog="",
        policy=policy,
        gather_seconds=30,
        phase_seconds=20,
        **values,
    )


class World:
    """Servers, their clients, and what has to hold whatever happens to them."""

    def __init__(self, folder, template, tasks, *, database=None, users=4, helper=None):
        if database is None:
            shutil.copyfile(template, folder / "hedgerow.db")
            database = Database.open(f"sqlite:///{folder / 'hedgerow.db'}", upgrade=False)
            _hasten(database)
        shutil.copyfile(template, folder / "helper.db")
        self.database, self.clock, self.log = database, HandClock(), Log()
        self.deployment = Deployment(folder, database, noise_seed=SEED)
        _hasten(self.deployment.helper.database)
        self.helper = helper(self.deployment.helper) if helper else self.deployment.helper
        self.blobs = self.deployment.blobs
        self.artefacts = Artefacts(self.blobs)
        log = data_of(users)
        clients = Clients.devices(log.users)
        identities = self.deployment.enrol(clients.names)
        found = members(self.deployment, identities, clients, fold_of(log), SEED)
        self.people = [Person(self, number, member) for number, member in enumerate(found)]
        for task in tasks:
            self.deployment.task(task, log.catalog)
        self.replicas, self._models, self._public = 0, {}, {}
        self._epochs, self._checked = defaultdict(int), set()

    def close(self):
        self.database.close()
        self.deployment.helper.database.close()

    def machine(self, happens=None, name=None):
        """Start a replica."""
        self.replicas += 1
        database = Watched(self.database, happens) if happens else self.database
        service = self.deployment.service(
            name or f"replica-{self.replicas}", clock=self.clock, log=self.log, helper=self.helper
        )
        return Machine(replace(service, database=database))

    def watch(self, machine, happens):
        """Have something happen at the transactions of a replica that runs already."""
        machine._service.__dict__["database"] = (
            Watched(self.database, happens) if happens else self.database
        )

    def post(self, message):
        (found,) = Messages(self.database, self.blobs).accept([message], self.clock())
        return found

    def model(self, name):
        if name not in self._models:
            self._models[name] = self.artefacts.load(name)
        return self._models[name]

    def words(self, number, ask):
        """Return what a client contributes, the same whenever it is asked."""
        name = ask.setting.model.hex()
        if name not in self._public:
            self._public[name] = read(self.artefacts.public(name))
        model = self._public[name]
        member, step = self.people[number].member, step_asked(ask, model)
        return compute(member, ask, model.catalog, step, noise_of(member, ask))

    def turn(self, machine, people=None):
        """Let a replica and some clients do all that they can without the clock going on."""
        people = self.people if people is None else people
        # Whoever waits looks by himself now and then, as time goes on.
        machine._service.moved.ring()
        busy = True
        while busy:
            busy = machine.tick()
            for person in people:
                came = not person.round and self._wanted(person) and person.check_in()
                busy |= bool(came) | person.step(machine)

    def _wanted(self, person):
        with self.database.read() as connection:
            found = admit(connection, person.key.hex())
            came = found and connection.scalar(
                select(func.count()).where(
                    tables.messages.c.round == found.id,
                    tables.messages.c.client == person.key.hex(),
                )
            )
        return found is not None and not came

    def rows(self, table, *where):
        with self.database.read() as connection:
            return connection.execute(select(table).where(*where)).all()

    def rounds(self):
        return sorted(self.rows(tables.rounds), key=lambda row: (row.created, row.attempt))

    def open(self):
        return [row for row in self.rounds() if row.phase not in OVER]

    def outcomes(self):
        """Return what became of each round so far."""
        return [row.failure or row.phase for row in self.rounds()]

    def run(self):
        (row,) = self.rows(tables.runs)
        return row

    def spent(self, name="shop"):
        """Return the names of the releases that were charged, in order."""
        entries = Ledger(DatabaseLines(self.database)).entries
        return [entry.name for entry in entries if entry.account == f"task {name}"]

    def settle(self, machines, limit=200):
        """Let the clock go on, with no client left, until no round and no run is open."""
        for _ in range(limit):
            for machine in machines:
                while machine.tick():
                    pass
            if not self.open() and all(r.status != "running" for r in self.rows(tables.runs)):
                return
            self.clock.now += 61
        raise AssertionError(f"rounds never end: {self.open()}")

    def check(self):
        """Hold the federation to what is promised."""
        assert self.log.broken == []
        rows, tries = self.rounds(), Counter()
        for row in rows:
            assert row.epoch >= self._epochs[row.id]
            self._epochs[row.id] = row.epoch
            tries[row.run, row.step, row.purpose] += 1
            if row.phase == FINISHED and row.id not in self._checked:
                self._check_published(row.id)
                self._checked.add(row.id)
        for (name, step, purpose), count in tries.items():
            with self.database.read() as connection:
                assert count <= load_run(connection, name).task.attempts
            opened = [
                row
                for row in rows
                if (row.run, row.step, row.purpose, row.phase) == (name, step, purpose, FINISHED)
            ]
            assert len(opened) <= 1

    def _check_published(self, name):
        with self.database.read() as connection:
            found = load_round(connection, name)
            published = from_wire(Published, closings_of(connection, name)[PUBLISH])
            run = load_run(connection, found.run)
        ask = found.ask
        keys = [person.key for person in self.people]
        contributors = [keys.index(member) for member in published.members]
        assert len(set(contributors)) == len(contributors) >= found.terms.minimum
        if ask.policy.private:
            entries = Ledger(DatabaseLines(self.database)).of(account_of(run.task))
            assert [entry.name for entry in entries].count(ask.release) == 1
        values, sigma = ask.setting.opened(self.plain_sum(ask, contributors), len(contributors))
        model = self.model(ask.setting.model.hex())
        step = step_of(
            model.recipe,
            model.state,
            ask.purpose,
            private=ask.policy.private,
            k=ask.k,
            repeats=ask.repeats,
        )
        learned = step.update(replace(step.schema.unflatten(np.asarray(values)), noise=sigma))
        if ask.purpose == STEP:
            state = self.model(published.model.hex()).state
            assert state.round == learned.round
            for key, array in learned.arrays.items():
                np.testing.assert_array_equal(state.arrays[key], array)
        else:
            assert published.model == ask.setting.model

    def plain_sum(self, ask, contributors):
        """Return the integers that a sum of some clients' terms has to give."""
        ring = ask.setting.ring
        total = sum(self.words(number, ask).astype(object) for number in contributors)
        total = ring.decode(np.array(total % (1 << ring.bits)).astype(ring.dtype))
        if ask.policy.secure == SPLIT:
            for server in SERVERS:
                stream = stream_of(SEED, ask.release, server)
                total = total + gaussian.integers(stream, len(total), ask.setting.deviation)
        return total


def _hasten(database):
    """Let a test's database not wait for the disk: the machine that it runs on does not fail."""

    def set_up(connection, _record):
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(database.engine, "connect", set_up)
    database.engine.dispose()
