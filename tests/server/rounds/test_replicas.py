"""Three replicas over one PostgreSQL database, all at work at once."""

import threading
import time

import pytest
from by_hand import World, task_of

from hedgerow.errors import ProtocolError
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.policy import Policy
from hedgerow.server.storage import tables

PATIENCE = 60.0


def policy(secure, **changed):
    values = {"epsilon": 8.0, "minimum": 3, "adversaries": 0.0, "dropouts": 0.25, "clip": 2.0}
    return Policy(secure=secure, **{**values, **changed})


def ended(world, tasks):
    runs = world.rows(tables.runs)
    return len(runs) == tasks and all(run.status != "running" for run in runs)


def live(world, machine, people, stop):
    """Let some clients take part through one replica, as fast as they can."""
    while not stop.is_set():
        for person in people:
            try:
                if not person.round:
                    person.check_in()
            except ProtocolError:
                # Whoever came a moment too late comes again.
                person.vanish()
            person.step(machine)
        stop.wait(0.002)


@pytest.mark.parametrize("secure", ["pairwise", "split"])
def test_three_replicas_publish_every_sum_once(postgres, empty, tmp_path, secure):
    tasks = [
        task_of(Popularity(), policy(secure), name="counts", runs=2, schedule="continuous"),
        task_of(ALS(dimension=2, rounds=2), policy(secure, epsilon=None), name="factors"),
    ]
    world = World(tmp_path, empty, tasks, database=postgres, users=4)
    world.clock = time.time
    machines, stop = [world.machine() for _ in range(3)], threading.Event()
    threads = [
        threading.Thread(target=live, args=(world, machine, people, stop))
        for machine, people in zip(
            machines, [world.people[:2], world.people[2:3], world.people[3:]], strict=True
        )
    ]
    try:
        for machine in machines:
            machine.__enter__()
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + PATIENCE
        while not ended(world, 3) and time.monotonic() < deadline:
            stop.wait(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for machine in machines:
            machine.__exit__(None, None, None)
        world.deployment.helper.database.close()
    world.check()
    assert [run.status for run in world.rows(tables.runs)] == ["done"] * 3
    rounds = world.rounds()
    assert {row.phase for row in rounds} == {"done"}
    sums = [(row.run, row.step, row.purpose) for row in rounds]
    assert len(sums) == len(set(sums))
    assert sorted(world.spent("counts")) == ["counts/0/0", "counts/1/0"]
    owners = {row.owner for row in rounds}
    assert owners <= {machine._service.replica for machine in machines}


def test_the_lease_of_a_replica_that_stops_is_free_at_once(postgres, empty, tmp_path):
    world = World(tmp_path, empty, [task_of(Popularity(), policy("pairwise"))], database=postgres)
    first, second = world.machine(), world.machine()
    try:
        with first:
            deadline = time.monotonic() + PATIENCE
            while not world.rounds() or not world.rounds()[0].owner:
                assert time.monotonic() < deadline
                threading.Event().wait(0.01)
        world.turn(second)
    finally:
        world.deployment.helper.database.close()
    world.check()
    assert world.outcomes() == ["done"]
