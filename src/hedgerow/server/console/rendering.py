"""Templates, and how numbers, times and names are written in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hedgerow.privacy.wording import LIARS
from hedgerow.server.console.assets import address
from hedgerow.server.console.navigation import links
from hedgerow.server.console.rounds import sum_of

DASH = "–"
"""Where there is nothing to say."""

_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIZES = ("B", "kB", "MB", "GB", "TB")


def render(template: str, **values: Any) -> str:
    """Return a template filled in."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "when": when,
        "ago": ago,
        "span": span,
        "count": count,
        "size": size,
        "figure": figure,
        "short": short,
        "words": words,
        "epsilon": epsilon,
        "power": power,
        "sum_of": sum_of,
    }
    found.globals |= {"asset": address, "links": links, "liars": LIARS}
    return found


def utc(at: float) -> str:
    """Return a time as people read it."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y, %H:%M}"


def iso(at: float | None) -> str:
    """Return a time as programs read it; empty where there is none."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def when(at: float | None) -> str | Markup:
    """Return a time, for people and for programs."""
    if at is None:
        return DASH
    return Markup('<time datetime="{}">{}</time>').format(iso(at), utc(at))


def ago(at: float | None, now: float) -> str | Markup:
    """Return how long ago or how soon a time is, with the time itself on demand."""
    if at is None:
        return DASH
    text = f"in {span(at - now)}" if at > now + 1 else f"{span(now - at)} ago"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(iso(at), utc(at), text)


def span(seconds: float | None) -> str:
    """Return a stretch of time in its largest units."""
    if seconds is None:
        return DASH
    if seconds < 10:
        return f"{max(seconds, 0):.2g} s" if seconds >= 0.005 else "0 s"
    for place, (unit, name) in enumerate(_SPANS):
        if seconds >= unit:
            whole, rest = divmod(round(seconds), unit)
            if place + 1 < len(_SPANS) and whole < 10:
                smaller, smaller_name = _SPANS[place + 1]
                if rest // smaller:
                    return f"{whole} {name} {rest // smaller} {smaller_name}"
            return f"{whole} {name}"
    return f"{seconds:.0f} s"


def count(number: float | None) -> str:
    """Return a whole number with its thousands apart."""
    return DASH if number is None else f"{number:,.0f}".replace(",", "\u202f")


def size(number: float | None) -> str:
    """Return a number of bytes in its largest unit."""
    if number is None:
        return DASH
    place = 0
    while number >= 1000 and place < len(_SIZES) - 1:
        number, place = number / 1000, place + 1
    return f"{number:.0f} B" if place == 0 else f"{number:.3g} {_SIZES[place]}"


def figure(number: float | None, places: int = 4) -> str:
    """Return a measured number."""
    return DASH if number is None else f"{number:.{places}f}".replace("-", "−")


def epsilon(number: float | None) -> str:
    """Return an epsilon."""
    return DASH if number is None else f"{number:.3g}"


def power(number: float | None) -> str:
    """Return a small number as a multiple of a power of ten."""
    if number is None:
        return DASH
    digits, _, exponent = f"{number:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}·10{str(int(exponent)).translate(_RAISED)}"


def short(name: str | None) -> str | Markup:
    """Return the beginning of a long hexadecimal name, and all of it on demand."""
    if not name:
        return DASH
    return Markup('<code title="{}">{}</code>').format(name, name[:8])


def words(name: str) -> str | Markup:
    """Return a code as words."""
    return escape(name.replace("-", " ").replace("_", " "))
