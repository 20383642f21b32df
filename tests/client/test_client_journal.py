"""The journal against a naive model of it: no contribution is ever in two sums."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from accountants import epsilon_of
from client_support import HandClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hedgerow.client.journal import MASKED, REPORTED, REVEALED
from hedgerow.client.store import FILE, Store
from hedgerow.errors import ProtocolError
from hedgerow.privacy.releases import Release

releases = st.sampled_from(["run/0", "run/1", "run/1~1"])
sessions = st.sampled_from([b"one", b"two", b"three"])


class JournalMachine(RuleBasedStateMachine):
    """Any order of claims, answers and restarts, over few releases and sessions."""

    @initialize()
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(self.path)
        self.claimed, self.answered, self.records = set(), {}, {}

    @property
    def path(self):
        return Path(self.folder.name)

    @rule(release=releases, session=sessions)
    def claim(self, release, session):
        free = self.answered.get(release, session) == session
        done = self.store.journal.claim(release, session, task="t", purpose="step")
        assert done is free
        if free:
            self.claimed.add((release, session))

    @rule(
        release=releases,
        session=sessions,
        stage=st.sampled_from([MASKED, REVEALED, REPORTED]),
        record=st.sampled_from([b"", b"x", b"y"]),
    )
    def settle(self, release, session, stage, record):
        code = None
        if (release, session) not in self.claimed:
            code = "not-claimed"
        elif self.answered.get(release, session) != session:
            code = "answered-before"
        elif record and self.records.get(release, record) != record:
            code = "already-answered"
        if code is not None:
            with pytest.raises(ProtocolError) as caught:
                self.store.journal.settle(release, session, stage, record)
            assert caught.value.code == code
            return
        self.store.journal.settle(release, session, stage, record)
        self.answered[release] = session
        if record:
            self.records[release] = record

    @rule()
    def restart(self):
        self.store.close()
        self.store = Store(self.path)

    @invariant()
    def one_session_answers_for_a_release(self):
        if not hasattr(self, "store"):
            return
        rows = self.store.journal.answers()
        settled = {row.release: row.session for row in rows if row.stage != "started"}
        assert sum(row.stage != "started" for row in rows) == len(settled)
        assert settled == {r: s.hex() for r, s in self.answered.items()}
        assert {(row.release, bytes.fromhex(row.session)) for row in rows} == self.claimed
        for release, session in self.claimed:
            mine = self.answered.get(release) == session
            wanted = self.records.get(release) if mine else None
            assert (self.store.journal.record(release, session) or None) == wanted

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=25, stateful_step_count=20)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    made = Store(tmp_path, clock)
    yield made
    made.close()


@pytest.fixture
def journal(store):
    return store.journal


def test_the_table_itself_refuses_a_second_answer(store, journal, tmp_path):
    journal.claim("r", b"1", task="t", purpose="step")
    journal.claim("r", b"2", task="t", purpose="step")
    journal.settle("r", b"1", MASKED)
    connection = sqlite3.connect(tmp_path / FILE)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute("UPDATE answers SET stage = 'revealed' WHERE session = '32'")
    connection.close()


def test_a_stage_never_goes_back(journal):
    journal.claim("r", b"s", task="t", purpose="step")
    for stage in (REVEALED, MASKED):
        journal.settle("r", b"s", stage)
    assert [a.stage for a in journal.answers()] == [REVEALED]


def test_a_release_is_charged_once_and_as_the_costliest(journal):
    finer, coarser = (Release("skellam", 3.0, s, 50, 100) for s in (5000.0, 2000.0))
    for session, cost in ((b"1", finer), (b"2", coarser), (b"3", finer)):
        assert journal.claim("r", session, task="t", purpose="step", cost=cost)
    assert journal.charges() == [coarser]
    assert journal.charges(besides="r") == []


def test_a_release_keeps_its_task_and_its_noise(journal):
    cost = Release("gaussian", 3.0)
    journal.claim("r", b"1", task="t", purpose="step", cost=cost)
    for changed in (
        {"task": "u", "cost": cost},
        {"task": "t", "cost": Release("gaussian", 2.9)},
        {"task": "t", "cost": None},
    ):
        with pytest.raises(ProtocolError, match="another task or noise") as caught:
            journal.claim("r", b"2", purpose="step", **changed)
        assert caught.value.code == "other-release"


def test_what_is_spent_is_what_the_accountant_says(journal):
    for number, multiplier in enumerate((4.0, 5.0, 6.0)):
        cost = Release("gaussian", multiplier)
        journal.claim(f"r{number}", b"s", task="t", purpose="step", cost=cost)
    journal.claim("unnoised", b"s", task="t", purpose="step")
    cost = Release("gaussian", 7.0)
    journal.claim("of another task", b"s", task="u", purpose="step", cost=cost)
    whole = epsilon_of((4.0, 5.0, 6.0, 7.0), 1e-5)
    assert journal.spent(1e-5) == pytest.approx(whole, rel=1e-5)


def test_what_was_begun_today_is_counted_once_per_release(journal, clock):
    for now, release in ((0, "a"), (50, "b"), (60, "b"), (90, "c")):
        clock.now = now
        journal.claim(release, b"%d" % now, task="t", purpose="step")
    clock.now = 100
    assert journal.begun_within(1000) == 3
    assert journal.begun_within(1000, besides="b") == 2
    assert journal.begun_within(55) == 2
    assert journal.begun_within(50) == 1


def test_the_same_bytes_are_sent_again(journal):
    assert journal.outgoing(b"s", "masked") is None
    for _ in range(2):
        journal.put_outgoing(b"s", "masked", b"body")
    with pytest.raises(ProtocolError, match="Another masked") as caught:
        journal.put_outgoing(b"s", "masked", b"other")
    assert caught.value.code == "already-sent"
    journal.put_outgoing(b"s", "advert", b"other")
    journal.put_outgoing(b"t", "masked", b"third")
    assert journal.outgoing(b"s", "masked") == b"body"
    journal.drop_outgoing(b"s")
    assert journal.outgoing(b"s", "masked") is journal.outgoing(b"s", "advert") is None
    assert journal.outgoing(b"t", "masked") == b"third"
