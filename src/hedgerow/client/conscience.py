"""A client's conscience: its guard, its people's consent and its journal, asked together."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.client.consent import needed_for
from hedgerow.client.guard import Guard, cost_of
from hedgerow.client.journal import MASKED, REPORTED, REVEALED, answered_before
from hedgerow.client.store import Store
from hedgerow.federation.ask import Ask
from hedgerow.models.base import Recipe
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms


@dataclass(frozen=True)
class LocalConscience:
    """What a client insists on, and remembers of what it has taken part in.

    Parameters
    ----------
    guard
        What it insists on.
    store
        Where consent and the journal are.
    """

    guard: Guard
    store: Store

    def agree(self, ask: Ask, terms: Terms) -> Floor:
        """Return the floor of a secured sum, or refuse to take part.

        Raises
        ------
        ProtocolError
            See `Guard.check`.
        """
        self.guard.check(ask, terms, self.store.consents.now(), self.store.journal)
        return self.guard.floor()

    def accept(self, recipe: Recipe) -> None:
        """Refuse a model that this client does not help train.

        Raises
        ------
        ProtocolError
            See `Guard.check_model`.
        """
        self.guard.check_model(recipe)

    def claim(self, ask: Ask, session: bytes) -> None:
        """Note lastingly, before a history is opened, that a release is answered in a session.

        Consent and budget are looked at once more, at one moment with the note, so that of two
        rounds at a time none overspends. A report of split mode is all that is ever sent, so that
        the release counts as answered.

        Raises
        ------
        ProtocolError
            ``answered-before``: in another session; or see `Guard.check_standing`.
        """
        journal = self.store.journal
        with self.store.transaction():
            self.guard.check_standing(ask, self.store.consents.now(), journal)
            claimed = journal.claim(
                ask.release, session, task=ask.task, purpose=ask.purpose, cost=cost_of(ask)
            )
            if not claimed:
                raise answered_before()
            if ask.policy.secure == SPLIT:
                journal.settle(ask.release, session, REPORTED)

    def kept(self, session: bytes, kind: str) -> bytes | None:
        """Return a message that was about to be sent before a crash; None where there is none."""
        return self.store.journal.outgoing(session, kind)

    def keep(self, session: bytes, kind: str, body: bytes) -> None:
        """Keep a message that is about to be sent, so that no other is sent in its place."""
        self.store.journal.put_outgoing(session, kind, body)

    def commit(self, ask: Ask, session: bytes) -> None:
        """Note lastingly that a vector is about to be sent, which others may then open.

        Raises
        ------
        ProtocolError
            ``answered-before``: in another session. ``no-consent``: it was withdrawn meanwhile.
        """
        with self.store.transaction():
            self.store.consents.now().require(needed_for(ask.purpose))
            self.store.journal.settle(ask.release, session, MASKED)

    def record(self, ask: Ask, session: bytes, answer: bytes) -> None:
        """Note lastingly that what opens a sum is about to be sent.

        Raises
        ------
        ProtocolError
            ``answered-before``: in another session. ``already-answered``: with something else.
        """
        self.store.journal.settle(ask.release, session, REVEALED, answer)
