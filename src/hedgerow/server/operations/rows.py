"""Rows as JSON lines, the same for SQLite and PostgreSQL, so that one can move to the other."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import LargeBinary, Table

from hedgerow.server.operations.archive import damaged


def encoder(table: Table) -> Callable[[Iterable[Any]], bytes]:
    """Return what makes a line of a row's values."""
    binary = [isinstance(column.type, LargeBinary) for column in table.columns]

    def encode(row: Iterable[Any]) -> bytes:
        values = [
            base64.b64encode(value).decode() if is_binary and value is not None else value
            for value, is_binary in zip(row, binary, strict=True)
        ]
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"

    return encode


def decoder(table: Table) -> Callable[[bytes], dict[str, Any]]:
    """Return what makes a row of a line."""
    columns = [(column.name, isinstance(column.type, LargeBinary)) for column in table.columns]

    def decode(line: bytes) -> dict[str, Any]:
        try:
            values = json.loads(line)
            return {
                name: base64.b64decode(value, validate=True)
                if is_binary and value is not None
                else value
                for value, (name, is_binary) in zip(values, columns, strict=True)
            }
        except (ValueError, TypeError) as error:
            raise damaged(f"a row of the table {table.name} cannot be read") from error

    return decode
