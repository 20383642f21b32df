"""Each message is stored once or refused by itself, whoever sends what, how often and at once."""

import asyncio
import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import event, select, text, update

from hedgerow.errors import StorageError
from hedgerow.server.storage import inbox as inbox_module
from hedgerow.server.storage import messages as messages_module
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import BUSY, Inbox
from hedgerow.server.storage.messages import INLINE, Messages
from hedgerow.server.storage.receipts import (
    ANOTHER,
    NOT_ENROLLED,
    REVOKED,
    WRONG_PHASE,
    Incoming,
    Receipt,
)
from hedgerow.server.storage.tables import clients, messages, rounds

CLIENTS = [f"c{n}" for n in range(40)]
SMALL, LARGE = b"small", bytes(INLINE + 1)


@pytest.fixture
def stored(database, tmp_path, make_rounds):
    make_rounds(database, ["r", "s"], "masked", CLIENTS)
    return Messages(database, FolderBlobs(tmp_path / "blobs"))


def message(client="c0", body=SMALL, **changes):
    return replace(Incoming("r", client, "masked", "masked", body), **changes)


def bodies(stored, round_id="r", kind="masked"):
    return {row.client: stored.body(row) for row in stored.of(round_id, kind)}


def move(stored, phase, round_id="r"):
    with stored.database.write() as connection:
        connection.execute(update(rounds).where(rounds.c.id == round_id).values(phase=phase))


@pytest.mark.parametrize("body", [b"", SMALL, bytes(INLINE), LARGE], ids=len)
def test_what_is_stored_is_read_as_it_came(stored, body):
    (receipt,) = stored.accept([message(body=body)], 12.5)
    assert receipt == Receipt(1, hashlib.sha256(body).hexdigest(), 12.5)
    (row,) = stored.of("r", "masked")
    assert (row.round, row.client, row.kind, row.refused) == ("r", "c0", "masked", None)
    assert (row.seq, row.digest, row.received, row.length) == (1, receipt.digest, 12.5, len(body))
    assert stored.body(row) == body
    assert len(stored.blobs.names("segment")) == (len(body) > INLINE)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=len)
def test_the_same_again_has_the_same_receipt_and_one_effect(stored, body):
    batch = [message(body=body)] * 3
    first = stored.accept(batch, 1.0)
    assert len(set(first)) == 1
    assert stored.accept(batch, 2.0) == first
    move(stored, "unmask")
    assert stored.accept(batch, 3.0) == first
    assert len(list(stored.of("r", "masked"))) == 1
    assert sum(map(len, bodies(stored).values())) == len(body)
    segments = stored.blobs.names("segment")
    assert sum(len(stored.blobs.get(name)) for name in segments) == len(body) * len(segments)
    assert len(segments) == (len(body) > INLINE)


def test_another_message_is_refused(stored):
    kept, *others = stored.accept([message(), message(body=b"other"), message(body=LARGE)], 1.0)
    assert isinstance(kept, Receipt)
    assert others == [ANOTHER, ANOTHER]
    assert stored.accept([message(body=LARGE), message(kind="more")], 2.0)[0] == ANOTHER
    assert stored.blobs.names("segment") == []
    assert bodies(stored) == {"c0": SMALL}
    assert bodies(stored, kind="more") == {"c0": SMALL}


def test_a_refused_message_does_not_hinder_the_others(stored):
    with stored.database.write() as connection:
        connection.execute(update(clients).where(clients.c.id == "c9").values(revoked=1.0))
    move(stored, "keys", "s")
    batch = {
        message("c1", LARGE): Receipt,
        message("stranger", LARGE): NOT_ENROLLED,
        message("c9", LARGE): REVOKED,
        message("c2", LARGE, round="s"): WRONG_PHASE,
        message("c2", LARGE, round="none"): WRONG_PHASE,
        message("c2", LARGE, round="r\0"): WRONG_PHASE,
        message("c2\ud800", LARGE): NOT_ENROLLED,
        message("c2", LARGE, phase="keys"): WRONG_PHASE,
        message("c2", LARGE): Receipt,
    }
    for answer, expected in zip(stored.accept(list(batch), 1.0), batch.values(), strict=True):
        assert isinstance(answer, Receipt) if expected is Receipt else answer == expected
    assert bodies(stored) == {"c1": LARGE, "c2": LARGE}
    assert [len(stored.blobs.get(name)) for name in stored.blobs.names("segment")] == [
        2 * len(LARGE)
    ]


def test_codes_and_statuses_are_those_of_the_protocol():
    found = [(each.status, each.code) for each in (WRONG_PHASE, ANOTHER, REVOKED, BUSY)]
    assert found == [
        (409, "wrong-phase"),
        (409, "another-message"),
        (403, "revoked"),
        (503, "busy"),
    ]


def test_reading_goes_on_after_what_was_seen(stored, monkeypatch):
    monkeypatch.setattr(messages_module, "PAGE", 3)
    batch = [message(client, client.encode()) for client in CLIENTS]
    receipts = stored.accept(batch, 1.0)
    stored.accept([message("c3", round="s"), message("c3", kind="other")], 1.0)
    rows = list(stored.of("r", "masked"))
    assert [row.client for row in rows] == CLIENTS
    assert [row.seq for row in rows] == [receipt.seq for receipt in receipts]
    assert list(stored.of("r", "masked", rows[10].seq)) == rows[11:]
    assert list(stored.of("r", "masked", rows[-1].seq)) == []


def test_a_round_that_is_over_gives_up_its_bodies(stored):
    batch = [
        message("c1", LARGE), message("c2"), message("c3", LARGE, round="s"), message("c4", LARGE),
    ]  # fmt: skip
    receipts = stored.accept(batch, 1.0)
    stored.accept([message("c5", LARGE)], 1.0)
    assert len(stored.blobs.names("segment")) == 2
    stored.discard("r")
    assert len(stored.blobs.names("segment")) == 1
    assert bodies(stored, "s") == {"c3": LARGE}
    rows = {row.client: row for row in stored.of("r", "masked")}
    for client in ("c1", "c2"):
        with pytest.raises(StorageError, match="was deleted"):
            stored.body(rows[client])
    assert stored.accept(batch, 2.0) == receipts
    stored.discard("s")
    stored.discard("s")
    assert stored.blobs.names("segment") == []


def test_segments_that_a_crash_left_behind_are_swept_away(stored):
    stored.accept([message(body=LARGE)], 100.0)
    (kept,) = stored.blobs.names("segment")
    left, young = "segment/0000000064-left", "segment/00000000ff-young"
    stored.blobs.put(left, b"x")
    stored.blobs.put(young, b"x")
    stored.sweep(0xFF)
    assert stored.blobs.names("segment") == sorted([kept, young])
    stored.sweep(0x100)
    assert stored.blobs.names("segment") == [kept]
    assert bodies(stored) == {"c0": LARGE}


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=len)
def test_a_damaged_body_is_noticed(stored, body):
    stored.accept([message(body=body)], 1.0)
    (row,) = stored.of("r", "masked")
    if row.blob:
        stored.blobs.put(row.blob, body[:-1] + b"\1")
    else:
        with stored.database.write() as connection:
            connection.execute(update(messages).values(body=b"other"))
    with pytest.raises(StorageError, match="is damaged"):
        stored.body(row)


class Paused:
    """A folder whose next write waits until it is let go on."""

    def __init__(self, blobs):
        self.blobs, self.reached, self.go_on = blobs, threading.Event(), threading.Event()

    def put(self, name, *parts):
        self.blobs.put(name, *parts)
        self.reached.set()
        assert self.go_on.wait(30)

    def __getattr__(self, name):
        return getattr(self.blobs, name)


def test_a_phase_that_ends_meanwhile_refuses_what_comes_late(stored):
    paused = Paused(stored.blobs)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(Messages(stored.database, paused).accept, [message(body=LARGE)], 1.0)
        assert paused.reached.wait(30)
        assert len(stored.blobs.names("segment")) == 1
        move(stored, "unmask")
        paused.go_on.set()
        assert late.result() == [WRONG_PHASE]
    assert list(stored.of("r", "masked")) == []
    assert stored.blobs.names("segment") == []


def test_of_two_replicas_with_different_messages_one_is_right(stored):
    paused = Paused(stored.blobs)
    other = LARGE[:-1] + b"\1"
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(Messages(stored.database, paused).accept, [message(body=LARGE)], 1.0)
        assert paused.reached.wait(30)
        (first,) = stored.accept([message(body=other)], 2.0)
        paused.go_on.set()
        assert late.result() == [ANOTHER]
    assert isinstance(first, Receipt)
    assert bodies(stored) == {"c0": other}
    assert len(stored.blobs.names("segment")) == 1


def until_it_waits(database, work):
    """Return when some work is done or waits for a lock of PostgreSQL."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not work.done():
        with database.read() as connection:
            if connection.scalar(waiting):
                return


def test_who_closes_a_phase_is_waited_for(postgres, tmp_path, make_rounds):
    make_rounds(postgres, ["r"], "masked", CLIENTS)
    stored = Messages(postgres, FolderBlobs(tmp_path))
    with ThreadPoolExecutor(1) as pool:
        with postgres.write() as connection:
            connection.execute(update(rounds).values(phase="unmask"))
            late = pool.submit(stored.accept, [message()], 1.0)
            until_it_waits(postgres, late)
            assert connection.execute(select(messages)).all() == []
        assert late.result() == [WRONG_PHASE]


def test_messages_become_visible_in_their_order(postgres, tmp_path, make_rounds):
    """Or a reader who goes on after the last one that he saw would miss some."""
    make_rounds(postgres, ["r"], "masked", CLIENTS)
    blobs = FolderBlobs(tmp_path)
    url = postgres.engine.url.render_as_string(hide_password=False)
    slow, stored = Messages(Database.open(url), blobs), Messages(postgres, blobs)
    reached, go_on = threading.Event(), threading.Event()

    def pause(_connection):
        reached.set()
        assert go_on.wait(30)

    event.listen(slow.database.engine, "commit", pause)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow.accept, [message("c1")], 1.0)
        assert reached.wait(30)
        second = pool.submit(stored.accept, [message("c2")], 1.0)
        until_it_waits(postgres, second)
        seen = list(stored.of("r", "masked"))
        go_on.set()
        answers = [*first.result(), *second.result()]
    seen += stored.of("r", "masked", seen[-1].seq if seen else 0)
    assert [row.seq for row in seen] == sorted(answer.seq for answer in answers)
    slow.database.close()


def a_crowd(draw):
    """Messages of both rounds, some of them twice, some contradicted by another."""
    sent = []
    for client in CLIENTS:
        for round_id in ("r", "s"):
            body = draw.randbytes(draw.choice([10, INLINE + 10]))
            sent += [message(client, body, round=round_id)] * draw.choice([1, 1, 2])
            if draw.random() < 0.2:
                sent.append(message(client, b"contradiction", round=round_id))
    draw.shuffle(sent)
    return sent


def receipts_of(sent, answers):
    """Return the one receipt of each key; every other message must have been refused."""
    receipts = {}
    for each, answer in zip(sent, answers, strict=True):
        if isinstance(answer, Receipt):
            assert receipts.setdefault(each.key, answer) == answer
    for each, answer in zip(sent, answers, strict=True):
        same = receipts[each.key].digest == hashlib.sha256(each.body).hexdigest()
        assert answer == (receipts[each.key] if same else ANOTHER)
    return receipts


@pytest.mark.parametrize("seed", range(2))
def test_many_at_once_through_two_replicas(stored, seed):
    """A reader who polls meanwhile sees all messages, in order and none twice."""
    sent, done, seen = a_crowd(random.Random(seed)), threading.Event(), []

    def poll():
        last = False
        while not last:
            last = done.is_set()
            seen.extend(stored.of("r", "masked", seen[-1].seq if seen else 0))

    async def send(inboxes):
        return await asyncio.gather(*(inboxes[n % 2].put(each) for n, each in enumerate(sent)))

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(poll)
        try:
            with Inbox(stored) as one, Inbox(Messages(stored.database, stored.blobs)) as two:
                answers = asyncio.run(send([one, two]))
        finally:
            done.set()
        reader.result()

    receipts = receipts_of(sent, answers)
    rows = [*stored.of("r", "masked"), *stored.of("s", "masked")]
    found = {(row.round, row.client, row.kind): (row.seq, row.digest) for row in rows}
    assert found == {key: (receipt.seq, receipt.digest) for key, receipt in receipts.items()}
    assert len(rows) == len(found) == 2 * len(CLIENTS)
    assert all(hashlib.sha256(stored.body(row)).hexdigest() == row.digest for row in rows)
    assert seen == list(stored.of("r", "masked"))


def test_those_who_wait_together_share_a_batch(stored):
    async def send(inbox):
        return await asyncio.gather(*(inbox.put(message(client, LARGE)) for client in CLIENTS))

    paused = Paused(stored.blobs)

    async def main(inbox):
        first = asyncio.create_task(inbox.put(message("c0", LARGE)))
        await asyncio.to_thread(paused.reached.wait, 30)
        others = asyncio.create_task(send(inbox))
        await asyncio.sleep(0)
        paused.go_on.set()
        return await first, await others

    with Inbox(Messages(stored.database, paused), lambda: 7.0) as inbox:
        first, others = asyncio.run(main(inbox))
    assert first == others[0]
    assert {receipt.received for receipt in others} == {7.0}
    assert len(stored.blobs.names("segment")) == 2


@pytest.mark.parametrize("limit", ["BATCH", "BATCH_BYTES"])
def test_a_batch_is_not_too_large(stored, monkeypatch, limit):
    monkeypatch.setattr(inbox_module, limit, {"BATCH": 3, "BATCH_BYTES": 2 * len(LARGE)}[limit])
    paused = Paused(stored.blobs)

    async def main(inbox):
        first = asyncio.create_task(inbox.put(message("c0", LARGE)))
        await asyncio.to_thread(paused.reached.wait, 30)
        others = [asyncio.create_task(inbox.put(message(c, LARGE))) for c in CLIENTS[1:7]]
        await asyncio.sleep(0)
        paused.go_on.set()
        return await asyncio.gather(first, *others)

    with Inbox(Messages(stored.database, paused)) as inbox:
        assert all(isinstance(each, Receipt) for each in asyncio.run(main(inbox)))
    sizes = [len(stored.blobs.get(name)) for name in stored.blobs.names("segment")]
    assert sorted(sizes) == [len(LARGE), 3 * len(LARGE), 3 * len(LARGE)]


def test_too_much_at_once_is_sent_away(stored, monkeypatch):
    monkeypatch.setattr(inbox_module, "WAITING_BYTES", 3 * len(LARGE))
    paused = Paused(stored.blobs)

    async def main(inbox):
        tasks = [asyncio.create_task(inbox.put(message(c, LARGE))) for c in CLIENTS[:6]]
        await asyncio.to_thread(paused.reached.wait, 30)
        paused.go_on.set()
        return await asyncio.gather(*tasks), await inbox.put(message("c7", LARGE))

    with Inbox(Messages(stored.database, paused)) as inbox:
        answers, later = asyncio.run(main(inbox))
    assert answers[4:] == [BUSY, BUSY]
    assert all(isinstance(each, Receipt) for each in [*answers[:4], later])


def test_what_cannot_be_stored_is_said_and_the_inbox_goes_on(stored, tmp_path):
    class Full:
        def put(self, name, *parts):
            raise StorageError("The disk is full.", transient=True)

    async def main(inbox):
        puts = [inbox.put(message("c0", LARGE)), inbox.put(message("c1", LARGE))]
        failed = await asyncio.gather(*puts, return_exceptions=True)
        return failed, await inbox.put(message("c2"))

    with Inbox(Messages(stored.database, Full())) as inbox:
        failed, fine = asyncio.run(main(inbox))
    assert [str(each) for each in failed] == ["The disk is full."] * 2
    assert isinstance(fine, Receipt)
    assert bodies(stored) == {"c2": SMALL}


def test_leaving_stores_what_came_and_takes_no_more(stored):
    paused = Paused(stored.blobs)

    async def main():
        inbox = Inbox(Messages(stored.database, paused))
        with inbox:
            tasks = [asyncio.create_task(inbox.put(message(c, LARGE))) for c in CLIENTS]
            await asyncio.to_thread(paused.reached.wait, 30)
            tasks.pop().cancel()
            paused.go_on.set()
        with pytest.raises(StorageError, match="is stopping") as caught:
            await inbox.put(message())
        assert caught.value.transient
        return await asyncio.gather(*tasks)

    assert all(isinstance(each, Receipt) for each in asyncio.run(main()))
    assert len(bodies(stored)) == len(CLIENTS)


def test_who_is_gone_is_not_waited_for(stored):
    """An event loop that ends before the answer comes."""
    paused = Paused(stored.blobs)

    async def leave(inbox):
        task = asyncio.create_task(inbox.put(message("c0", LARGE)))
        await asyncio.to_thread(paused.reached.wait, 30)
        task.cancel()

    with Inbox(Messages(stored.database, paused)) as inbox:
        asyncio.run(leave(inbox))
        paused.go_on.set()
        assert isinstance(asyncio.run(inbox.put(message("c1"))), Receipt)
    assert bodies(stored) == {"c0": LARGE, "c1": SMALL}
