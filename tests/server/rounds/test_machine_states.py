"""Rounds under every order of events that hypothesis comes up with."""

import tempfile
from pathlib import Path

import pytest
from by_hand import OTHER, Killed, World, at, die, go_away, task_of
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, sampled_from

from hedgerow.errors import StorageError
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.policy import Policy
from hedgerow.server.rounds.record import LEASE_SECONDS
from hedgerow.server.rounds.stopping import stop_runs
from hedgerow.server.storage import tables
from hedgerow.server.storage.receipts import Incoming, Receipt, Refused

CLIENTS, REPLICAS = 4, 3

clients, replicas = integers(0, CLIENTS - 1), integers(0, REPLICAS - 1)

moments = integers(0, 12)
"""At which of its next transactions something happens to a replica."""


class Federation(RuleBasedStateMachine):
    """Replicas that share a database, clients that are slow, rude or gone, and a clock."""

    secure = "pairwise"
    template: Path

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        policy = Policy(
            epsilon=8.0, secure=self.secure, minimum=3, adversaries=0.0, dropouts=0.25, clip=2.0
        )
        task = task_of(Popularity(), policy, runs=2, schedule="continuous")
        self.world = World(Path(self.folder.name), self.template, [task], users=CLIENTS)
        self.machines = [self.world.machine() for _ in range(REPLICAS)]
        self.stopped = False

    def teardown(self):
        """Whatever happened, in the end every round and every run is over."""
        try:
            self.world.settle(self.machines)
            self.world.check()
        finally:
            self.world.close()
            self.folder.cleanup()

    @rule(replica=replicas)
    def tick(self, replica):
        self.machines[replica].tick()

    @rule(client=clients)
    def check_in(self, client):
        person = self.world.people[client]
        if not person.round:
            person.check_in()

    @rule(replica=replicas, client=clients)
    def step(self, replica, client):
        self.world.people[client].step(self.machines[replica])

    @rule(replica=replicas)
    def all_step(self, replica):
        for person in self.world.people:
            if not person.round:
                person.check_in()
            person.step(self.machines[replica])

    @rule(replica=replicas)
    def go_on(self, replica):
        """Let everybody do what they can, so that many examples get far."""
        for _ in range(2):
            self.all_step(replica)
            self.machines[replica].tick()

    @rule(client=clients)
    def send_again(self, client):
        for message in self.world.people[client].sent[-2:]:
            first, second = self.world.post(message), self.world.post(message)
            assert first == second
            assert isinstance(first, Receipt)

    @rule(client=clients)
    def send_something_else_instead(self, client):
        for message in self.world.people[client].sent[-1:]:
            other = Incoming(message.round, message.client, message.kind, message.phase, OTHER)
            found = self.world.post(other)
            assert isinstance(found, Refused)
            assert found.code == "another-message"

    @rule(client=clients, other=clients)
    def send_an_old_or_anothers_message(self, client, other):
        going, person = self.world.open(), self.world.people[client]
        for message in self.world.people[other].sent[-8:]:
            if going and message.body and (message.round, other) != (going[0].id, client):
                self.world.post(
                    Incoming(
                        going[0].id, person.key.hex(), message.kind, message.phase, message.body
                    )
                )

    @rule(client=clients)
    def vanish(self, client):
        self.world.people[client].vanish()

    @rule(replica=replicas)
    def crash(self, replica):
        self.machines[replica] = self.world.machine()

    @rule(replica=replicas, moment=moments, what=sampled_from(["write", "written"]))
    def crash_at_work(self, replica, moment, what):
        self.world.watch(self.machines[replica], at(moment, {what}, die))
        try:
            self.machines[replica].tick()
        except Killed:
            self.machines[replica] = self.world.machine()
        self.world.watch(self.machines[replica], None)

    @rule(replica=replicas, moment=moments)
    def storage_goes_away_at_work(self, replica, moment):
        self.world.watch(self.machines[replica], at(moment, {"read", "write", "written"}, go_away))
        try:
            self.machines[replica].tick()
        except StorageError:
            pass
        finally:
            self.world.watch(self.machines[replica], None)

    @rule(replica=replicas, other=replicas, moment=moments)
    def lose_the_lease_at_work(self, replica, other, moment):
        def lose():
            self.world.clock.now += LEASE_SECONDS + 0.5
            if other != replica:
                self.go_on(other)

        self.world.watch(self.machines[replica], at(moment, {"read", "write"}, lose))
        self.machines[replica].tick()
        self.world.watch(self.machines[replica], None)

    @rule(seconds=sampled_from([1, 11, 21, 31]))
    def time_passes(self, seconds):
        self.world.clock.now += seconds

    @precondition(lambda self: not self.stopped)
    @rule(really=integers(0, 9))
    def an_operator_stops_the_run(self, really):
        if really:
            return
        self.stopped = True
        (task,) = self.world.rows(tables.tasks)
        with self.world.database.write() as connection:
            stop_runs(connection, task.id, self.world.clock())

    @invariant()
    def everything_holds(self):
        self.world.check()


class SplitFederation(Federation):
    """The same with two servers."""

    secure = "split"


@pytest.mark.parametrize("kind", [Federation, SplitFederation], ids=lambda kind: kind.secure)
def test_whatever_happens_a_published_model_is_the_exact_sum(kind, empty, monkeypatch):
    monkeypatch.setattr(kind, "template", empty, raising=False)
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )
