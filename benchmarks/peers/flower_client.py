"""The client application of `run_flower`.

A module of its own, so that Ray's workers import it: defined in the script, it would be pickled
anew with every message, and the workload's cache with it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flwr.app import (  # type: ignore[import-not-found]
    Array,
    ArrayRecord,
    Context,
    Message,
    MetricRecord,
    RecordDict,
)
from flwr.clientapp import ClientApp  # type: ignore[import-not-found]
from workload import Workload, client_update


@cache
def _load(path: str) -> Workload:
    return Workload.load(Path(path))


def train(message: Message, context: Context) -> Message:
    """Train the item vectors on the examples of the client that the context names."""
    job = _load(message.content["config"]["workload"])
    vectors = message.content["arrays"]["vectors"].numpy()
    examples = job.client(int(context.node_config["partition-id"]))
    trained = vectors + client_update(vectors, *examples, job.learning_rate, job.epochs)
    reply = RecordDict(
        {
            "arrays": ArrayRecord({"vectors": Array(trained)}),
            "metrics": MetricRecord({"weight": 1}),
        }
    )
    return Message(content=reply, reply_to=message)


app = ClientApp()
app.train()(train)
