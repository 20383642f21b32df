"""The journal of contributions: no contribution is ever in two sums, whatever crashes between."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from hedgerow.client.account import Account
from hedgerow.client.database import Clock, LocalDatabase
from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import run_of
from hedgerow.privacy.releases import Release, epsilon_spent

STARTED, MASKED, REVEALED, REPORTED = "started", "masked", "revealed", "reported"

_RANK = {STARTED: 0, MASKED: 1, REVEALED: 2, REPORTED: 2}
"""From `MASKED` on the sum may be opened, so the same release is answered in no other session."""


@dataclass(frozen=True)
class Answer:
    """How far a release was answered in one session.

    Parameters
    ----------
    release, task, purpose
        Which sum, of what, and for what.
    session
        The secured sum's name in hexadecimal.
    stage
        ``started``, ``masked``, ``revealed`` or ``reported``.
    at
        When it got there, in seconds since 1970.
    """

    release: str
    task: str
    purpose: str
    session: str
    stage: str
    at: float


class Journal:
    """What this client has contributed to, and what that has cost.

    Parameters
    ----------
    database
        Where it is written, lastingly before a method returns.
    account
        Where claims and answers are events that no old database can undo.
    clock
        Gives the time.
    """

    def __init__(self, database: LocalDatabase, account: Account, clock: Clock = time.time) -> None:
        self._database, self._account, self._clock = database, account, clock

    def claim(
        self, release: str, session: bytes, *, task: str, purpose: str, cost: Release | None = None
    ) -> bool:
        """Note, before anything is sent, that a release is answered in a session, and charge it.

        A release is charged once, however many sessions try to make it.

        Parameters
        ----------
        release
            The release's name.
        session
            The secured sum's, `sid`.
        task, purpose
            Of the sum.
        cost
            What the release costs; None without noise.

        Returns
        -------
        bool
            False if it may have been opened in another session already: then nothing is noted.

        Raises
        ------
        ProtocolError
            ``other-release``: it was claimed before for another task or with other noise.
        """
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT task, purpose, mechanism, multiplier FROM releases WHERE release = ?",
                (release,),
            ).fetchone()
            noise = (cost.mechanism, cost.multiplier) if cost else (None, None)
            if found and found != (task, purpose, *noise):
                raise ProtocolError(
                    "other-release", "A release was tried before for another task or noise."
                )
            if self._answered_elsewhere(release, session):
                return False
            parts = astuple(cost) if cost else (None,) * 5
            now = self._clock()
            # Of several sessions, the release is charged as the costliest.
            connection.execute(
                "INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET sensitivity = MIN(sensitivity, excluded.sensitivity),"
                " size = MAX(size, excluded.size), clients = MAX(clients, excluded.clients)",
                (release, task, purpose, now, *parts),
            )
            made = connection.execute(
                "INSERT INTO answers (release, session, stage, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (release, session.hex(), STARTED, now),
            )
            if made.rowcount:
                self._account.note(STARTED, release, session.hex(), task, purpose, *parts)
            self._account.follow()
        return True

    def settle(self, release: str, session: bytes, stage: str, record: bytes = b"") -> None:
        """Note that a sum may be opened from now on, before what opens it is sent.

        Parameters
        ----------
        release, session
            As claimed.
        stage
            ``masked`` (the vector is about to be sent), ``revealed`` (the shares are) or
            ``reported`` (the report of split mode is); an earlier one than noted changes nothing.
        record
            What is about to be sent, of which there is one in a session.

        Raises
        ------
        ProtocolError
            ``not-claimed``; ``answered-before``: in another session; ``already-answered``: with
            another record.
        """
        name = session.hex()
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT stage, record FROM answers WHERE release = ? AND session = ?",
                (release, name),
            ).fetchone()
            if found is None:
                raise ProtocolError("not-claimed", "A release is claimed before it is answered.")
            if self._answered_elsewhere(release, session):
                raise answered_before()
            known, kept = found
            if kept and record and kept != record:
                raise ProtocolError(
                    "already-answered", "This client has given another answer in this session."
                )
            later = max(known, stage, key=_RANK.__getitem__)
            if known == STARTED:
                self._account.note(later, release, name)
            self._account.follow()
            connection.execute(
                "UPDATE answers SET stage = ?, record = ?, at = ?"
                " WHERE release = ? AND session = ?",
                (later, record or kept, self._clock(), release, name),
            )

    def record(self, release: str, session: bytes) -> bytes | None:
        """Return what `settle` recorded in a session; None before."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT record FROM answers WHERE release = ? AND session = ?",
                (release, session.hex()),
            ).fetchone()
        return found[0] if found else None

    def answers(self) -> list[Answer]:
        """Return all that was claimed, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT release, task, purpose, session, stage, answers.at"
                " FROM answers JOIN releases USING (release) ORDER BY answers.rowid"
            ).fetchall()
        return [Answer(*row) for row in rows]

    def charges(self, besides: str | None = None) -> list[Release]:
        """Return what the releases of all tasks cost, but for one of them."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT mechanism, multiplier, sensitivity, size, clients FROM releases"
                " WHERE release IS NOT ? AND mechanism IS NOT NULL ORDER BY rowid",
                (besides,),
            ).fetchall()
        return [Release(*row) for row in rows]

    def spent(self, delta: float) -> float:
        """Return the epsilon of all that was claimed."""
        return epsilon_spent(self.charges(), delta)

    def exact_runs(self) -> set[str]:
        """Return the runs of which an exact sum, without noise, was claimed."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT release FROM releases WHERE mechanism IS NULL")
            return {run_of(release) for (release,) in rows}

    def begun_within(self, seconds: float, besides: str | None = None) -> int:
        """Return how many releases were first claimed in the last so many seconds."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT COUNT(*) FROM releases WHERE at > ? AND release IS NOT ?",
                (self._clock() - seconds, besides),
            ).fetchone()
        return int(found[0])

    def put_outgoing(self, session: bytes, kind: str, body: bytes) -> None:
        """Keep a message before it is sent, so that after a crash the same bytes are sent again.

        Raises
        ------
        ProtocolError
            ``already-sent``: another message of this kind is kept for the session.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO outgoing VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (session.hex(), kind, body),
            )
            if self.outgoing(session, kind) != body:
                raise ProtocolError("already-sent", f"Another {kind} was sent in this session.")

    def outgoing(self, session: bytes, kind: str) -> bytes | None:
        """Return a message that was kept; None where there is none."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT body FROM outgoing WHERE session = ? AND kind = ?", (session.hex(), kind)
            ).fetchone()
        return found[0] if found else None

    def drop_outgoing(self, session: bytes) -> None:
        """Let go of a session's messages, once it is over."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM outgoing WHERE session = ?", (session.hex(),))

    def _answered_elsewhere(self, release: str, session: bytes) -> bool:
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT 1 FROM answers WHERE release = ? AND session <> ? AND stage <> ?",
                (release, session.hex(), STARTED),
            ).fetchone()
        return found is not None


def answered_before() -> ProtocolError:
    """Return the refusal to put a contribution into a second sum."""
    return ProtocolError(
        "answered-before", "This client has answered for this release in another session."
    )
