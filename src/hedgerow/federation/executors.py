"""Executors: where clients' terms are computed and added up.

All of them hold the clients' data in shards and reduce in one pass: a worker owns a shard, sums
it locally in blocks, and hands back one total per round, so that memory and traffic do not grow
with the number of clients.
"""

from __future__ import annotations

import itertools
import multiprocessing as mp
import pickle
import signal
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hedgerow.data.split import Fold
from hedgerow.errors import HedgerowError
from hedgerow.federation.contribute import contribute
from hedgerow.models.base import Step
from hedgerow.statistics import Statistics, total

Result = TypeVar("Result")

BLOCK_INTERACTIONS = 1 << 18
BLOCK_USERS = 1 << 13
"""What is computed at a time: enough for vectorisation, little enough for memory."""


class Executor(Protocol):
    """Adds up a step's contributions over all users."""

    @property
    def data(self) -> Fold:
        """What the clients hold."""
        ...

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> Statistics:
        """Return the sum of all users' terms, each times its weight, shape (users,)."""
        ...

    def __enter__(self) -> Self:
        """Keep the workers until the end of the with-block."""
        ...

    def __exit__(self, *exc: object) -> None:
        """Stop the workers."""
        ...


def sum_blocks(step: Step[Fold, Result], data: Fold, weights: NDArray[np.float64]) -> Statistics:
    """Sum a shard in blocks; users of weight 0 cost nothing."""
    present = np.flatnonzero(weights)
    if len(present) < len(data):
        data, weights = data.take(present), weights[present]
    terms = (contribute(step, data[block], weights[block]) for block in _blocks(data))
    return total(terms)


def _blocks(data: Fold) -> Iterator[slice]:
    """Yield consecutive slices of bounded numbers of users and interactions; one at least."""
    ends, n, start = data.history.indptr, len(data), 0
    while start < n or start == 0:
        by_size = int(np.searchsorted(ends, ends[start] + BLOCK_INTERACTIONS, side="right")) - 1
        stop = min(max(by_size, start + 1), start + BLOCK_USERS, n)
        yield slice(start, stop)
        start = max(stop, 1)


def shards(data: Fold, count: int) -> list[slice]:
    """Cut users into consecutive shards of about equally many interactions."""
    ends = data.history.indptr
    cuts = np.searchsorted(ends, np.linspace(0, ends[-1], count + 1)[1:-1])
    bounds = [0, *np.maximum.accumulate(np.minimum(cuts, len(data))).tolist(), len(data)]
    return [slice(a, b) for a, b in itertools.pairwise(bounds)]


@dataclass(frozen=True)
class Serial:
    """Everything in this process."""

    data: Fold

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> Statistics:
        """Sum block by block."""
        return sum_blocks(step, self.data, weights)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to stop."""


@dataclass
class Processes:
    """Worker processes on this machine, each with a shard of the users.

    Parameters
    ----------
    data
        What the clients hold.
    workers
        How many processes.
    """

    data: Fold
    workers: int
    _running: list[tuple[mp.process.BaseProcess, Connection, slice]] = field(
        default_factory=list, init=False
    )

    def __enter__(self) -> Self:
        # Forked workers share the data with this process; elsewhere each gets a copy of its shard.
        forks = "fork" in mp.get_all_start_methods()
        context = mp.get_context("fork") if forks else mp.get_context("spawn")
        for shard in shards(self.data, self.workers):
            ours, theirs = context.Pipe()
            arguments = (theirs, ours, self.data[shard])
            process = context.Process(target=_serve, args=arguments, daemon=True)
            with warnings.catch_warnings():
                # Forking beside threads is safe here: a worker uses none of the parent's.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            self._running.append((process, ours, shard))
        return self

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> Statistics:
        """Let every worker sum its shard; add the totals in the shards' order.

        Raises
        ------
        HedgerowError
            A worker died.
        """
        try:
            for _, pipe, shard in self._running:
                pipe.send((step, weights[shard]))
            return _gathered([pipe for _, pipe, _ in self._running])
        except (EOFError, ConnectionError) as error:
            raise HedgerowError(
                "A worker process died, most likely for want of memory; use fewer workers."
            ) from error

    def __exit__(self, *exc: object) -> None:
        """Stop the workers."""
        for _, pipe, _ in self._running:
            pipe.close()
        # A forked worker holds copies of the pipes of those before it: the last one ends first.
        for process, _, _ in reversed(self._running):
            process.join(timeout=1)
            process.kill()
            process.join()
        self._running.clear()


def _gathered(pipes: list[Connection]) -> Statistics:
    """Add workers' totals as they arrive; raise the first error, but only when all have answered.

    An answer that was left in its pipe would be taken for one to the next sum.
    """
    errors: list[BaseException] = []

    def answers() -> Iterator[Statistics]:
        for pipe in pipes:
            answer = pipe.recv()
            if isinstance(answer, BaseException):
                errors.append(answer)
            elif not errors:
                yield Statistics(answer)

    parts = answers()
    first = next(parts, None)
    summed = None if first is None else total(itertools.chain([first], parts))
    if errors or summed is None:
        raise errors[0]
    return summed


def _serve(pipe: Connection, parents: Connection, data: Fold) -> None:
    """Answer steps until the pipe closes; one thread per worker, as workers fill the processor."""
    # Ctrl-C reaches the whole group of processes; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # With its own copy of the parent's end open, a worker would never see the parent go.
    parents.close()
    with threadpool_limits(1):
        while True:
            try:
                step, weights = pipe.recv()
            except EOFError:
                return
            try:
                answer: Any = dict(sum_blocks(step, data, weights))
            except Exception as error:  # noqa: BLE001 - it is raised again in the parent
                answer = _able_to_travel(error)
            try:
                pipe.send(answer)
            except OSError:
                return


def _able_to_travel(error: Exception) -> Exception:
    """Return the error, or its text where the error itself cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever an exception's own reconstruction may raise
        return HedgerowError(f"A worker failed: {type(error).__name__}: {error}")
    return error
