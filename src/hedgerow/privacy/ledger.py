"""The ledger: what privacy has been spent, by which releases, written down before each is made.

A file, or a database, of JSON lines to which lines are only ever added; each carries the SHA-256 of
the one before, so that a line that was changed or taken out is noticed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from hedgerow.errors import PolicyError
from hedgerow.privacy.ledger_lines import FileLines, Lines, MemoryLines
from hedgerow.privacy.releases import Release, epsilon_spent

NO_SAMPLING = "none: every release is charged in full"
"""The sampling assumption: no client draws a secret coin, so no amplification is claimed."""

TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "float": (int, float), "int": (int,)}
"""What JSON may hold where an entry's annotation says so."""

ALIKE = {
    "unit": "unit",
    "clients_per_person": "number of clients a person may be at",
    "delta": "delta",
}
"""In what the entries of one account are alike, and how people are told."""

SLACK = 1e-6
"""Of epsilon, what rounding in the accountant may add before a budget counts as overspent."""


@dataclass(frozen=True)
class Entry:
    """One release that was charged.

    Parameters
    ----------
    account
        Whose budget: all entries of one account add up.
    name
        Of the release within the account; the same name is the same release, charged once.
    step
        What was computed.
    unit
        ``user`` or ``silo``; one more or one less, with all its data.
    clients_per_person
        At how many clients a user may be, with a term at each, for epsilon to hold.
    noise_by
        Who makes the noise: the server, the clients or each of two servers.
    secure
        How the sum was secured.
    release
        Mechanism, noise multiplier and what else its accounting needs.
    clip
        L2 bound of one term.
    sigma
        Standard deviation of the noise in every value of the sum that the promise counts on.
    epsilon, delta
        What the account has spent, this release included.
    sampling
        What is assumed about who takes part.
    accountant
        Which program and version added up.
    at
        When it was charged, in UTC.
    previous
        SHA-256 of the line before; empty on the first.
    """

    account: str
    name: str
    step: str
    unit: str
    clients_per_person: int
    noise_by: str
    secure: str
    release: Release
    clip: float
    sigma: float
    delta: float
    epsilon: float = 0.0
    sampling: str = NO_SAMPLING
    accountant: str = ""
    at: str = ""
    previous: str = ""


@dataclass
class Ledger:
    """An append-only list of entries, kept in lines that outlast the program where asked for.

    Parameters
    ----------
    kept
        The lines, or the path of the file that has them; None keeps the entries in memory.

    Raises
    ------
    PolicyError
        The lines are damaged.
    """

    kept: Path | Lines | None = None
    entries: list[Entry] = field(default_factory=list, init=False)
    _last: str = field(default="", init=False)
    _lines: Lines = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kept is None:
            self._lines = MemoryLines()
        else:
            self._lines = FileLines(self.kept) if isinstance(self.kept, Path) else self.kept
        self.reload()

    def reload(self) -> None:
        """Read the lines, with what others may have added to them."""
        self.entries, self._last = [], ""
        for number, line in enumerate(self._lines.read(), 1):
            self.entries.append(self._checked(line, number))
            self._last = hashlib.sha256(line).hexdigest()

    def of(self, account: str) -> list[Entry]:
        """Return the entries of an account, oldest first."""
        return [entry for entry in self.entries if entry.account == account]

    def charge(self, entry: Entry, epsilon: float, *, shared: bool = False) -> None:
        """Write an entry down, with what is spent by then; the release may be made afterwards.

        A release of a name that the account has already been charged for is the same release
        again, as after a crash, and is not charged twice.

        Parameters
        ----------
        entry
            Its ``epsilon``, ``at`` and ``previous`` are filled in.
        epsilon
            What the account may spend in all.
        shared
            Others write to the same lines. Where one did so meanwhile, what he wrote is read and
            the entry judged anew; otherwise that is refused, since the plan did not know of it.

        Raises
        ------
        PolicyError
            It would overspend, or another has written; nothing was written.
        """
        while not self._charged(entry, epsilon):
            if not shared:
                raise PolicyError(
                    f"Another run has written to the ledger in {self._lines.place} since this one "
                    "began; nothing was released. Start again, so that what is left is planned "
                    "anew."
                )
            self.reload()

    def _charged(self, entry: Entry, epsilon: float) -> bool:
        """Write an entry down where no other has been written meanwhile; False where one has."""
        for known in self.entries:
            if (known.account, known.name) == (entry.account, entry.name):
                if (known.release, known.clip) == (entry.release, entry.clip):
                    return True
                raise PolicyError(
                    f"The release {entry.name} was made with other noise before; start a new run."
                )
        others = self.of(entry.account)
        for part, name in ALIKE.items():
            if any(getattr(known, part) != getattr(entry, part) for known in others):
                raise PolicyError(
                    f"The account has releases with another {name}, with which this one cannot be "
                    f"added up; promise the same {name}, or use another ledger."
                )
        before = [known.release for known in others]
        spent = epsilon_spent([*before, entry.release], entry.delta)
        if spent > epsilon * (1 + SLACK):
            raise PolicyError(
                f"The release {entry.step!r} would bring epsilon to {spent:.4g} where "
                f"{epsilon:.4g} is allowed; it was not made. Allow more, or stop here."
            )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = replace(entry, epsilon=spent, at=now, previous=self._last)
        line = (json.dumps(asdict(entry), separators=(",", ":")) + "\n").encode()
        if not self._lines.append(line, len(self.entries)):
            return False
        self.entries.append(entry)
        self._last = hashlib.sha256(line).hexdigest()
        return True

    def _checked(self, line: bytes, number: int) -> Entry:
        """Read a line and compare what it says of the line before."""
        try:
            values = json.loads(line)
            entry = Entry(**{**values, "release": Release(**values["release"])})
            _check_types(entry)
            _check_types(entry.release)
        except (ValueError, TypeError, KeyError) as error:
            raise PolicyError(
                f"Line {number} of the ledger cannot be read; restore {self._lines.place}."
            ) from error
        if entry.previous != self._last:
            raise PolicyError(
                f"The ledger was changed before line {number}; restore {self._lines.place}."
            )
        return entry


def _check_types(value: Entry | Release) -> None:
    """Refuse a number where a text belongs, or the other way round."""
    for f in fields(value):
        found = getattr(value, f.name)
        fits = TYPES.get(str(f.type), (Release,))
        if isinstance(found, bool) or not isinstance(found, fits):
            raise TypeError(f"{f.name} is {found!r}")
