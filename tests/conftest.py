"""What all tests share: settings that make them repeatable, and the real data where it is."""

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from hedgerow.data.interactions import Interactions

settings.register_profile("hedgerow", deadline=None, derandomize=True, database=None)
settings.load_profile("hedgerow")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tests run side by side; more threads than that only get in each other's way."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def ml100k():
    """MovieLens 100K as an interaction log."""
    folder = os.environ.get("HEDGEROW_DATA")
    path = Path(folder or "", "ml-100k", "u.data")
    if not folder or not path.is_file():
        pytest.skip("needs MovieLens 100K at $HEDGEROW_DATA/ml-100k/u.data")
    table = pl.read_csv(
        path,
        separator="\t",
        has_header=False,
        new_columns=["user_id", "item_id", "rating", "timestamp"],
    )
    return Interactions.read(table)
