"""What forms sent, as the JSON interface takes it, and what is wrong with it in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

MOST_SHOWN = 4


def whole(form: Mapping[str, str], name: str) -> int | str:
    """Return a whole number of a form, or its text where it is none."""
    text = form.get(name, "").strip().replace(" ", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def number(form: Mapping[str, str], name: str) -> float | str | None:
    """Return a number of a form, or its text where it is none; None where nothing was said."""
    text = form.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text


def problems(error: Exception) -> str:
    """Return what is wrong with a form."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = [
        f"{' '.join(str(part) for part in one['loc']).replace('_', ' ')}: {one['msg'].lower()}"
        for one in error.errors()[:MOST_SHOWN]
    ]
    return f"This does not fit: {'; '.join(found)}."
