"""Consent: what a person, or a silo's operator, has agreed to; nothing until they have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from hedgerow.client.database import Clock, LocalDatabase
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation.ask import EVALUATION, NORMS, STEP

TRAIN, MEASURE, RECOMMEND = "train", "measure", "recommend"

PURPOSES: Mapping[str, str] = {
    TRAIN: "to help train a model",
    MEASURE: "to help measure how good a model is",
    RECOMMEND: "to be recommended to, at this client",
}
"""What can be agreed to, and what it means."""

_NEEDED = {STEP: TRAIN, NORMS: TRAIN, EVALUATION: MEASURE, RECOMMEND: RECOMMEND}


def needed_for(purpose: str) -> str:
    """Return which consent a sum needs.

    Parameters
    ----------
    purpose
        Of an `Ask` (``step``, ``norms``, ``evaluation``), or ``recommend``.

    Raises
    ------
    ProtocolError
        ``other-purpose``: nobody can agree to what is unknown.
    """
    if purpose not in _NEEDED:
        raise ProtocolError("other-purpose", "A sum is for a purpose that this client lacks.")
    return _NEEDED[purpose]


@dataclass(frozen=True)
class Consent:
    """One agreement.

    Parameters
    ----------
    purpose
        One of `PURPOSES`.
    who
        Who agreed.
    at
        When, in seconds since 1970.
    version
        Of the text that they agreed to.
    """

    purpose: str
    who: str
    at: float
    version: str


@dataclass(frozen=True)
class Consents:
    """All that is agreed to at one moment, by purpose."""

    given: Mapping[str, Consent] = field(default_factory=dict)

    def allow(self, purpose: str) -> bool:
        """Return whether one of `PURPOSES` is agreed to."""
        return purpose in self.given

    def require(self, purpose: str) -> None:
        """Refuse what nobody agreed to.

        Raises
        ------
        ProtocolError
            ``no-consent``.
        """
        if not self.allow(purpose):
            raise ProtocolError("no-consent", f"Nobody here has agreed {PURPOSES[purpose]}.")


class ConsentBook:
    """Agreements and withdrawals, kept in the order they were made.

    Parameters
    ----------
    database
        Where they are. It is asked anew each time, so that a withdrawal takes effect at once, also
        one from another process.
    clock
        Gives the time.
    """

    def __init__(self, database: LocalDatabase, clock: Clock = time.time) -> None:
        self._database, self._clock = database, clock

    def give(self, purpose: str, who: str, version: str) -> None:
        """Note that someone agrees, in place of what was agreed before.

        Raises
        ------
        ConfigError
            The purpose is unknown, or nobody or no text is named.
        """
        if not who or not version:
            raise ConfigError("A consent names who agrees, and the version of the text.")
        self._note(purpose, who, version, given=True)

    def withdraw(self, purpose: str, who: str) -> None:
        """Note that someone no longer agrees; it counts from now on.

        Raises
        ------
        ConfigError
            The purpose is unknown.
        """
        self._note(purpose, who, "", given=False)

    def now(self) -> Consents:
        """Return what is agreed to now."""
        found: dict[str, Consent] = {}
        for consent, given in self.log():
            found.pop(consent.purpose, None)
            if given:
                found[consent.purpose] = consent
        return Consents(found)

    def log(self) -> list[tuple[Consent, bool]]:
        """Return every agreement (True) and withdrawal (False), oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT purpose, who, at, version, given FROM consents ORDER BY seq"
            ).fetchall()
        return [(Consent(*row[:4]), bool(row[4])) for row in rows]

    def _note(self, purpose: str, who: str, version: str, *, given: bool) -> None:
        if purpose not in PURPOSES:
            raise ConfigError(f"Consent is to one of {', '.join(PURPOSES)}, not {purpose!r}.")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO consents (purpose, given, who, at, version) VALUES (?, ?, ?, ?, ?)",
                (purpose, given, who, self._clock(), version),
            )
