"""The bench: sums of the probe by the pipeline and by the parties, in each way of securing them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.federation.audit.noise import Expected
from hedgerow.federation.audit.noise import Noise as Residual
from hedgerow.federation.audit.probe import CLIENTS, Probe, clients_of_probe
from hedgerow.federation.clients import Clients, Cohort
from hedgerow.federation.executors import Serial
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.setting import SERVERS, Noise, Setting
from hedgerow.federation.terms import client_words
from hedgerow.privacy import gaussian
from hedgerow.privacy.audits.pairwise_view import PairwiseView, pairwise_view
from hedgerow.privacy.audits.promised import honest, integer_sensitivity
from hedgerow.privacy.audits.split_view import SplitView, split_view
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring, Words

RELEASES = 2
"""Of the probe in each run."""

BOUND = 1.0
"""Of the probe's terms."""

PERSONS_CLIENTS = 2
"""At how many clients a person may be; noise that forgets it is then half of what it must be."""


@dataclass(frozen=True)
class Bench:
    """Where one way of securing sums is tried out.

    Parameters
    ----------
    promised
        The policy.
    kept
        What is really done of it.
    """

    promised: Policy
    kept: Policy

    @classmethod
    def of(cls, promised: Policy, mode: str, *, noise: bool) -> Bench:
        """Return the bench of a mode, whose few clients are as many as the policy demands."""
        minimum = min(promised.minimum, honest(CLIENTS, promised.adversaries, promised.dropouts))
        policy = replace(
            promised,
            secure=mode,
            minimum=minimum,
            clip=None,
            clients_per_person=PERSONS_CLIENTS,
        )
        return cls(policy, policy if noise else replace(policy, epsilon=None, delta=None))

    @property
    def probe(self) -> Probe:
        """What is summed."""
        return Probe(BOUND)

    @cached_property
    def multiplier(self) -> float:
        """The noise multiplier of each release that the promise takes."""
        return self._pipeline(self.promised).plan.steps[0].multiplier

    def run(self) -> tuple[list[NDArray[np.float64]], list[Entry]]:
        """Make all releases of a run with a fresh secret; return them and what was charged."""
        pipeline, step = self._pipeline(self.kept), self.probe
        everyone = np.ones(CLIENTS, np.bool_)
        group = Group(Serial(clients_of_probe()), _clients(), [Cohort(everyone, everyone)])
        values = []
        for number in range(RELEASES):
            model = hashlib.sha256(str(number).encode()).digest()
            total = pipeline.sum(group, step, number, model).total
            values.append(step.schema.flatten(total).astype(np.float64))
        return values, pipeline.ledger.of(pipeline.account)

    def residuals(self, label: str, values: list[NDArray[np.float64]]) -> Iterator[Residual]:
        """Yield the residuals of a run's releases."""
        expected = self.expected
        for number, each in enumerate(values, 1):
            yield Residual.of(f"{label}, release {number}", each * self.scale, expected)

    @cached_property
    def scale(self) -> float:
        """Steps per unit; 1 where there are none."""
        return 1.0 if self.promised.secure == "none" else self._quantizer.scale

    @cached_property
    def ring(self) -> Ring:
        """Where secured sums are made."""
        return self._setting("any").ring

    @cached_property
    def expected(self) -> Expected:
        """What a sum over all clients has to be."""
        return self.expected_of(CLIENTS, self.each * self.makers)

    def expected_of(self, clients: int, variance: float) -> Expected:
        """Return what a sum over the first so many clients has to be, with noise of a variance."""
        terms = np.array([self.probe.clipped(client) for client in range(clients)])
        return Expected(terms * self.scale, variance, rounds=self.promised.secure != "none")

    @property
    def makers(self) -> int:
        """How many parties make noise."""
        return {"server": 1, "servers": len(SERVERS), "clients": CLIENTS}[self.promised.noise_by]

    @cached_property
    def each(self) -> float:
        """The variance of the noise that each of them has to make, in steps squared."""
        policy = self.promised
        if policy.secure == "none":
            return (self.multiplier * PERSONS_CLIENTS * BOUND) ** 2
        quantizer = self._quantizer
        one = integer_sensitivity(BOUND, quantizer.scale, quantizer.size)
        whole = (self.multiplier * PERSONS_CLIENTS * one) ** 2
        if policy.noise_by == "clients":
            return whole / honest(CLIENTS, policy.adversaries, policy.dropouts)
        # Rounded to integers, which adds the variance of a uniform number.
        return whole + 1 / 12

    def split_views(self, count: int) -> Iterator[SplitView]:
        """Run sessions of split mode in which all parties draw fresh secrets."""
        for number in range(count):
            setting = self._setting(f"split {number}")
            draw = partial(gaussian.integers, sigma=setting.deviation)
            noise = [partial(draw, Stream.secret()) for _ in SERVERS]
            words = self._words(setting)
            terms = setting.terms(setting.noise.name)
            yield split_view(terms, setting.floor, words, (noise[0], noise[1]))

    def pairwise_views(self, count: int) -> Iterator[PairwiseView]:
        """Run sessions of pairwise mode in which all parties draw fresh secrets."""
        for number in range(count):
            setting = self._setting(f"pairwise {number}")
            terms = setting.terms(setting.noise.name)
            yield pairwise_view(terms, setting.floor, self._words(setting))

    @property
    def _quantizer(self) -> Quantizer:
        return self._setting("any").quantizer

    def _setting(self, name: str) -> Setting:
        multiplier = self.multiplier if self.kept.private else 0.0
        noise = Noise(name, BOUND, multiplier)
        return Setting.of(self.kept, noise, self.probe.size, [(CLIENTS, CLIENTS)], bytes(32))

    def _words(self, setting: Setting) -> list[Words]:
        fold = clients_of_probe()
        return [
            client_words(self.probe, fold[place : place + 1], setting, lambda _: Stream.secret())
            for place in range(CLIENTS)
        ]

    def _pipeline(self, policy: Policy) -> Pipeline:
        return Pipeline.of(
            policy,
            (Charge(bound=BOUND),) * RELEASES,
            _clients(),
            ledger=Ledger(),
            run="probe",
            account="probe",
            seed=secrets.token_hex(32),
        )


def _clients() -> Clients:
    return Clients.devices(pl.Series([f"probe {number}" for number in range(CLIENTS)]))
