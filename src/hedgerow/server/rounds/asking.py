"""What a round asks of its clients, once it is known how many they are."""

from __future__ import annotations

from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask, step_of
from hedgerow.federation.invitation import Invitation
from hedgerow.federation.setting import Noise, Setting
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.rounds.work import Work
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import Run, Wanted

RETRIED = "~"
"""Between a release's name and the number of the attempt, where an earlier attempt came so far that
it might have been opened: clients answer once under each name, so the next one has a new name."""


def make_ask(run: Run, wanted: Wanted, name: str, size: int, counts: tuple[int, int]) -> Ask:
    """Return what clients are asked.

    Parameters
    ----------
    run, wanted
        Which sum.
    name
        Of the release.
    size
        Values in a term.
    counts
        The most units of privacy, and the most clients in the sum.
    """
    task = run.task
    noise = Noise(name, wanted.noise.bound, wanted.noise.multiplier)
    setting = Setting.of(run.policy, noise, size, [counts], bytes.fromhex(run.state))
    return Ask(
        task=task.name,
        purpose=wanted.purpose,
        recipe=task.recipe.name,
        delta=run.plan.delta,
        k=task.k,
        repeats=task.repeats,
        held_out=task.measure != "none",
        setting=setting,
    )


def size_of(run: Run, wanted: Wanted, artefacts: Artefacts) -> int:
    """Return how many values a term of a sum has."""
    model, task = artefacts.load(run.state), run.task
    step = step_of(
        model.recipe,
        model.state,
        wanted.purpose,
        private=run.policy.private,
        k=task.k,
        repeats=task.repeats,
    )
    return step.schema.size


def invitation(work: Work) -> bytes:
    """Return what a client is told when it takes part."""
    return to_wire(Invitation(work.ask.to_json().encode(), work.terms))


def place(work: Work, client: bytes) -> int:
    """Return a client's position in the roster.

    Raises
    ------
    ProtocolError
        ``not-in-this-round``.
    """
    found = work.places.get(client)
    if found is None:
        raise ProtocolError("not-in-this-round", "This client is not in this round.")
    return found
