"""For auditors: the privacy ledger, and the log of who did what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import func, select

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.secure.identity import public
from hedgerow.server.routes.access import At, needs
from hedgerow.server.routes.shapes import Every, Limit, Offset, Strict
from hedgerow.server.security import audit_chain, audit_log
from hedgerow.server.security.access import Permission, Principal
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines

router = APIRouter(prefix="/v1")

Auditor = Annotated[Principal, needs(Permission.READ_AUDIT_LOG)]


class ReleaseOut(Strict):
    """How a release was made noisy, see `hedgerow.privacy.releases.Release`."""

    mechanism: str
    multiplier: float
    sensitivity: float
    size: int
    clients: int


class EntryOut(Strict):
    """A release that was charged, see `hedgerow.privacy.ledger.Entry`."""

    account: str
    name: str
    step: str
    unit: str
    clients_per_person: int
    noise_by: str
    secure: str
    release: ReleaseOut
    clip: float
    sigma: float
    delta: float
    epsilon: float
    sampling: str
    accountant: str
    at: str
    previous: str


class LedgerOut(Strict):
    """The ledger's entries, oldest first; its chain of hashes is whole, or there is an error."""

    entries: list[EntryOut]
    total: int


class LineOut(Strict):
    """A line of the audit log; ``at`` is in milliseconds since 1970."""

    number: int
    at: int
    who: str
    what: str
    on: str
    outcome: str
    previous: str


class HeadOut(Strict):
    """The coordinator's word on which line is the newest."""

    number: int
    hash: str
    signature: str


class AuditLogOut(Strict):
    """Lines of the audit log by number, and its head; null before the first line."""

    lines: list[LineOut]
    head: HeadOut | None
    total: int


class CheckedOut(Strict):
    """Whether the audit log is whole from its first line to its signed head, and if not, why."""

    whole: bool
    lines: int
    head: HeadOut | None
    problem: str | None


@router.get("/ledger")
def ledger(
    site: At,
    _: Annotated[Principal, needs(Permission.READ_LEDGER)],
    account: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    every: Every = 1,
) -> LedgerOut:
    """Show what privacy has been spent, of all accounts or of one, such as ``task shop``."""
    kept = Ledger(DatabaseLines(site.service.database))
    found = kept.entries if account is None else kept.of(account)
    chosen = found[::every][offset : offset + limit]
    page = [EntryOut.model_validate(asdict(entry)) for entry in chosen]
    return LedgerOut(entries=page, total=len(found))


@router.get("/audit-log")
def audit_lines(
    site: At,
    _: Auditor,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, lt=2**31, description="Lines up to it are left out.")] = 0,
) -> AuditLogOut:
    """Show who did what, from some line on, with the signed head."""
    lines = tables.audit_lines
    page = select(lines.c.line).where(lines.c.number > after).order_by(lines.c.number).limit(limit)
    with site.service.database.read() as connection:
        head = audit_log.head(connection)
        total = connection.scalar(select(func.count()).select_from(lines)) or 0
        found = [bytes(line) for line in connection.scalars(page)]
    read = [audit_chain.read(audit_chain.Line, line, "A line") for line in found]
    return AuditLogOut(
        lines=[LineOut(**asdict(line)) for line in read], head=_head(head), total=total
    )


@router.get("/audit-log/check")
def check(site: At, _: Auditor) -> CheckedOut:
    """Check the audit log from end to end.

    Whether it is the newest shows only against a head that was kept elsewhere.
    """
    with site.service.database.read() as connection:
        try:
            head = audit_log.head(connection)
            found = [bytes(line) for line in audit_log.lines(connection)]
        except ProtocolError as problem:
            return CheckedOut(whole=False, lines=0, head=None, problem=str(problem))
    if head is None:
        problem_of = "The audit log has lines and no signed head." if found else None
        return CheckedOut(whole=not found, lines=len(found), head=None, problem=problem_of)
    try:
        audit_chain.verify(found, head, public(site.service.keys.coordinator))
    except ProtocolError as problem:
        return CheckedOut(whole=False, lines=len(found), head=_head(head), problem=str(problem))
    return CheckedOut(whole=True, lines=len(found), head=_head(head), problem=None)


def _head(head: audit_chain.Head | None) -> HeadOut | None:
    return None if head is None else HeadOut(**asdict(head))
