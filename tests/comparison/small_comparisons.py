"""Comparisons on a small log with order and taste in it, and with hostile titles."""

import numpy as np
import polars as pl
from support import structured_block

from hedgerow.comparison.compare import compare
from hedgerow.comparison.result import Plan
from hedgerow.data.interactions import Interactions
from hedgerow.evaluation.evaluate import EvaluationProtocol

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
PROTOCOL = EvaluationProtocol(k=5, sampled=9, replicates=30)


def small_log(users=60, n_items=20):
    block = structured_block(users, n_items)
    table = pl.DataFrame(
        {
            "user_id": [f"u{row}<b>" for row in block.rows],
            "item_id": [f"i{item:02}" for item in block.items],
            "timestamp": np.arange(len(block.items)),
        }
    )
    titles = [f"{HOSTILE} {item}" for item in range(n_items)]
    ids = [f"i{item:02}" for item in range(n_items)]
    return Interactions.read(table).with_catalog(pl.DataFrame({"item_id": ids, "title": titles}))


def small_comparison(recipe, **how):
    plan = how.pop("plan", None) or Plan(local_clients=4, examples=5)
    return compare(small_log(), recipe, protocol=how.pop("protocol", PROTOCOL), plan=plan, **how)
