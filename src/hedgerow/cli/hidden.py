"""Secrets in options, also from files and standard input: a command line is seen by others."""

from __future__ import annotations

import sys
from pathlib import Path

from hedgerow.errors import ConfigError

LONGEST = 8192
"""Characters of a secret, such as a database's URL."""

HOW = "@FILE reads it from a file, - from standard input."


def revealed(value: str | None) -> str | None:
    """Return what an option's value stands for: itself, a file's first line, or standard input's.

    Raises
    ------
    ConfigError
        There is no such file, or no secret in it.
    """
    if value is None or not (value == "-" or value.startswith("@")):
        return value
    place = "standard input" if value == "-" else f"the file {value[1:]}"
    try:
        if value == "-":
            line = sys.stdin.readline(LONGEST)
        else:
            with Path(value[1:]).open(encoding="utf-8") as file:
                line = file.readline(LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The secret cannot be read from {place}: {error}.") from error
    if not line.strip():
        raise ConfigError(f"There is no secret in the first line of {place}.")
    return line.strip()
