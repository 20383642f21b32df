"""Answers of other servers, read up to a size: whoever answers may not fill this one's memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import cast

import httpx

from hedgerow.errors import ProtocolError

LARGEST = 64 << 20
"""Bytes of any answer but a model."""

LARGEST_MODEL = 4 << 30
"""Bytes of a model: item pairs of the largest catalog that such models take are 3.6 GB."""

Limit = Callable[[httpx.URL], int]


def by_path(url: httpx.URL) -> int:
    """Return how many bytes an answer may have: models are large."""
    return LARGEST_MODEL if url.path.startswith("/v1/models/") else LARGEST


def bounded(client: httpx.Client, limit: Limit = by_path) -> httpx.Client:
    """Have a connection refuse answers that are too large, or compressed, before they are read.

    Parameters
    ----------
    client
        The connection, which is changed and returned. Its calls raise ProtocolError.
    limit
        How many bytes an answer of an address may have.
    """

    def check(answer: httpx.Response) -> None:
        most = _limit(answer, limit)
        answer.stream = _Counted(cast("httpx.SyncByteStream", answer.stream), most)

    client.headers["accept-encoding"] = "identity"
    client.event_hooks["response"].append(check)
    return client


def bounded_async(client: httpx.AsyncClient, limit: Limit = by_path) -> httpx.AsyncClient:
    """Do as `bounded` for a connection of asyncio."""

    async def check(answer: httpx.Response) -> None:
        most = _limit(answer, limit)
        answer.stream = _CountedAsync(cast("httpx.AsyncByteStream", answer.stream), most)

    client.headers["accept-encoding"] = "identity"
    client.event_hooks["response"].append(check)
    return client


def _limit(answer: httpx.Response, limit: Limit) -> int:
    """Return how long an answer may be, and refuse what is compressed: little could become much."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise ProtocolError(
            "compressed", "The server compresses an answer that was asked for bare."
        )
    return limit(answer.request.url)


@dataclass(frozen=True)
class _Counted(httpx.SyncByteStream):
    """A body that ends with an error where it is too long."""

    inner: httpx.SyncByteStream
    most: int

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for part in self.inner:
            read += len(part)
            _check(read, self.most)
            yield part

    def close(self) -> None:
        """Close the connection's."""
        self.inner.close()


@dataclass(frozen=True)
class _CountedAsync(httpx.AsyncByteStream):
    """The same for asyncio."""

    inner: httpx.AsyncByteStream
    most: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self.inner:
            read += len(part)
            _check(read, self.most)
            yield part

    async def aclose(self) -> None:
        """Close the connection's."""
        await self.inner.aclose()


def _check(read: int, most: int) -> None:
    if read > most:
        raise ProtocolError("too-large", f"The server answers with more than {most:,} bytes.")
