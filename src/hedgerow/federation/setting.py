"""How terms become integers of a ring, with which noise, and what the parties to a sum agree on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.catalog import Catalog
from hedgerow.models.base import State
from hedgerow.privacy import gaussian, skellam
from hedgerow.privacy.planning import COARSEST
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import parameters
from hedgerow.privacy.secure.session import PAIRWISE, Floor, Terms, pairwise_terms

SERVERS = ("coordinator", "helper")
"""Each of the two servers of ``split`` makes all the noise that is promised."""


@dataclass(frozen=True)
class Noise:
    """The noise of one release.

    Parameters
    ----------
    name
        Of the release.
    bound
        L2 bound of one term.
    multiplier
        Standard deviation of the noise over the sensitivity, which is the bound times the terms
        that one person may have in a sum.
    """

    name: str
    bound: float
    multiplier: float

    def sigma(self, policy: Policy) -> float:
        """Return the standard deviation of the noise in every value, in the terms' own unit."""
        return self.bound * policy.clients_per_person * self.multiplier


@dataclass(frozen=True)
class Setting:
    """How the terms of one release become integers of a ring, and which noise goes with them.

    Parameters
    ----------
    policy
        What is promised.
    noise
        What the promise takes.
    quantizer
        From a unit's vector to integers.
    units
        The most units in a sum.
    clients
        The most clients in a sum.
    model
        Hash of the public state and the catalog from which clients compute.
    """

    policy: Policy
    noise: Noise
    quantizer: Quantizer
    units: int
    clients: int
    model: bytes

    @classmethod
    def of(
        cls,
        policy: Policy,
        noise: Noise,
        size: int,
        counts: Sequence[tuple[int, int]],
        model: bytes,
    ) -> Setting:
        """Choose the coarsest integers whose rounding costs little in every cohort's sum.

        Parameters
        ----------
        policy, noise, model
            As of the class.
        size
            Values in a term.
        counts
            For each cohort, the most units and the most clients in its sum.
        """
        units, clients = max(counts)
        together = policy.clients_per_person
        quantizer = Quantizer.for_sum(noise.bound, size, units, noise.multiplier * together)
        # Clients' noise was planned for a person's terms of no coarser steps than that.
        finest = max(quantizer.scale, math.ceil(COARSEST / together) / noise.bound)
        quantizer = replace(quantizer, scale=finest)
        return cls(policy, noise, quantizer, units, clients, model)

    def among(self, units: int, clients: int) -> Setting:
        """Return the setting of one cohort's sum, in the same integers."""
        return replace(self, units=units, clients=clients)

    @property
    def sensitivity(self) -> float:
        """The L2 bound on all that one unit of privacy puts into a sum, in steps."""
        return self.policy.clients_per_person * self.quantizer.sensitivity

    @property
    def deviation(self) -> float:
        """The standard deviation of the noise that the promise counts on, in steps."""
        return self.noise.multiplier * self.policy.clients_per_person * self.quantizer.sensitivity

    @property
    def share(self) -> skellam.Share:
        """What each client adds where clients make the noise, and how many have to."""
        makers = self.deviation**2 if self.policy.noise_by == "clients" else 0.0
        return skellam.share(makers, self.clients, self.policy.adversaries, self.policy.dropouts)

    @property
    def ring(self) -> Ring:
        """The narrowest ring in which no sum of these overflows, whatever the noise."""
        if self.policy.noise_by == "clients":
            noise = self.clients * skellam.bound(self.share.variance)
        else:
            noise = 2 * gaussian.bound(self.deviation)
        return self.quantizer.ring(self.units, noise)

    def terms(self, task: str, attempt: int = 0, about: bytes = b"") -> Terms:
        """Return what the parties to one cohort's sum agree on.

        Parameters
        ----------
        task
            What the sum is for, and whom it asks.
        attempt
            How often it was tried before.
        about
            Whatever else the parties must agree on.

        Raises
        ------
        ConfigError
            So few clients cannot keep what the policy promises.
        """
        policy = self.policy
        config = policy.digest() + repr((self.noise, self.quantizer)).encode() + about
        common: dict[str, Any] = {
            "task": task,
            "round": 0,
            "attempt": attempt,
            "words": self.quantizer.size + 1,
            "bits": self.ring.bits,
            "clients": self.clients,
            "minimum": self.minimum,
            "consistency": self.floor.consistency,
            "model": self.model,
            "config": hashlib.sha256(config).digest(),
        }
        if policy.secure == PAIRWISE:
            return pairwise_terms(assumptions=self.assumptions, **common)
        return Terms(mode=policy.secure, neighbours=0, threshold=0, **common)

    def opened(
        self, sums: NDArray[np.int64], contributors: int
    ) -> tuple[NDArray[np.float64], float]:
        """Return an opened sum in the terms' own unit, and the deviation of what was added to it.

        Parameters
        ----------
        sums
            Integers, shape (size,).
        contributors
            How many clients are in it.
        """
        makers = contributors if self.policy.noise_by == "clients" else len(SERVERS)
        each = self.share.variance if self.policy.noise_by == "clients" else self.deviation**2
        # Stochastic rounding has a variance of at most 1/4 a value.
        sigma = math.sqrt(makers * each + self.units / 4) / self.quantizer.scale
        return self.quantizer.dequantize(sums), sigma if self.policy.private else 0.0

    @property
    def minimum(self) -> int:
        """The fewest clients whose sum is opened: enough to hide in, and to make the noise."""
        needed = self.share.minimum if self.policy.private else 0
        return max(self.policy.minimum, needed if self.policy.noise_by == "clients" else 0)

    @property
    def assumptions(self) -> parameters.Assumptions:
        """Against what the sum is secured."""
        policy = self.policy
        return parameters.Assumptions(policy.adversaries, policy.dropouts, policy.semi_malicious)

    @property
    def floor(self) -> Floor:
        """What every client insists on: the policy itself."""
        policy = self.policy
        return Floor(
            minimum=self.minimum,
            adversaries=policy.adversaries,
            dropouts=policy.dropouts,
            semi_malicious=policy.semi_malicious,
            modes=(policy.secure,),
            consistency=policy.secure == PAIRWISE and policy.semi_malicious,
        )


def stream_of(seed: int | str, release: str, purpose: str, cohort: int = 0) -> Stream:
    """Return the simulated randomness of one purpose in one cohort's part of one release."""
    return Stream.seeded(seed, release, purpose, cohort)


def public_hash(state: State, catalog: Catalog) -> bytes:
    """Return the SHA-256 of all that clients compute from beside their own data.

    Clients that were shown different models or catalogs are then in different secured sums, and
    their masks do not cancel (Pasquini, Francati, Ateniese 2022).
    """
    digest = hashlib.sha256("\n".join(map(repr, catalog.ids)).encode())
    digest.update(catalog.features.write_json().encode())
    for name, array in sorted(state.arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
