"""Three hospitals learn together which drug is prescribed next, and none shows its patients.

The patients are those of the MIMIC-III demo (https://physionet.org/content/mimiciii-demo, ODbL),
read from ``$HEDGEROW_DATA/mimic-iii-demo/PRESCRIPTIONS.csv``. They come from one hospital; here
every third patient goes to another, so that there are three of about 33 patients each. Its dates
are shifted to protect the patients; only their order within a patient is used.

What is secured, and what is not: sums are pairwise, so that the coordinator learns only the sum of
the three hospitals' terms. That hides a hospital among three, and no better: two of them together
know the third one's term, and so does one of them together with the coordinator, up to the other.
There is no differential privacy here; with a hundred patients its noise would leave nothing.

    python examples/hospitals/hospitals.py
"""

import os
import sys
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))
from federation import federate

from hedgerow.data.interactions import Interactions
from hedgerow.models.sequence import Sequence
from hedgerow.privacy.policy import Policy

HOSPITALS = ("north", "south", "west")


def prescriptions() -> Interactions:
    """Return each patient's drugs in the order in which they were first prescribed."""
    folder = os.environ.get("HEDGEROW_DATA")
    path = Path(folder or "", "mimic-iii-demo", "PRESCRIPTIONS.csv")
    if not folder or not path.is_file():
        sys.exit("skipped: set HEDGEROW_DATA to the folder that has mimic-iii-demo")
    table = pl.read_csv(path, infer_schema_length=0).drop_nulls(["STARTDATE", "DRUG"])
    patient = pl.col("SUBJECT_ID").cast(pl.Int64)
    table = (
        table.select(
            user_id=pl.format("patient {}", patient),
            item_id=pl.col("DRUG").str.to_lowercase(),
            timestamp=pl.col("STARTDATE").rank("dense").over("SUBJECT_ID"),
            hospital=patient.rank("dense") % len(HOSPITALS),
        )
        .group_by("user_id", "item_id", "hospital")
        .agg(pl.col("timestamp").min())
        .sort("user_id", "timestamp", "item_id")
    )
    table = table.with_columns(pl.col("hospital").replace_strict(dict(enumerate(HOSPITALS))))
    return Interactions.read(table).with_attributes(table.select("user_id", "hospital"))


if __name__ == "__main__":
    federate(
        "drugs",
        prescriptions(),
        "hospital",
        Sequence.phone(),
        # Three hospitals: all of them or none, and nobody in league with the coordinator.
        Policy(secure="pairwise", minimum=3, adversaries=0, dropouts=0),
    )
