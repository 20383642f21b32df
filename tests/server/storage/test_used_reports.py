"""A report is in one session's sums at most, whoever claims it, when and how often."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from hedgerow.server.storage.tables import used_reports
from hedgerow.server.storage.used_reports import DatabaseUsedReports


def report(number):
    return number.to_bytes(32, "big")


def marked(database):
    with database.read() as connection:
        return {
            (row.role, row.report): row.session for row in connection.execute(select(used_reports))
        }


def test_a_session_may_claim_again_and_no_other_may(database):
    ours, theirs = (DatabaseUsedReports(database, "helper", name) for name in ("aa", "bb"))
    assert report(1) not in ours
    assert ours.claim([report(1), report(2)])
    assert ours.claim([report(2), report(1)])
    assert report(1) not in ours
    assert report(1) in theirs
    before = marked(database)
    assert not theirs.claim([report(3), report(2)])
    assert marked(database) == before
    assert report(3) not in ours
    assert theirs.claim([report(3)])
    assert ours.claim([])
    assert not ours.claim([report(1), report(3)])


def test_each_server_has_its_own_record(database):
    assert DatabaseUsedReports(database, "helper", "aa").claim([report(1)])
    other = DatabaseUsedReports(database, "coordinator", "bb")
    assert report(1) not in other
    assert other.claim([report(1)])


def test_what_is_no_report_is_in_no_sum(database):
    used = DatabaseUsedReports(database, "helper", "aa")
    assert "text" not in used
    assert None not in used


def test_many_are_claimed_all_or_none(database):
    ours, theirs = (DatabaseUsedReports(database, "helper", name) for name in ("aa", "bb"))
    assert ours.claim([report(2500)])
    assert not theirs.claim([report(n) for n in range(3000)])
    assert len(marked(database)) == 1
    assert ours.claim([report(n) for n in range(3000)])
    assert len(marked(database)) == 3000


@pytest.mark.parametrize("seed", range(3))
def test_of_those_who_claim_at_once_each_report_has_one(database, seed):
    draw = random.Random(seed)
    wanted = {f"{n:02x}": draw.sample(range(24), 4) for n in range(12)}
    start = threading.Barrier(4)

    def claim(names):
        start.wait()
        return {
            name: DatabaseUsedReports(database, "helper", name).claim(map(report, wanted[name]))
            for name in names
        }

    names = list(wanted)
    with ThreadPoolExecutor(4) as pool:
        won = {}
        for part in pool.map(claim, [names[n::4] for n in range(4)]):
            won |= part
    expected = {
        ("helper", report(number).hex()): name
        for name in names
        if won[name]
        for number in wanted[name]
    }
    assert marked(database) == expected
    assert sum(len(wanted[name]) for name in names if won[name]) == len(expected)
    # Whoever lost did so to one who has it.
    for name in names:
        if not won[name]:
            assert any(("helper", report(number).hex()) in expected for number in wanted[name])
