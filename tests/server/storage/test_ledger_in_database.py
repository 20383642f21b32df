"""A ledger that several replicas write to: one chain, nothing lost, nothing charged twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, select, update

from hedgerow.errors import PolicyError
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.releases import Release
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.storage.tables import ledger_lines


def entry(name, multiplier=4.0):
    return Entry(
        account="shop", name=name, step="count", unit="user", clients_per_person=1,
        noise_by="server", secure="split", release=Release("gaussian", multiplier),
        clip=1.0, sigma=multiplier, delta=1e-5,
    )  # fmt: skip


def names(database):
    return [each.name for each in Ledger(DatabaseLines(database)).entries]


def test_lines_are_added_after_those_that_are_known(database):
    lines = DatabaseLines(database)
    assert lines.read() == []
    assert lines.append(b"one\n", 0)
    assert not lines.append(b"other\n", 0)
    assert not lines.append(b"later\n", 2)
    assert lines.append(b"two\n", 1)
    assert lines.read() == [b"one\n", b"two\n"]


def test_it_is_the_same_as_in_a_file(database, tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledgers = Ledger(DatabaseLines(database)), Ledger(path)
    for ledger in ledgers:
        ledger.charge(entry("a"), 10.0)
        ledger.charge(entry("b", 5.0), 10.0)
    again = Ledger(DatabaseLines(database))
    assert again.entries == ledgers[0].entries
    assert [e.epsilon for e in again.entries] == [e.epsilon for e in Ledger(path).entries]
    (tmp_path / "copy.jsonl").write_bytes(b"".join(DatabaseLines(database).read()))
    assert Ledger(tmp_path / "copy.jsonl").entries == again.entries


def test_another_who_wrote_is_noticed(database):
    first, second = (Ledger(DatabaseLines(database)) for _ in range(2))
    first.charge(entry("a"), 10.0)
    with pytest.raises(PolicyError, match="Another run has written to the ledger in the database"):
        second.charge(entry("b"), 10.0)
    assert names(database) == ["a"]


def test_who_shares_judges_anew_by_what_others_wrote(database):
    first, second = (Ledger(DatabaseLines(database)) for _ in range(2))
    first.charge(entry("a"), 2.0)
    spent = first.entries[-1].epsilon
    second.charge(entry("a"), 2.0, shared=True)
    assert second.entries == first.entries
    first.charge(entry("b"), 2.0)
    with pytest.raises(PolicyError, match="it was not made"):
        second.charge(entry("c", 1.0), 2.0, shared=True)
    second.charge(entry("c"), 10.0, shared=True)
    assert names(database) == ["a", "b", "c"]
    assert second.entries[-1].epsilon > first.entries[-1].epsilon > spent


def test_replicas_that_charge_at_once_make_one_chain(database):
    start = threading.Barrier(4)

    def charge(replica):
        ledger = Ledger(DatabaseLines(database))
        start.wait()
        for number in range(4):
            ledger.charge(entry("of all"), 100.0, shared=True)
            ledger.charge(entry(f"{replica}/{number}"), 100.0, shared=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(charge, range(4)))
    found = Ledger(DatabaseLines(database)).entries
    assert sorted(each.name for each in found) == sorted(
        ["of all", *(f"{replica}/{number}" for replica in range(4) for number in range(4))]
    )
    spent = [each.epsilon for each in found]
    assert spent == sorted(set(spent))


@pytest.mark.parametrize(
    "change",
    [
        delete(ledger_lines).where(ledger_lines.c.number == 2),
        delete(ledger_lines).where(ledger_lines.c.number == 1),
        update(ledger_lines).where(ledger_lines.c.number == 1).values(number=9),
        update(ledger_lines).where(ledger_lines.c.number == 2).values(line=b"{}\n"),
    ],
    ids=["middle gone", "first gone", "moved", "changed"],
)
def test_lines_that_were_tampered_with_are_noticed(database, change):
    ledger = Ledger(DatabaseLines(database))
    for name in "abc":
        ledger.charge(entry(name), 100.0)
    with database.write() as connection:
        connection.execute(change)
    with pytest.raises(PolicyError, match="restore the database"):
        Ledger(DatabaseLines(database))


def test_numbers_with_a_gap_go_on(database):
    ledger = Ledger(DatabaseLines(database))
    ledger.charge(entry("a"), 100.0)
    ledger.charge(entry("b"), 100.0)
    with database.write() as connection:
        newest = ledger_lines.c.number == 2
        connection.execute(update(ledger_lines).where(newest).values(number=5))
    ledger.charge(entry("c"), 100.0, shared=True)
    assert names(database) == ["a", "b", "c"]
    with database.read() as connection:
        assert sorted(connection.scalars(select(ledger_lines.c.number))) == [1, 5, 6]
