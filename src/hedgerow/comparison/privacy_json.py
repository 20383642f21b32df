"""What a comparison promised and spent of privacy, as plain JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hedgerow.comparison.curve import Curve, Point
from hedgerow.comparison.result import Comparison
from hedgerow.privacy.ledger import Entry

COVERS = "the federated model; all other figures are the simulator's own measurements"


def privacy_json(comparison: Comparison) -> dict[str, Any]:
    """Return what the federated training promised, spent and cost.

    What belongs to a promise is null without one, and ``curve`` where it was not asked for;
    ``audit`` is null until there has been one.

    Parameters
    ----------
    comparison
        What was found.
    """
    policy, noise = comparison.policy, comparison.noise
    rounds = comparison.contenders["federated"].rounds
    promise = {
        "epsilon": rounds[-1].epsilon if rounds else policy.epsilon,
        "epsilon_allowed": policy.epsilon,
        "delta": noise.delta,
        "unit": policy.unit,
        "clients_per_person": policy.clients_per_person,
        "mechanism": noise.mechanism,
        "noise_by": policy.noise_by,
        "noise_multiplier": noise.combined,
        "sampling": comparison.releases[-1].sampling if comparison.releases else None,
        "accountant": comparison.releases[-1].accountant if comparison.releases else None,
    }
    return {
        **(promise if policy.private else dict.fromkeys(promise)),
        "secure": policy.secure,
        "policy": policy.to_json(),
        "covers": COVERS,
        "noise_seed": comparison.noise_seed,
        "releases": len(comparison.releases),
        "ledger": [_entry(entry) for entry in comparison.releases],
        "costs": [asdict(cost) for cost in comparison.costs],
        "curve": None if comparison.curve is None else _curve(comparison.curve),
        "audit": None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "step": entry.step,
        "mechanism": entry.release.mechanism,
        "noise_by": entry.noise_by,
        "noise_multiplier": entry.release.multiplier,
        "bound": entry.clip,
        "sigma": entry.sigma,
        "epsilon": entry.epsilon,
        "delta": entry.delta,
        "at": entry.at,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "delta": curve.delta,
        "noise_by": "server",
        "seeds": curve.seeds,
        "points": [
            {
                "epsilon": point.epsilon,
                "noise_multiplier": point.multiplier,
                "metrics": _metrics(point),
            }
            for point in curve.points
        ],
        "without_noise": _metrics(curve.without),
    }


def _metrics(point: Point) -> dict[str, Any]:
    return {
        name: {"mean": point.mean(name), "interval": point.interval(name), "values": values}
        for name, values in point.values.items()
    }
