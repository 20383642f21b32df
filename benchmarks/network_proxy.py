"""A balancer before several replicas, in a thread: each connection goes to one that answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from network_support import free_port


@dataclass
class Proxy:
    """Passes connections on to ports of this computer, in turn.

    Parameters
    ----------
    ports
        Of the replicas, some of which may be away.
    """

    ports: Sequence[int]
    port: int = field(default_factory=free_port)

    @classmethod
    @contextlib.contextmanager
    def running(cls, ports: Sequence[int]) -> Iterator[str]:
        """Give the address of a balancer, until the end of the block."""
        proxy, started, stop = cls(ports), threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def serve() -> None:
            async with await asyncio.start_server(proxy.accept, "127.0.0.1", proxy.port):
                started.set()
                await stop.wait()
                others = asyncio.all_tasks() - {asyncio.current_task()}
                for connection in others:
                    connection.cancel()
                await asyncio.gather(*others, return_exceptions=True)

        def run() -> None:
            with contextlib.closing(loop):
                loop.run_until_complete(serve())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        started.wait(10)
        try:
            yield f"http://127.0.0.1:{proxy.port}"
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(range(len(self.ports)))

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to a replica until either hangs up."""
        first = next(self._turns)
        for turn in range(len(self.ports)):
            port = self.ports[(first + turn) % len(self.ports)]
            try:
                to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            try:
                await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
            finally:
                to_writer.close()
                writer.close()
            return
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(ConnectionError):
        writer.close()
