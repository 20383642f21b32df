"""A retailer's country branches learn together what a customer buys next.

The customers are those of Online Retail II (UCI, CC BY 4.0), read from
``$HEDGEROW_DATA/online-retail-ii`` or downloaded from the publisher: one wholesaler, most of whose
customers are in the United Kingdom. The six countries with most of them are silos, each with its
own database; of the United Kingdom's customers every tenth takes part here, so that the example is
done within a minute. Most of the small countries gain, for alone they know too little.

Sums are pairwise over six silos and exact; a small country's term hides among six.

    python examples/retailer/retailer.py
"""

import os
import sys
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))
from federation import federate

from hedgerow.data.datasets import load
from hedgerow.data.interactions import Interactions
from hedgerow.models.sequence import Sequence
from hedgerow.privacy.policy import Policy

COUNTRIES, HOME, SHARE = 6, "United Kingdom", 10
SOLD = 12
"""Customers that a product needs to be in the catalog of this example."""


def purchases() -> Interactions:
    """Return what customers of the largest countries bought, each product once."""
    folder = os.environ.get("HEDGEROW_DATA")
    if not folder or not Path(folder, "online-retail-ii").is_dir():
        sys.exit("skipped: set HEDGEROW_DATA to the folder that has online-retail-ii")
    log = load("online-retail-ii").distinct()
    users = pl.DataFrame({"user_id": log.users, "country": log.attributes["Country"]})
    table = log.frame().join(users, on="user_id")
    largest = users["country"].value_counts(sort=True)["country"].head(COUNTRIES)
    abroad, some = pl.col("country") != HOME, pl.col("user_id").rank("dense") % SHARE == 0
    table = table.filter(pl.col("country").is_in(largest.to_list()) & (abroad | some))
    table = table.filter(pl.col("user_id").n_unique().over("item_id") >= SOLD)
    return Interactions.read(table).with_attributes(users)


if __name__ == "__main__":
    federate(
        "purchases",
        purchases(),
        "country",
        Sequence.phone(),
        Policy(secure="pairwise", minimum=COUNTRIES, adversaries=0, dropouts=0),
    )
