"""The guard: what a client insists on for itself, whatever the coordinator asks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hedgerow.client.consent import MEASURE, TRAIN, Consents, needed_for
from hedgerow.client.journal import Journal
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.models.base import Recipe
from hedgerow.models.registry import MODELS, names_in
from hedgerow.privacy.accounting import WIDEST_DELTA
from hedgerow.privacy.ledger import SLACK
from hedgerow.privacy.planning import MOST_NOISE
from hedgerow.privacy.policy import MOST_CLIENTS, UNITS
from hedgerow.privacy.releases import Release, epsilon_spent
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT, Floor, Terms

DAY = 86_400.0


@dataclass(frozen=True)
class Guard:
    """A client's own promise to the people whose data it holds; what falls below is refused.

    Parameters
    ----------
    modes
        How sums may be secured.
    minimum
        The fewest clients in a sum.
    adversaries, dropouts
        The shares of clients that may collude with the server, and that may vanish.
    semi_malicious
        Whether the server may also lie about who takes part.
    consistency
        Whether, in pairwise mode, survivors are to be signed for.
    epsilon
        The most that a run may promise, and that all releases of all tasks may cost this client
        together; None goes along without differential privacy.
    delta
        Of that epsilon, and the largest that a run may promise.
    unit
        Whose data a promise has to protect: a ``user`` or a whole ``silo``.
    clients_per_person
        At how many clients a user may be, this one among them, for the promise to hold.
    per_day
        The most releases that are contributed to in 24 hours.
    exact_runs
        Without an epsilon, to the exact sums of how many runs is contributed: two that differ by
        one client tell what it sent.
    tasks
        Names of the tasks that are taken part in; all where none is named.
    purposes
        ``train`` and ``measure``, or one of them; each takes consent as well.
    models
        Names of models that may be trained; all where none is named.

    Raises
    ------
    ConfigError
        A value is outside its range.
    """

    modes: tuple[str, ...] = (PAIRWISE, SPLIT)
    minimum: int = 20
    adversaries: float = 0.2
    dropouts: float = 0.1
    semi_malicious: bool = True
    consistency: bool = True
    epsilon: float | None = 10.0
    delta: float = WIDEST_DELTA
    unit: str = "user"
    clients_per_person: int = 1
    per_day: int = 500
    exact_runs: int = 1
    tasks: tuple[str, ...] = ()
    purposes: tuple[str, ...] = (TRAIN, MEASURE)
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_names("modes", self.modes, (PAIRWISE, SPLIT))
        _check_names("purposes", self.purposes, (TRAIN, MEASURE))
        _check_names("models", self.models, tuple(MODELS))
        _check_names("unit", (self.unit,), UNITS)
        texts = [type(name) is str for name in self.tasks] if type(self.tasks) is tuple else [False]
        _check(all(texts), "The guard's tasks are a list of names.")
        whole = (self.minimum, self.per_day, self.exact_runs, self.clients_per_person)
        shares = (self.adversaries, self.dropouts, self.delta)
        _check(all(type(n) is int for n in whole), "The guard's counts are whole numbers.")
        _check(all(map(_is_number, shares)), "The guard's shares and its delta are numbers.")
        flags = (self.semi_malicious, self.consistency)
        _check(all(type(flag) is bool for flag in flags), "The guard's switches are true or false.")
        _check(self.minimum >= 2, "A sum of fewer than two clients' terms hides nothing.")
        _check(
            1 <= self.clients_per_person <= (MOST_CLIENTS if self.unit == "user" else 1),
            f"The guard's clients of one person are 1 to {MOST_CLIENTS}, and 1 with silos as unit.",
        )
        _check(self.per_day >= 0, "The most releases a day are 0 or more.")
        _check(self.exact_runs >= 0, "The most runs with exact sums are 0 or more.")
        _check(
            min(shares) >= 0 and self.adversaries + self.dropouts < 1,
            "The shares of adversaries and dropouts must leave someone honest.",
        )
        _check(0 < self.delta < 1, "The guard's delta must lie between 0 and 1.")
        positive = self.epsilon is None or (_is_number(self.epsilon) and self.epsilon > 0)
        _check(positive, "The guard's epsilon is a number above 0, or null to do without.")

    def to_json(self) -> dict[str, Any]:
        """Return the guard as plain JSON; :meth:`from_json` gives it again."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Guard:
        """Read a guard, whose parts may be left out where the default will do.

        Raises
        ------
        ConfigError
            A part is unknown or does not fit.
        """
        odd = sorted(set(values) - {f.name for f in fields(cls)})
        _check(not odd, f"A guard has no part {', '.join(odd)}.")
        parts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**parts)

    def floor(self) -> Floor:
        """Return what the secured sum itself has to keep to."""
        return Floor(
            minimum=self.minimum,
            adversaries=self.adversaries,
            dropouts=self.dropouts,
            semi_malicious=self.semi_malicious,
            modes=self.modes,
            consistency=self.consistency,
        )

    def check(self, ask: Ask, terms: Terms, consents: Consents, journal: Journal) -> None:
        """Refuse a sum that this client does not want to be in.

        Parameters
        ----------
        ask, terms
            What the coordinator asks; that the terms are those of the ask has been checked.
        consents
            What is agreed to now.
        journal
            What was contributed so far.

        Raises
        ------
        ProtocolError
            What `check_offer` and `check_standing` raise.
        """
        self.check_offer(ask, terms)
        self.check_standing(ask, consents, journal)

    def check_offer(self, ask: Ask, terms: Terms) -> None:
        """Refuse what this client would refuse on any day.

        Raises
        ------
        ProtocolError
            ``other-task``, ``other-purpose``, ``other-model``, ``bad-ask``, ``weak-unit``,
            ``weak-persons``, ``weak-epsilon``, ``weak-delta``, ``weak-noise``, ``too-much-noise``,
            ``false-promise``, or those of `Floor.check`.
        """
        policy = ask.policy
        _refuse_if(bool(self.tasks) and ask.task not in self.tasks, "other-task")
        _refuse_if(needed_for(ask.purpose) not in self.purposes, "other-purpose")
        _refuse_if(bool(self.models) and ask.recipe not in self.models, "other-model")
        _refuse_if(ask.setting.quantizer.clip != ask.noise.bound, "bad-ask")
        self.floor().check(terms)
        if policy.epsilon is None:
            _refuse_if(self.epsilon is not None, "no-epsilon")
            _refuse_if(ask.noise.multiplier != 0, "bad-ask")
            return
        _refuse_if(not (_is_number(ask.delta) and 0 < ask.delta < 1), "bad-ask")
        if self.epsilon is not None:
            _refuse_if(policy.unit != self.unit, "weak-unit")
            _refuse_if(policy.clients_per_person < self.clients_per_person, "weak-persons")
            _refuse_if(policy.epsilon > self.epsilon, "weak-epsilon")
            _refuse_if(ask.delta > self.delta, "weak-delta")
        # Clients' noise is sized for the honest among them, so fewer adversaries mean less of it.
        _refuse_if(
            policy.noise_by == "clients" and policy.adversaries < self.adversaries, "weak-noise"
        )
        cost = cost_of(ask)
        costs = epsilon_spent([cost], ask.delta) if cost else math.inf
        _refuse_if(costs > policy.epsilon * (1 + SLACK), "false-promise")

    def check_model(self, recipe: Recipe) -> None:
        """Refuse what a model's file is of, whatever the ask has called it.

        Raises
        ------
        ProtocolError
            ``other-model``: it, or a model that it is made of.
        """
        _refuse_if(bool(self.models) and not names_in(recipe) <= set(self.models), "other-model")

    def check_standing(self, ask: Ask, consents: Consents, journal: Journal) -> None:
        """Refuse what nobody agreed to, or what is too much with all that went before.

        Raises
        ------
        ProtocolError
            ``no-consent``, ``too-often``, ``second-exact-run`` or ``spent``.
        """
        consents.require(needed_for(ask.purpose))
        begun = journal.begun_within(DAY, besides=ask.release)
        _refuse_if(begun >= self.per_day, "too-often")
        cost = cost_of(ask)
        if cost is None:
            others = journal.exact_runs() - {ask.run}
            _refuse_if(len(others) >= self.exact_runs, "second-exact-run")
        if self.epsilon is None or cost is None:
            return
        before = journal.charges(besides=ask.release)
        spent = epsilon_spent([*before, cost], self.delta)
        _refuse_if(spent > self.epsilon * (1 + SLACK), "spent")


def cost_of(ask: Ask) -> Release | None:
    """Return what a sum costs the privacy of those in it; None where no epsilon is promised.

    Raises
    ------
    ProtocolError
        ``weak-noise``: an epsilon is promised, and there is no noise that could keep it;
        ``too-much-noise``: so much that nothing could be learned from the sum but who answers.
    """
    if not ask.policy.private:
        return None
    multiplier = ask.noise.multiplier
    _refuse_if(not (_is_number(multiplier) and multiplier > 0), "weak-noise")
    _refuse_if(multiplier > MOST_NOISE, "too-much-noise")
    if ask.policy.noise_by == "clients":
        setting = ask.setting
        size = setting.quantizer.size
        return Release("skellam", multiplier, setting.sensitivity, size, setting.clients)
    return Release("gaussian", multiplier)


_SENTENCES = {
    "other-task": "This client takes part in other tasks only.",
    "other-purpose": "This client does not contribute to sums for that purpose.",
    "other-model": "This client does not help train that model.",
    "bad-ask": "What the coordinator asks for contradicts itself.",
    "no-epsilon": "This client takes part only where differential privacy is promised.",
    "weak-unit": "The promise protects another unit than this client insists on.",
    "weak-epsilon": "The run promises a larger epsilon than this client goes along with.",
    "weak-delta": "The run promises a larger delta than this client goes along with.",
    "weak-noise": "The clients' noise is not sized for as many adversaries as this client expects.",
    "too-much-noise": "The noise is so strong that nothing could be learned from the sum.",
    "weak-persons": "The promise holds for a person at fewer clients than this one insists on.",
    "false-promise": "The noise of this sum alone does not keep the epsilon that is promised.",
    "too-often": "This client has contributed as often today as it may.",
    "second-exact-run": "Two runs with exact sums would tell what this client sent.",
    "spent": "All releases together would cost more epsilon than this client gives.",
}


def _refuse_if(wrong: bool, code: str) -> None:  # noqa: FBT001 - reads as a sentence
    if wrong:
        raise ProtocolError(code, _SENTENCES[code])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)


def _check_names(what: str, names: object, known: tuple[str, ...]) -> None:
    fits = isinstance(names, tuple) and all(name in known for name in names)
    _check(fits, f"The guard's {what} are among {', '.join(known)}.")


def _check(condition: object, sentence: str) -> None:
    if not condition:
        raise ConfigError(sentence)
