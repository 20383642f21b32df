"""What the report says in words, and how it writes numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NO_BREAK = "\u00a0"
MINUS = "\u2212"
NOTHING = "\u2013"

TITLES = {
    "popularity": "Popularity",
    "local": "Local",
    "federated": "Federated",
    "pooled": "Pooled",
}
"""The contenders, from the least informed to the best informed."""

DRAWN = {**TITLES, "without": "Federated, without noise"}
"""What else is drawn in a colour of its own."""

MODELS = {"als": "ALS", "item_item": "item-to-item"}
"""How a model is called in a sentence, where that is not its name."""


def contenders(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the figures of the contenders that took part, in the order of ``TITLES``."""
    everyone = {name: facts if name == "federated" else facts[name] for name in TITLES}
    return {name: figures for name, figures in everyone.items() if figures}


def digits(values: Iterable[float | None]) -> int:
    """Return how many decimals figures beside one another need: three, or four for small ones."""
    return 4 if max((abs(v) for v in values if v is not None), default=0.0) < 0.02 else 3


def metric(value: float | None, decimals: int = 3) -> str:
    """Write a metric with so many decimals."""
    return NOTHING if value is None else f"{value:.{decimals}f}".replace("-", MINUS)


def interval(bounds: list[float] | None, decimals: int = 3) -> str:
    """Write an interval, or nothing."""
    return " to ".join(metric(bound, decimals) for bound in bounds) if bounds else ""


def count(value: float) -> str:
    """Write a whole number with commas."""
    return f"{value:,.0f}"


def counted(value: int, noun: str) -> str:
    """Write a number with a noun that takes an s in the plural."""
    return f"{count(value)} {noun if value == 1 else noun + 's'}"


def megabytes(size: float) -> str:
    """Write a size in MB, or in kB where it is below a tenth of one."""
    number, unit = (size / 1e6, "MB") if size >= 1e5 else (size / 1e3, "kB")
    return f"{number:,.{0 if number >= 100 else 1}f}{NO_BREAK}{unit}"


def seconds(value: float) -> str:
    """Write a duration in milliseconds, seconds, or minutes and seconds."""
    if value < 0.1:
        return f"{1000 * value:.0f}{NO_BREAK}ms" if value >= 0.0005 else f"under 1{NO_BREAK}ms"
    if value >= 60:
        minutes, rest = divmod(round(value), 60)
        return f"{count(minutes)}{NO_BREAK}min {rest}{NO_BREAK}s"
    return f"{value:.{2 if value < 10 else 1}f}{NO_BREAK}s"


def model_name(facts: dict[str, Any]) -> str:
    """Return how the model is called in a sentence."""
    name: str = facts["model"]
    return MODELS.get(name, name.replace("_", " "))


def holders(facts: dict[str, Any]) -> str:
    """Return how many of which clients there are."""
    data = facts["data"]
    return counted(data["clients"], data["client_kind"].removesuffix("s"))


def verdict(facts: dict[str, Any]) -> str:
    """Say in one sentence what federating the data would give."""
    name = f"ndcg@{facts['protocol']['k']}"
    ours = facts["metrics"]["full"][name]
    bounds = facts["metrics"]["intervals"]["full"].get(name)
    decimals = digits([ours])
    reached = metric(ours, decimals)
    if bounds:
        reached += f" (95{NO_BREAK}% interval {interval(bounds, decimals)})"
    subject = f"Federated over {holders(facts)}, the {model_name(facts)} model"
    parts = [f"{subject} reaches NDCG@{facts['protocol']['k']}{NO_BREAK}{reached}"]
    pooled, popularity = (
        facts[other]["metrics"]["full"][name] if facts[other] else 0
        for other in ("pooled", "popularity")
    )
    if pooled:
        parts.append(f"{100 * ours / pooled:.1f}{NO_BREAK}% of pooled training")
    if popularity and facts["model"] != "popularity":
        parts.append(f"{ours / popularity:.1f}{NO_BREAK}×{NO_BREAK}popularity")
    cost = f"{megabytes(facts['bytes_up_per_client'])} up per client"
    return f"{', '.join(parts)}, in {counted(facts['rounds'], 'round')} and {cost}."


def gained(gains: Sequence[Mapping[str, Any]], k: int) -> str:
    """Say in one sentence for whom learning together pays most, and for whom least.

    Parameters
    ----------
    gains
        The comparison's, as JSON; at least one.
    k
        Length of the lists.
    """
    most = max(gains, key=lambda gain: gain["together"] - gain["alone"])
    least = min(gains, key=lambda gain: gain["together"] - gain["alone"])
    parts = [f"Learning together takes {_moved(most, f'NDCG@{k}{NO_BREAK}')}"]
    if least is not most:
        parts.append(_moved(least))
    return ", and ".join(parts) + "."


def _moved(gain: Mapping[str, Any], name: str = "") -> str:
    decimals = digits([gain["alone"], gain["together"]])
    alone, together = (metric(gain[side], decimals) for side in ("alone", "together"))
    chance = " (as chance might)" if gain["low"] <= 0 <= gain["high"] else ""
    return f"{gain['who']} from {name}{alone} to {together}{chance}"


def tax_sentence(facts: dict[str, Any]) -> str:
    """Say what federating costs in quality, and whether chance alone would explain it."""
    tax, bounds = facts["federation_tax"], facts["federation_tax_interval"]
    if tax is None:
        return "The pooled model was not trained, so the federation tax is not known."
    name = f"NDCG@{facts['protocol']['k']}"
    if tax == 0 and (bounds is None or bounds[0] == bounds[1]):
        return (
            "Federating costs nothing here: federated and pooled training reach exactly the same "
            f"{name}."
        )
    how = (
        f"Federated training reaches {metric(abs(tax), 4)} "
        f"{'less' if tax > 0 else 'more'} {name} than pooled training"
    )
    if bounds is None:
        return f"{how}; no interval was computed."
    range_ = f"the 95{NO_BREAK}% interval of the difference runs from {interval(bounds, 4)}"
    if bounds[0] <= 0 <= bounds[1]:
        return f"{how}; {range_} and holds zero, so chance alone could explain it."
    return f"{how}; {range_} and does not hold zero, so chance alone hardly explains it."


def split_sentence(protocol: dict[str, Any]) -> str:
    """Say how the test interactions were held out."""
    options = protocol["split_options"]
    known = {
        "last_out": "Each user’s last interaction is held out; the model foretells it from those "
        "before.",
        "temporal": "Interactions from one moment on are held out, the same moment for everyone.",
        "random_per_user": f"A random {100 * options.get('share', 0):.0f}{NO_BREAK}% of each "
        "user’s interactions is held out, whatever their order.",
    }
    return known.get(protocol["split"], f"Interactions are held out by {protocol['split']}.")
