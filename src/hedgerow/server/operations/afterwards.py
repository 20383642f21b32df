"""What has to be undone after a restore, so that no sum is opened twice.

After a backup was made, its coordinator went on. Clients answered, sums were opened, and privacy
was spent, of which the backup knows nothing. So that a restored server does no harm:

- Rounds that went on fail with the code `RESTORED`, as rounds whose sum may have been opened: the
  next attempt is another release, charged anew, with fresh keys and noise. Going on with one could
  open the same clients' terms a second time, with other noise or over another set, and the
  difference of two such sums is what a single client sent.
- Tasks are paused. The ledger lacks what was spent after the backup, so a person decides how to go
  on. Where rounds were lost as well, clients refuse to answer a release again that they answered.
- At a helper, the reports of sums that were not answered count as used.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, select, update

from hedgerow.server.rounds.record import FAILED, OVER, PUBLISH
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import insert_once
from hedgerow.server.tasks.registry import ACTIVE, PAUSED

RESTORED = "restored"
"""Why a round failed that went on when the backup was made."""


def end_rounds(connection: Connection, now: float) -> int:
    """End the rounds that went on; return how many."""
    rounds = tables.rounds
    query = select(rounds.c.id, rounds.c.stats).where(rounds.c.phase.not_in(OVER))
    going = connection.execute(query).all()
    for row in going:
        # As far as anybody can know it came to its end after the backup.
        stats = {**json.loads(row.stats), "failed_in": PUBLISH}
        values = {
            "phase": FAILED,
            "failure": RESTORED,
            "changed": now,
            "epoch": rounds.c.epoch + 1,
            "stats": json.dumps(stats),
        }
        connection.execute(update(rounds).where(rounds.c.id == row.id).values(values))
    connection.execute(update(rounds).values(owner=None, lease_until=0.0))
    return len(going)


def use_reports(connection: Connection) -> int:
    """Mark as used what a helper accepted for sums that it has not answered; return how many."""
    reports, sessions = tables.helper_reports, tables.helper_sessions
    query = (
        select(reports.c.report)
        .join(sessions, reports.c.session == sessions.c.session)
        .where(sessions.c.answer.is_(None))
    )
    rows = [
        {"role": "helper", "report": report, "session": RESTORED}
        for report in connection.scalars(query.distinct())
    ]
    return len(insert_once(connection, tables.used_reports, rows))


def end_sessions(connection: Connection) -> None:
    """End the console's sessions: some had ended before, and nobody can tell which."""
    connection.execute(delete(tables.console_sessions))


def pause_tasks(connection: Connection) -> tuple[str, ...]:
    """Pause the tasks that are active; return their names."""
    tasks = tables.tasks
    active = tasks.c.status == ACTIVE
    names = tuple(connection.scalars(select(tasks.c.name).where(active).order_by(tasks.c.name)))
    connection.execute(update(tasks).where(active).values(status=PAUSED))
    return names
