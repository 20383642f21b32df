"""kill -9 at any moment: whatever was acknowledged is there afterwards, and nothing half."""

import hashlib
import random
import subprocess
import sys

import pytest

from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.messages import Messages

CLIENTS, KILLS = 600, 3

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from hedgerow.server.storage.blobs import FolderBlobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.storage.messages import Messages
from hedgerow.server.storage.receipts import Incoming, Receipt

url, folder, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

async def client(inbox, name):
    large = int(name[1:]) % 3
    body = name.encode() * (20000 if large else 50)
    receipt = await inbox.put(Incoming("r", name, "masked", "masked", body))
    assert isinstance(receipt, Receipt), receipt
    os.write(1, f"{name} {receipt.seq} {receipt.digest}\\n".encode())

async def main(inbox):
    crowd = asyncio.Semaphore(16)
    async def take_turns(name):
        async with crowd:
            await client(inbox, name)
    await asyncio.gather(*(take_turns(f"c{n}") for n in range(first, last)))

with Inbox(Messages(Database.open(url), FolderBlobs(Path(folder)))) as inbox:
    asyncio.run(main(inbox))
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_was_acknowledged_survives(request, kind, tmp_path, make_rounds):
    database = request.getfixturevalue(kind)
    make_rounds(database, ["r"], "masked", [f"c{n}" for n in range(CLIENTS)])
    url = database.engine.url.render_as_string(hide_password=False)
    draw, acknowledged = random.Random(kind), {}
    for kill in range(KILLS):
        # The next one sends once more what the one before had under way.
        first = max(0, len(acknowledged) - 16)
        command = [sys.executable, "-c", PROGRAM, url, tmp_path / "blobs", str(first), str(CLIENTS)]
        enough = draw.randint(1, CLIENTS // KILLS)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, **pipes, text=True) as process:
            for number, line in enumerate(process.stdout, 1):
                name, seq, digest = line.split()
                assert acknowledged.setdefault(name, (int(seq), digest)) == (int(seq), digest)
                if number == enough:
                    process.kill()
        assert process.returncode == -9, kill
        check(Database.open(url), tmp_path / "blobs", acknowledged)


def check(database, folder, acknowledged):
    """Compare what is stored with what was sent and what was acknowledged."""
    stored = Messages(database, FolderBlobs(folder))
    rows = {row.client: row for row in stored.of("r", "masked")}
    for name, row in rows.items():
        body = stored.body(row)
        assert body == name.encode() * (len(body) // len(name))
    for name, (seq, digest) in acknowledged.items():
        assert (rows[name].seq, rows[name].digest) == (seq, digest)
        assert hashlib.sha256(stored.body(rows[name])).hexdigest() == digest
    database.close()
