# ruff: noqa: INP001 - a script beside the file that it makes
"""Writes openapi.json: the description of the coordinator's HTTP interface."""

import json
from pathlib import Path

from hedgerow.server.app import build
from hedgerow.server.routes.schema import describe

FILE = Path(__file__).with_name("openapi.json")


def text() -> str:
    """Return the description as the file has it."""
    # Routes are described without what they serve from.
    return json.dumps(describe(build(None)), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
