"""A load of uploads, of which only those count that were acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from network_support import AUDIENCE, Network, cpu_seconds, memory, running

from hedgerow.client.api import SCOPES
from hedgerow.federation import proofs
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import Identity, public
from hedgerow.server.rounds.record import open_round
from hedgerow.server.security.tls import client_context
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.storage.messages import Messages
from hedgerow.server.tasks.task import Task

BODY = 120_000
"""Bytes of an upload."""

CLIENTS, ROUNDS = 250, 60
"""Each client sends one body to each round."""

CONNECTIONS = 128

SECONDS, WARM_UP = 10.0, 2.0

NOBODY = {"owner": "nobody", "lease_until": 4e9}
"""Whose rounds they are, so that bodies are stored and nothing is made of them."""


@dataclass
class Load:
    """Uploads to one coordinator process.

    Parameters
    ----------
    folder
        For the deployment; new.
    database
        The coordinator's; SQLite by default.
    tls
        Whether they go over TLS.
    """

    folder: Path
    database: str | None
    tls: bool = False
    acknowledged: list[tuple[float, str, str, str]] = field(default_factory=list)
    """When, the round, the client, and the digest that the coordinator named."""
    refused: int = 0
    peak: float = 0.0
    busy: float = 0.0

    def measure(self) -> dict[str, Any]:
        """Send for some seconds, kill the coordinator, and look for what it acknowledged."""
        made = Network(self.folder / "load", "pairwise", self.database, tls=self.tls)
        with running(made) as network:
            identities = network.enrol([f"load-{number}" for number in range(CLIENTS)])
            network.start()
            tokens = [_token(network, identity) for identity in identities]
            rounds = _rounds(network)
            asyncio.run(self._send(network, identities, tokens, rounds))
            began = self.acknowledged[0][0] + WARM_UP
            ends = self.acknowledged[-1][0]
            counted = sum(at >= began for at, *_ in self.acknowledged)
            return {
                "uploads_per_second": counted / (ends - began),
                "upload_server_cpu_ms": 1000 * self.busy / len(self.acknowledged),
                "upload_bytes": BODY,
                "uploads_acknowledged": len(self.acknowledged),
                "uploads_refused": self.refused,
                "uploads_lost": self._lost(network),
                "uploads_server_peak_mb": self.peak,
            }

    async def _send(
        self, network: Network, identities: list[Identity], tokens: list[str], rounds: list[str]
    ) -> None:
        """Send from many connections at a time, and kill the coordinator under full load."""
        turns = iter([(name, number) for name in rounds for number in range(len(identities))])
        clients = [public(identity.key).hex() for identity in identities]
        sending = [
            asyncio.create_task(self._connection(network, turns, clients, tokens))
            for _ in range(CONNECTIONS)
        ]
        before = cpu_seconds(network.processes["coordinator"].pid)
        await asyncio.wait(sending, timeout=SECONDS + WARM_UP)
        pid = network.processes["coordinator"].pid
        self.peak, self.busy = memory(pid)["peak"], cpu_seconds(pid) - before
        network.kill()
        await asyncio.gather(*sending)

    async def _connection(
        self,
        network: Network,
        turns: Iterator[tuple[str, int]],
        clients: list[str],
        tokens: list[str],
    ) -> None:
        """Send one upload after the other, until the coordinator is gone."""
        parts, filling = urlsplit(network.url()), os.urandom(BODY)
        trust = client_context(network.ca) if self.tls else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trust)
        try:
            for name, number in turns:
                mark = random.randbytes(16)  # noqa: S311 - makes bodies differ
                body = mark + filling[16:]
                writer.write(_head(name, tokens[number]) + body)
                await writer.drain()
                status, answer = await _answer(reader)
                if status != httpx.codes.OK:
                    self.refused += 1
                    continue
                digest = json.loads(answer)["digest"]
                if digest != hashlib.sha256(body).hexdigest():
                    raise RuntimeError("An upload was acknowledged with another digest.")
                self.acknowledged.append((time.perf_counter(), name, clients[number], digest))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _lost(self, network: Network) -> int:
        """Return how many acknowledged uploads are not stored, whole, as they were sent."""
        stored = Messages(network.opened, open_blobs(network.blobs_place))
        found = {}
        for name in {name for _, name, _, _ in self.acknowledged}:
            for row in stored.of(name, "masked"):
                found[row.round, row.client] = row
        lost = 0
        for _, name, client, digest in self.acknowledged:
            row = found.get((name, client))
            # Reading a body checks its digest.
            whole = row is not None and row.digest == digest and len(stored.body(row)) == BODY
            lost += not whole
        return lost


def _head(name: str, token: str) -> bytes:
    lines = (
        f"PUT /v1/rounds/{name}/masked HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {token}",
        "content-type: application/cbor",
        f"content-length: {BODY}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in head if line.startswith("content-length:"))
    return int(head[0].split()[1]), await reader.readexactly(length)


def _token(network: Network, identity: Identity) -> str:
    now, scopes = int(1000 * time.time()), sorted(SCOPES)
    body = {
        "client": public(identity.key).hex(),
        "timestamp": now,
        "scopes": scopes,
        "signature": identity.key.sign(proofs.login(AUDIENCE, now, scopes)).hex(),
    }
    trust = client_context(network.ca)
    answer = httpx.post(f"{network.url()}/v1/token", json=body, verify=trust).raise_for_status()
    return str(answer.json()["token"])


def _rounds(network: Network) -> list[str]:
    """Open rounds that take vectors, and that no replica moves on."""
    policy = Policy(secure="pairwise", minimum=2)
    network.task(Task("load", "popularity", "", policy, clients=CLIENTS + 1), items=4)
    now, run = time.time(), uuid.uuid4().hex
    with network.opened.write() as connection:
        task = connection.scalar(tables.tasks.select().with_only_columns(tables.tasks.c.id))
        values = {"id": run, "task": task, "status": "stopped", "body": "{}", "step": 0}
        values |= {"state": "", "progress": "{}", "note": "", "created": now, "changed": now}
        connection.execute(tables.runs.insert().values(values))
        return [
            open_round(
                connection,
                {
                    "run": run,
                    "step": 0,
                    "purpose": "step",
                    "attempt": attempt,
                    "phase": "masked",
                    "mode": "pairwise",
                    "deadline": 4e9,
                    **NOBODY,
                },
                now,
            )
            for attempt in range(ROUNDS)
        ]
