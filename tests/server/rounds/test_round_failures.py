"""What becomes of rounds when something goes wrong, each by its name."""

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from by_hand import OTHER, Killed, at, die, go_away, task_of
from sqlalchemy import update

from hedgerow.errors import ProtocolError, StorageError
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.policy import Policy
from hedgerow.server.helper.link import HelperAwayError
from hedgerow.server.rounds.record import LEASE_SECONDS
from hedgerow.server.rounds.stopping import stop_runs
from hedgerow.server.security import enrolment
from hedgerow.server.storage import tables
from hedgerow.server.storage.receipts import Incoming, Refused
from hedgerow.server.tasks.registry import live_model, models_of, put_live
from hedgerow.server.tasks.runs import load_run
from hedgerow.server.tasks.schedule import next_run

MODES = ["pairwise", "split"]


def policy(secure="pairwise", **changed):
    values = {"epsilon": 8.0, "minimum": 3, "adversaries": 0.0, "dropouts": 0.25, "clip": 2.0}
    return Policy(secure=secure, **{**values, **changed})


def small(secure="pairwise", **changed):
    """A task that is one sum of three clients."""
    return task_of(Popularity(), policy(secure, dropouts=0.0), **changed)


def state_of(world):
    return world.model(world.run().state).state.arrays


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.fixture
def undisturbed(world):
    """What the small task learns when nothing goes wrong."""

    def learned(secure):
        calm = world(small(secure), users=3)
        calm.turn(calm.machine())
        assert calm.outcomes() == ["done"]
        return state_of(calm)

    return learned


def until(world, machine, phase, people=None):
    """Let everybody do all they can until the round stands at a phase."""
    people = world.people if people is None else people
    while not (world.open() and world.open()[-1].phase == phase):
        busy = machine.tick()
        if world.open() and world.open()[-1].phase == phase:
            return
        for person in people:
            came = not person.round and person.check_in()
            busy |= came | person.step(machine)
        assert busy, f"{phase} is never reached: {world.outcomes()}"


@pytest.mark.parametrize("secure", MODES)
def test_a_replica_killed_before_any_write_loses_nothing(world, undisturbed, secure):
    expected, writes = undisturbed(secure), 0
    while True:
        tried, plan = world(small(secure), users=3), at(writes, {"write"}, die)
        try:
            tried.turn(tried.machine(plan))
        except Killed:
            tried.clock.now += LEASE_SECONDS + 0.5
            tried.turn(tried.machine())
        tried.check()
        assert tried.outcomes() == ["done"], f"killed before write {writes}"
        assert tried.spent() == ["shop/0/0"]
        assert_same(state_of(tried), expected)
        if plan.seen["n"] <= writes:
            break
        writes += 1
    assert writes > 8


@pytest.mark.parametrize("secure", MODES)
@pytest.mark.parametrize("much", ["a tick", "all there is"])
def test_a_replica_that_sleeps_before_any_write_changes_nothing_any_more(
    world, undisturbed, secure, much
):
    """Its lease runs out, another takes over, and then it wakes up and goes on."""
    expected, writes = undisturbed(secure), 0
    while True:
        tried = world(small(secure), users=3)
        other = tried.machine()

        def sleep(tried=tried, other=other):
            tried.clock.now += LEASE_SECONDS + 0.5
            other.tick() if much == "a tick" else tried.turn(other)

        plan = at(writes, {"write"}, sleep)
        first = tried.machine(plan)
        tried.turn(first)
        for machine in (other, first):
            tried.clock.now += LEASE_SECONDS + 0.5
            tried.turn(machine)
        tried.check()
        assert tried.outcomes() == ["done"], f"asleep before write {writes}"
        assert tried.spent() == ["shop/0/0"]
        assert_same(state_of(tried), expected)
        if plan.seen["n"] <= writes:
            break
        writes += 1
    assert writes > 8


@pytest.mark.parametrize("secure", MODES)
def test_storage_that_is_away_for_a_moment_delays_and_loses_nothing(world, undisturbed, secure):
    expected, count = undisturbed(secure), 0
    while True:
        tried = world(small(secure), users=3)
        plan = at(count, {"read", "write", "written"}, go_away)
        machine = tried.machine(plan)
        for _ in range(3):
            # What clients ask for fails as well; they ask again.
            with contextlib.suppress(StorageError):
                tried.turn(machine)
        tried.check()
        assert tried.outcomes() == ["done"], f"away at transaction {count}"
        assert_same(state_of(tried), expected)
        if plan.seen["n"] <= count:
            break
        count += 5
    assert count > 50


class TestTooFew:
    """Each phase ends at its deadline, whoever is still missing."""

    def test_too_few_came(self, world):
        tried = world(task_of(Popularity(), policy(), attempts=2))
        machine = tried.machine()
        for _ in range(2):
            machine.tick()
            for person in tried.people[:2]:
                assert person.check_in()
            tried.clock.now += 31
            machine.tick()
        tried.settle([machine])
        tried.check()
        assert tried.outcomes() == ["too-few-clients"] * 2
        assert (tried.run().status, tried.run().note) == (
            "failed",
            "A sum failed: too-few-clients.",
        )
        assert tried.spent() == []

    @pytest.mark.parametrize(
        ("phase", "failure", "again"),
        [
            ("keys", "too-few-clients", "shop/0/0"),
            ("shares", "too-few-clients", "shop/0/0~1"),
            ("masked", "too-few-contributors", "shop/0/0~1"),
        ],
    )
    def test_too_few_are_left(self, world, phase, failure, again):
        tried = world(task_of(Popularity(), policy()))
        machine = tried.machine()
        until(tried, machine, phase)
        for person in tried.people[:2]:
            person.vanish()
        tried.turn(machine, tried.people[2:])
        tried.clock.now += 21
        machine.tick()
        assert (tried.outcomes(), tried.spent()) == ([failure], [])
        tried.turn(machine)
        tried.check()
        assert (tried.outcomes(), tried.spent()) == ([failure, "done"], [again])

    def test_too_little_that_is_revealed_costs_nothing(self, world):
        tried = world(task_of(Popularity(), policy()))
        machine = tried.machine()
        until(tried, machine, "unmask")
        for person in tried.people[1:]:
            person.vanish()
        tried.turn(machine, tried.people[:1])
        tried.clock.now += 21
        machine.tick()
        assert (tried.outcomes(), tried.spent()) == (["too-few-shares"], [])
        tried.turn(machine)
        tried.check()
        assert (tried.outcomes(), tried.spent()) == (["too-few-shares", "done"], ["shop/0/0~1"])

    def test_one_that_vanishes_late_is_taken_out_of_the_sum(self, world):
        for phase in ("keys", "shares", "masked", "consent", "unmask"):
            tried = world(task_of(Popularity(), policy()))
            machine = tried.machine()
            until(tried, machine, phase)
            gone = tried.people[1]
            gone.vanish()
            for _ in range(6):
                tried.turn(machine, [person for person in tried.people if person is not gone])
                tried.clock.now += 21
            tried.check()
            assert tried.outcomes() == ["done"], phase
            counted = 4 if phase in {"consent", "unmask"} else 3
            assert sum(len(person.parts) for person in tried.people) == 3
            assert f'"contributors": {counted}' in tried.rounds()[0].stats

    def test_too_few_reports(self, world):
        tried = world(task_of(Popularity(), policy("split")))
        machine = tried.machine()
        machine.tick()
        for person in tried.people[:2]:
            assert person.check_in()
            assert person.step(machine)
        tried.clock.now += 51
        machine.tick()
        assert tried.outcomes()[0] == "too-few-contributors"
        assert tried.spent() == []
        tried.turn(machine)
        tried.check()
        assert (tried.outcomes()[-1], tried.spent()) == ("done", ["shop/0/0~1"])


@dataclass
class Moody:
    """A helper that is away, or refuses, at some of its calls."""

    helper: object
    refuse: set = field(default_factory=set)
    away: int = 0
    calls: int = 0

    def _call(self, name, *arguments):
        self.calls += 1
        if self.calls <= self.away:
            raise HelperAwayError("away")
        if name in self.refuse:
            raise ProtocolError("weak-minimum", "This helper asks for more clients.")
        return getattr(self.helper, name)(*arguments)

    def begin(self, ask, terms):
        return self._call("begin", ask, terms)

    def judge(self, forward):
        return self._call("judge", forward)

    def collect(self, collect):
        return self._call("collect", collect)


class TestHelper:
    @pytest.mark.parametrize("away", [1, 2, 3, 4])
    def test_while_it_is_away_the_round_waits(self, world, undisturbed, away):
        tried = world(small("split"), users=3, helper=lambda helper: Moody(helper, away=away))
        machine = tried.machine()
        for _ in range(away + 1):
            tried.turn(machine)
        tried.check()
        assert (tried.outcomes(), tried.spent()) == (["done"], ["shop/0/0"])
        assert ("round-waits", "The helper cannot be reached (away).") in [
            (what, parts["problem"]) for what, parts in tried.log.said
        ]
        assert_same(state_of(tried), undisturbed("split"))

    @pytest.mark.parametrize("call", ["begin", "judge", "collect"])
    def test_where_it_refuses_the_round_fails_with_its_reason(self, world, call):
        tried = world(small("split"), users=3, helper=lambda helper: Moody(helper, refuse={call}))
        tried.settle([tried.machine()]) if call == "begin" else tried.turn(tried.machine())
        tried.check()
        assert set(tried.outcomes()) <= {"weak-minimum", "budget-spent"}
        assert tried.outcomes()[0] == "weak-minimum"
        assert tried.run().status == "failed"

    def test_one_that_stays_away_ends_the_round_at_its_deadline(self, world):
        tried = world(small("split"), users=3, helper=lambda helper: Moody(helper, away=10**9))
        machine = tried.machine()
        tried.turn(machine)
        assert tried.outcomes() == ["report"]
        tried.clock.now += 3600
        machine.tick()
        assert tried.outcomes()[0] == "helper-away"
        assert tried.spent() == []

    def test_while_it_is_away_other_tasks_go_on(self, world):
        tasks = [small("split", name="waits"), small("pairwise", name="goes-on")]
        tried = world(*tasks, users=3, helper=lambda helper: Moody(helper, away=10**9))
        machine = tried.machine()
        tried.turn(machine)
        for person in tried.people:
            assert person.round
            person.vanish()
        tried.turn(machine)
        tried.check()
        assert tried.spent("goes-on") == ["goes-on/0/0"]
        assert tried.spent("waits") == []


class TestClients:
    @pytest.mark.parametrize("phase", ["gather", "keys", "shares", "masked", "consent", "unmask"])
    def test_who_is_revoked_is_heard_no_more(self, world, phase):
        tried = world(task_of(Popularity(), policy()), users=5)
        machine, gone = tried.machine(), tried.people[0]
        until(tried, machine, phase, tried.people)
        with tried.database.write() as connection:
            enrolment.revoke(connection, gone.key.hex(), clock=tried.clock)
        others = tried.people[1:]
        for _ in range(6):
            if gone.round:
                gone.step(machine)
            else:
                with pytest.raises(ProtocolError, match="revoked"):
                    gone.check_in()
            tried.turn(machine, others)
            tried.clock.now += 21
        tried.check()
        assert tried.outcomes() == ["done"]
        assert all(len(person.parts) == 1 for person in others)
        assert gone.parts == []

    def test_more_are_asked_than_are_needed(self, world):
        task = task_of(Popularity(), policy(dropouts=0.25), clients=3, over_selection=1.6)
        tried = world(task, users=6)
        machine = tried.machine()
        machine.tick()
        came = [person.check_in() for person in tried.people]
        machine.tick()
        # 3 x 1.6 are 4.8: the fifth is waited for, and the sixth is not asked.
        assert came == [True] * 5 + [False]
        assert tried.rounds()[0].phase == "keys"
        vanished = tried.people[4]
        vanished.vanish()
        for _ in range(3):
            tried.turn(machine, [p for p in tried.people if p is not vanished])
            tried.clock.now += 21
        tried.check()
        assert tried.outcomes() == ["done"]

    @pytest.mark.parametrize("secure", MODES)
    def test_what_makes_no_sense_is_refused_and_stops_nobody(self, world, secure):
        tried = world(task_of(Popularity(), policy(secure)))
        machine, rogue = tried.machine(), tried.people[0]
        phase, kind = ("keys", "advert") if secure == "pairwise" else ("report", "report")
        until(tried, machine, phase)
        name = tried.open()[0].id
        sent = Incoming(name, rogue.key.hex(), kind, phase, OTHER)
        assert not isinstance(tried.post(sent), Refused)
        rogue.vanish()
        for _ in range(3):
            tried.turn(machine, tried.people[1:])
            tried.clock.now += 51
        tried.check()
        assert tried.outcomes() == ["done"]
        row = next(
            r for r in tried.rows(tables.messages) if r.client == rogue.key.hex() and r.refused
        )
        assert (row.kind, row.refused) == (kind, "bad-message")

    @pytest.mark.parametrize("secure", MODES)
    def test_nobody_sends_for_another(self, world, secure):
        tried = world(task_of(Popularity(), policy(secure)))
        machine, rogue, other = tried.machine(), *tried.people[:2]
        phase, kind = ("keys", "advert") if secure == "pairwise" else ("report", "report")
        until(tried, machine, phase)
        if not other.round:
            other.check_in()
        other.step(machine)
        sent = other.sent[-1]
        tried.post(Incoming(sent.round, rogue.key.hex(), kind, phase, sent.body))
        rogue.vanish()
        for _ in range(3):
            tried.turn(machine, tried.people[1:])
            tried.clock.now += 51
        tried.check()
        assert tried.outcomes() == ["done"]
        assert len(other.parts) == 1


class TestBudget:
    def test_a_round_that_the_ledger_refuses_fails_for_good(self, world):
        tried = world(small("split"), users=3)
        machine = tried.machine()
        machine.tick()
        (run,) = tried.rows(tables.runs)
        body = run.body.replace('"epsilon": 8.0', '"epsilon": 0.5')
        assert body != run.body
        with tried.database.write() as connection:
            connection.execute(update(tables.runs).values(body=body))
        tried.turn(machine)
        assert tried.outcomes() == ["budget-spent"]
        assert (tried.run().status, tried.run().note) == ("failed", "A sum failed: budget-spent.")
        assert tried.spent() == []
        assert models(tried) == []

    def test_a_task_without_budget_pauses(self, world):
        tried = world(small(), users=3)
        machine = tried.machine()
        tried.turn(machine)
        with tried.database.write() as connection:
            for table in (tables.models, tables.closings, tables.messages, tables.rounds):
                connection.execute(table.delete())
            connection.execute(tables.runs.delete())
        machine.tick()
        assert [row.status for row in tried.rows(tables.tasks)] == ["paused"]
        assert tried.rows(tables.runs) == []
        assert tried.log.said[-1][0] == "run-refused"


def models(world, name="shop"):
    with world.database.read() as connection:
        (task,) = [row.id for row in world.rows(tables.tasks) if row.name == name]
        return list(models_of(connection, task))


class TestTasks:
    def test_a_paused_task_begins_no_round_and_its_open_one_is_finished(self, world):
        tried = world(task_of(ALS(dimension=2, rounds=2), policy(epsilon=None)))
        machine = tried.machine()
        until(tried, machine, "shares")
        with tried.database.write() as connection:
            connection.execute(update(tables.tasks).values(status="paused"))
        tried.turn(machine)
        assert tried.outcomes() == ["done"]
        with tried.database.write() as connection:
            connection.execute(update(tables.tasks).values(status="active"))
        tried.turn(machine)
        tried.check()
        assert (tried.run().status, set(tried.outcomes())) == ("done", {"done"})
        assert len(tried.rounds()) > 1

    @pytest.mark.parametrize("phase", ["gather", "masked", "unmask"])
    def test_a_stopped_run_ends_with_its_round(self, world, phase):
        tried = world(task_of(Popularity(), policy()))
        machine = tried.machine()
        until(tried, machine, phase)
        task = tried.rows(tables.tasks)[0].id
        with tried.database.write() as connection:
            runs, rounds = stop_runs(connection, task, tried.clock())
        assert (len(runs), len(rounds)) == (1, 1)
        tried.turn(machine)
        tried.check()
        assert (tried.outcomes(), tried.run().status) == (["stopped"], "stopped")
        assert (tried.spent(), models(tried)) == ([], [])

    def test_a_run_that_is_stopped_while_a_replica_works_on_it_stays_stopped(self, world):
        writes = 0
        while True:
            tried = world(small(), users=3)

            def stop(tried=tried):
                task = tried.rows(tables.tasks)[0].id
                with tried.database.write() as connection:
                    stop_runs(connection, task, tried.clock())

            plan = at(writes, {"write"}, stop)
            tried.turn(tried.machine(plan))
            tried.check()
            assert tried.open() == []
            assert [len(models(tried)), tried.run().status] in (
                [0, "stopped"],
                [1, "stopped"],
                [1, "done"],
            )
            if plan.seen["n"] <= writes:
                break
            writes += 1

    @pytest.mark.parametrize(("measure", "evaluations"), [("end", 1), ("every", 3)])
    def test_quality_is_measured(self, world, measure, evaluations):
        recipe = ALS(dimension=2, rounds=2)
        tried = world(task_of(recipe, policy(epsilon=100.0), measure=measure))
        steps = len(recipe.charges)
        tried.turn(tried.machine())
        tried.check()
        assert tried.run().status == "done", tried.run().note
        purposes = [row.purpose for row in tried.rounds()]
        count = {"end": 1, "every": steps}[measure]
        assert purposes.count("evaluation") == count
        found = models(tried)
        assert sum(bool(model.quality) for model in found) == count
        last = next(model for model in found if model.live)
        assert last.quality["users"] > 0
        if measure == "every":
            assert purposes == ["step", "evaluation"] * steps

    @pytest.mark.parametrize("secure", MODES)
    def test_a_clip_is_found_before_a_step_that_needs_one(self, world, secure):
        tried = world(task_of(Popularity(), policy(secure, clip=None)))
        tried.turn(tried.machine())
        tried.check()
        assert [row.purpose for row in tried.rounds()] == ["norms", "step"]
        assert tried.spent() == ["shop/0/0/norms", "shop/0/0"]
        with tried.database.read() as connection:
            run = load_run(connection, tried.run().id)
        asked = json.loads(tried.rounds()[1].ask)["setting"]["noise"]
        assert run.progress.clips == {"0": asked["bound"]}

    def test_several_tasks_at_once(self, world):
        tasks = [
            task_of(Popularity(), policy(), name="pair"),
            task_of(Popularity(), policy("split"), name="two-servers"),
            task_of(ALS(dimension=2, rounds=1), policy(epsilon=None), name="plain"),
        ]
        tried = world(*tasks)
        machine = tried.machine()
        tried.turn(machine)
        tried.check()
        assert {row.status for row in tried.rows(tables.runs)} == {"done"}
        assert tried.spent("pair") == ["pair/0/0"]
        assert tried.spent("two-servers") == ["two-servers/0/0"]
        assert tried.spent("plain") == []
        assert all(any(m.live for m in models(tried, task.name)) for task in tasks)

    def test_an_older_model_can_be_live_again(self, world):
        tried = world(small(runs=2, schedule="continuous"), users=3)
        tried.turn(tried.machine())
        new, old = models(tried)
        assert (new.live, old.live) == (True, False)
        task = tried.rows(tables.tasks)[0].id
        with tried.database.write() as connection:
            put_live(connection, task, old.hash, "an operator", tried.clock())
            assert live_model(connection, task) == old.hash
        assert [model.live for model in models(tried)] == [False, True]


class TestSchedule:
    def test_continuous_runs_follow_each_other_until_the_budget_is_used(self, world):
        tried = world(small(runs=3, schedule="continuous"), users=3)
        machine = tried.machine()
        tried.turn(machine)
        tried.check()
        assert [row.status for row in tried.rows(tables.runs)] == ["done"] * 3
        assert tried.spent() == [f"shop/{n}/0" for n in range(3)]

    def test_by_cron_a_run_begins_at_its_time_and_once(self, world):
        tried = world(small(runs=2, schedule="0 3 * * *"), users=3)
        hours = iter([(1, 2, 59), (1, 3, 0), (1, 3, 1), (2, 2, 59), (2, 3, 0), (3, 3, 0)])
        counts = []
        with tried.database.write() as connection:
            created = datetime(2026, 5, 1, 0, 0, tzinfo=UTC).timestamp()
            connection.execute(update(tables.tasks).values(created=created))
        machine = tried.machine()
        for day, hour, minute in hours:
            tried.clock.now = datetime(2026, 5, day, hour, minute, tzinfo=UTC).timestamp()
            tried.turn(machine)
            counts.append(len(tried.rows(tables.runs)))
        assert counts == [0, 1, 1, 1, 2, 2]
        tried.check()

    @pytest.mark.parametrize(
        ("schedule", "last", "runs", "expected"),
        [
            ("once", None, 0, 50.0),
            ("once", 1.0, 1, None),
            ("continuous", 1.0, 1, 50.0),
            ("continuous", 1.0, 2, None),
            ("* * * * *", None, 0, 60.0),
            ("* * * * *", 60.0, 1, 120.0),
            ("* * * * *", 60.0, 2, None),
        ],
    )
    def test_when_the_next_run_begins(self, schedule, last, runs, expected):
        task = small(schedule=schedule, runs=2)
        assert next_run(task, 0.0, last, runs, 50.0) == expected
