"""Publish: charge the release, open the sum, and let the run go on from what it tells.

All that follows from a sum is written in one transaction with the round's end, under its lease: a
run moves on by one sum or not at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select, update

from hedgerow.federation.ask import EVALUATION, NORMS
from hedgerow.federation.charging import charge
from hedgerow.models.expected import settled
from hedgerow.models.file import ModelFile
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.secure.session import PAIRWISE
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.rounds import report, unmask
from hedgerow.server.rounds.closing import Published
from hedgerow.server.rounds.record import FINISHED, PUBLISH, LeaseLostError, move, note_closing
from hedgerow.server.rounds.work import Opened, Work
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.registry import UNMEASURED
from hedgerow.server.tasks.runs import Run, account_of, load_run
from hedgerow.statistics import Statistics


@dataclass(frozen=True)
class Learned:
    """What a sum told.

    Parameters
    ----------
    run
        As it goes on.
    quality
        Of the model that was judged; None where none was.
    """

    run: Run
    quality: dict[str, float] | None = None


def publish(work: Work) -> None:
    """Open the round's sum and end the round.

    Raises
    ------
    ProtocolError
        The sum does not open.
    PolicyError
        The release would overspend.
    LeaseLostError
        Another replica has taken the round over.
    """
    service, current = work.service, work.round
    with service.database.read() as connection:
        run = load_run(connection, current.run)
    if current.ask is None or current.ask.setting.model.hex() != run.state:
        raise LeaseLostError("The run has gone on without this round.")
    artefacts = Artefacts(service.blobs)
    model = artefacts.load(run.state)
    _charge(work, run, model)
    if work.opened is None:
        # Once: the protocol forgets what it opened, and noise is not drawn anew.
        work.opened = unmask.open_sum(work) if current.mode == PAIRWISE else report.open_sum(work)
    opened = work.opened
    learned = _learn(work, run, model, opened, artefacts)
    members = sorted(opened.inclusions, key=lambda name: opened.inclusions[name].position)
    published = Published(
        opened.receipt,
        tuple(members),
        tuple([opened.inclusions[name] for name in members]),
        bytes.fromhex(learned.run.state),
    )
    now, runs, models = service.clock(), tables.runs, tables.models
    with service.database.write() as connection:
        move(connection, current, FINISHED, now, stats={"contributors": len(members)})
        note_closing(connection, current.id, PUBLISH, to_wire(published))
        connection.execute(update(runs).where(runs.c.id == run.id).values(learned.run.values(now)))
        if learned.run.state != run.state:
            known = select(models.c.hash).where(
                models.c.hash == learned.run.state, models.c.run == run.id
            )
            if connection.execute(known).first() is None:
                connection.execute(
                    models.insert().values(
                        hash=learned.run.state,
                        run=run.id,
                        task=run.task_id,
                        step=learned.run.step,
                        quality=UNMEASURED,
                        created=now,
                    )
                )
        if learned.quality is not None:
            judged = update(models).where(models.c.hash == run.state, models.c.run == run.id)
            connection.execute(judged.values(quality=json.dumps(learned.quality)))


def _charge(work: Work, run: Run, model: ModelFile) -> None:
    setting, step = work.ask.setting, work.ask.step(model.recipe, model.state)
    sensitivity, size = setting.sensitivity, setting.quantizer.size
    charge(
        Ledger(DatabaseLines(work.service.database)),
        account_of(run.task),
        policy=run.policy,
        plan=run.plan,
        step=step.name,
        noise=setting.noise,
        release=run.plan.release(setting.noise.multiplier, sensitivity, size),
        shared=True,
    )


def _learn(work: Work, run: Run, model: ModelFile, opened: Opened, artefacts: Artefacts) -> Learned:
    """Return what follows from the sum."""
    values, sigma = work.ask.setting.opened(opened.sums, len(opened.inclusions))
    step = work.ask.step(model.recipe, model.state)
    total: Statistics = replace(step.schema.unflatten(np.asarray(values)), noise=sigma)
    found = step.update(total)
    if work.round.purpose == NORMS:
        return Learned(run.clipped_at(float(found)))
    if work.round.purpose == EVALUATION:
        quality = {**found.values, "users": found.users, "deviation": found.deviation}
        return Learned(run.measured(), quality)
    state = artefacts.put(replace(model, state=settled(model.recipe, found, len(model.ids))))
    return Learned(run.moved_to(state))
