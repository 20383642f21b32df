"""Killed at any moment, the journal has all that it said it had, and still answers only once."""

import json
import signal
import subprocess
import sys

import pytest

from hedgerow.client.account import HEAD
from hedgerow.client.store import Store

AGENT = """
import sys
from pathlib import Path
from hedgerow.client.store import Store

journal = Store(Path(sys.argv[1])).journal
for number in range(100_000):
    release, session = f"r{number}", b"%d" % number
    print("begins", number, flush=True)
    assert journal.claim(release, session, task="t", purpose="step")
    print("claimed", number, flush=True)
    journal.put_outgoing(session, "masked", b"body %d" % number)
    print("kept", number, flush=True)
    journal.settle(release, session, "revealed", b"record %d" % number)
    print("settled", number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 37])
def test_after_a_kill_the_journal_has_all_that_was_acknowledged(tmp_path, lines):
    with subprocess.Popen(
        [sys.executable, "-c", AGENT, tmp_path], stdout=subprocess.PIPE, text=True
    ) as agent:
        said = [agent.stdout.readline().split() for _ in range(lines)]
        agent.send_signal(signal.SIGKILL)
        said += [line.split() for line in agent.stdout if line.endswith("\n")]
    assert agent.returncode == -signal.SIGKILL
    done = {(what, int(number)) for what, number in said}
    # Its head stands for all that was acknowledged, and the store has whatever the head stands for.
    events, _ = json.loads((tmp_path / HEAD).read_text())
    assert events >= sum(what in {"claimed", "settled"} for what, _ in done)
    store = Store(tmp_path)
    journal = store.journal
    rows = {int(row.release[1:]): row for row in journal.answers()}
    begun = sum(what == "begins" for what, _ in done)
    # What was under way may be there or not; nothing else is.
    assert begun - 1 <= len(rows) <= begun
    for number in range(begun):
        release, session = f"r{number}", b"%d" % number
        if ("claimed", number) in done:
            assert rows[number].session == session.hex()
        if ("kept", number) in done:
            assert journal.outgoing(session, "masked") == b"body %d" % number
        settled = number in rows and rows[number].stage == "revealed"
        if ("settled", number) in done:
            assert settled
        if settled:
            assert journal.record(release, session) == b"record %d" % number
        other = journal.claim(release, b"other", task="t", purpose="step")
        assert other is not settled
        assert journal.claim(release, session, task="t", purpose="step")
    store.close()
