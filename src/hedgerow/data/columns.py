"""Which column of a table holds what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from hedgerow.errors import DataError

ALIASES = {
    "user_id": ("user", "userid", "customer", "customerid", "visitorid", "subjectid", "patientid"),
    "item_id": ("item", "itemid", "movieid", "product", "productid", "stockcode", "drug", "sku"),
    "timestamp": ("datetime", "date", "time", "invoicedate", "startdate", "ts"),
    "weight": (),
    "value": (),
}
"""Names tried where no name is given, compared without case, blanks and underscores."""

REQUIRED = ("user_id", "item_id", "timestamp")


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns; None means: look for the usual names.

    Parameters
    ----------
    user_id, item_id, timestamp
        Required columns.
    weight
        How much an interaction counts (0 or more); optional.
    value
        Money or another worth of the interaction; optional.
    attributes
        Further columns that describe the user (country, hospital, age); the first value of each
        user is kept, for instance to group users into silos.
    """

    user_id: str | None = None
    item_id: str | None = None
    timestamp: str | None = None
    weight: str | None = None
    value: str | None = None
    attributes: Sequence[str] = ()

    def resolve(self, present: Sequence[str]) -> dict[str, str]:
        """Map our names to the table's.

        Raises
        ------
        DataError
            A required or a named column is missing.
        """
        found: dict[str, str] = {}
        for role in (f.name for f in fields(self) if f.name != "attributes"):
            given: str | None = getattr(self, role)
            name = given if given is not None else _guess(role, present)
            if given is not None and given not in present:
                raise DataError(_missing(role, given, present))
            if name is not None:
                found[role] = name
            elif role in REQUIRED:
                raise DataError(_missing(role, role, present))
        if len(set(found.values())) < len(found):
            raise DataError("One column cannot hold two things; name a column for each.")
        for attribute in self.attributes:
            if attribute not in present:
                have = _listed(present)
                raise DataError(f"There is no column {attribute!r}; the table has {have}.")
            found.setdefault(attribute, attribute)
        return found


def role_of(name: str) -> str | None:
    """Return what a column of a usual name holds; None for other names."""
    return next((role for role in ALIASES if _guess(role, [name])), None)


def _guess(role: str, present: Sequence[str]) -> str | None:
    if role in present:
        return role
    plain = {name.lower().replace("_", "").replace(" ", ""): name for name in reversed(present)}
    candidates = (role.replace("_", ""), *ALIASES[role])
    return next((plain[c] for c in candidates if c in plain), None)


def _missing(role: str, name: str, present: Sequence[str]) -> str:
    if list(present) == [str(number) for number in range(1, len(present) + 1)]:
        return (
            f"The table's first row holds values and no names; say which of its {len(present)} "
            "columns holds what, such as --columns user_id=1 --columns item_id=2 --columns "
            "timestamp=3."
        )
    return (
        f"There is no column {name!r} for the {role}; the table has {_listed(present)}. "
        f"Name the right one with --columns {role}=NAME."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(n[:40]) for n in list(names)[:12]) + " ..." * (len(names) > 12)
