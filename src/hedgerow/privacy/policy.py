"""The policy: what a run promises of privacy, in one frozen value that can be written down."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hedgerow.errors import ConfigError

MODES = ("none", "pairwise", "split")

UNITS = ("user", "silo")

LEAST, MOST = 1e-4, 1e6
"""Epsilons for which noise can be worked out; either end is far from any use."""

MOST_CLIENTS = 100
"""At so many clients one person may be at most: noise grows with their number."""

NOISE_MAKERS = {"none": "server", "pairwise": "clients", "split": "servers"}
"""Who adds the noise under each mode: nobody has to be trusted with more than the mode trusts."""


@dataclass(frozen=True)
class Policy:
    """What a run promises, and what a client insists on.

    Parameters
    ----------
    epsilon
        Of the whole run, all its releases together; None promises no differential privacy.
    delta
        Of the whole run; by default ``1 / n**1.1`` for n units, at most 1e-5.
    secure
        How sums are secured: ``none`` (the server adds up terms that it sees), ``pairwise``
        (masks between clients) or ``split`` (two servers that do not collude).
    unit
        Whose data may be there or not without the releases telling: a ``user`` or a whole
        ``silo``.
    clients_per_person
        With users as the unit, at how many clients one person may be with a term at each: a
        customer of two banks, or somebody with two browsers, puts two terms into a sum. Noise
        hides so many terms together; who is at more clients is protected less.
    clip
        L2 bound of a unit's term where a step has no bound of its own; None finds one from a
        private histogram of norms, which is charged.
    minimum
        The fewest clients in a sum that is opened.
    adversaries, dropouts
        The shares of clients that may collude with the server, and that may vanish; the secured
        sums and the clients' noise are sized for them.
    semi_malicious
        Whether the server may also lie about who takes part; otherwise it is only curious.
    """

    epsilon: float | None = None
    delta: float | None = None
    secure: str = "none"
    unit: str = "user"
    clients_per_person: int = 1
    clip: float | None = None
    minimum: int = 20
    adversaries: float = 0.2
    dropouts: float = 0.1
    semi_malicious: bool = True

    def __post_init__(self) -> None:
        _check(self.secure in MODES, f"Secure sums are one of {', '.join(MODES)}.")
        _check(self.unit in UNITS, f"The unit of privacy is one of {', '.join(UNITS)}.")
        for name in ("epsilon", "delta", "clip", "adversaries", "dropouts"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            _check(value is None or number, f"The {name} of a policy is a number, not {value!r}.")
        in_reach = self.epsilon is None or LEAST <= self.epsilon <= MOST
        _check(in_reach, f"Epsilon must lie between {LEAST:g} and {MOST:,.0f}; 1 to 8 is usual.")
        in_range = self.delta is None or 0 < self.delta < 1
        _check(in_range, "Delta must lie between 0 and 1; far below 1 / users is usual.")
        _check(self.delta is None or self.epsilon is not None, "A delta needs an epsilon.")
        _check(_positive(self.clip), "The clip must be above 0 and finite.")
        counted = type(self.clients_per_person) is int
        in_reach = counted and 1 <= self.clients_per_person <= MOST_CLIENTS
        _check(in_reach, f"A person is at 1 to {MOST_CLIENTS} clients; most are at one or two.")
        _check(
            self.unit == "user" or self.clients_per_person == 1,
            "At how many clients a person may be is said where users are the unit of privacy; "
            "with silos leave it at 1.",
        )
        _check(self.minimum >= 2, "A sum of fewer than two clients' terms hides nothing.")
        for name in ("adversaries", "dropouts"):
            share = getattr(self, name)
            _check(0 <= share < 1, f"The share of {name} must be at least 0 and below 1.")
        _check(
            self.adversaries + self.dropouts < 1,
            "The shares of adversaries and dropouts must leave someone honest.",
        )

    @property
    def private(self) -> bool:
        """Whether differential privacy is promised."""
        return self.epsilon is not None

    @property
    def noise_by(self) -> str:
        """Who makes the noise: the server, the clients, or each of two servers."""
        return NOISE_MAKERS[self.secure]

    def to_json(self) -> dict[str, Any]:
        """Return the policy as plain JSON; :meth:`from_json` gives it again."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Policy:
        """Read a policy that was written down.

        Raises
        ------
        ConfigError
            A value is missing, unknown or out of range.
        """
        known = {f.name for f in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise ConfigError(f"The policy does not have the expected parts; check {odd}.")
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"The policy has a value of the wrong type: {error}.") from error

    def digest(self) -> bytes:
        """Return the SHA-256 of the policy, which every secured sum is bound to."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()


def _positive(value: float | None) -> bool:
    return value is None or 0 < value < math.inf


def _check(condition: object, sentence: str) -> None:
    if not condition:
        raise ConfigError(sentence)
