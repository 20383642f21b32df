"""The applications that `network.py` has Flower's deployment engine run.

Copied into a project of its own, from which ``flwr run`` builds what server and nodes install.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from flwr.app import (  # type: ignore[import-not-found]
    Array,
    ArrayRecord,
    Context,
    Message,
    MetricRecord,
    RecordDict,
)
from flwr.clientapp import ClientApp  # type: ignore[import-not-found]
from flwr.serverapp import Grid, ServerApp  # type: ignore[import-not-found]
from flwr.serverapp.strategy import FedAvg  # type: ignore[import-not-found]

client = ClientApp()
server = ServerApp()


@client.train()  # type: ignore[untyped-decorator]
def train(message: Message, context: Context) -> Message:
    """Change a few rows of the item vectors."""
    vectors = message.content["arrays"]["vectors"].numpy().copy()
    draw = np.random.default_rng(int(context.node_config["partition-id"]))
    changed = draw.choice(len(vectors), int(context.run_config["changed"]), replace=False)
    vectors[changed] += np.float32(1)
    arrays = ArrayRecord({"vectors": Array(vectors)})
    reply = RecordDict({"arrays": arrays, "metrics": MetricRecord({"weight": 1})})
    return Message(content=reply, reply_to=message)


@server.main()  # type: ignore[untyped-decorator]
def main(grid: Grid, context: Context) -> None:
    """Average for some rounds, and write down when each of them ended."""
    wanted = context.run_config
    clients, shape = int(wanted["clients"]), (int(wanted["items"]), int(wanted["width"]))
    ends: list[float] = []
    sums: list[float] = []

    def after_round(_number: int, arrays: ArrayRecord) -> None:
        ends.append(time.perf_counter())
        sums.append(float(arrays["vectors"].numpy().sum()))

    strategy = FedAvg(
        fraction_evaluate=0.0,
        min_train_nodes=clients,
        min_available_nodes=clients,
        weighted_by_key="weight",
    )
    strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord({"vectors": Array(np.zeros(shape, np.float32))}),
        num_rounds=int(wanted["rounds"]),
        evaluate_fn=after_round,
    )
    Path(str(wanted["report"])).write_text(json.dumps({"ends": ends, "sums": sums}))
