"""Reports: in split mode clients send one message each, which the helper judges, too."""

from __future__ import annotations

from functools import partial

from sqlalchemy import update

from hedgerow.errors import ProtocolError
from hedgerow.federation.setting import SERVERS, stream_of
from hedgerow.privacy import gaussian
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.session import sid
from hedgerow.privacy.secure.split.coordinator import Coordinator
from hedgerow.privacy.secure.split.messages import Report, report_id
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.helper.link import HelperLink
from hedgerow.server.rounds.asking import invitation
from hedgerow.server.rounds.work import Opened, Work
from hedgerow.server.storage import tables
from hedgerow.server.storage.used_reports import DatabaseUsedReports
from hedgerow.server.tasks.runs import Population, load_run

KIND = "report"

AT_ONCE = 64
"""How many reports are in memory at a time, with their words, before they are settled."""


def take(work: Work, client: bytes, body: bytes) -> None:
    """Take a report, which then waits for the helper's verdict."""
    coordinator(work).receive(from_wire(Report, body), client)


def judge(work: Work) -> None:
    """Have the helper judge what waits; take out what it refuses.

    Raises
    ------
    ProtocolError
        The helper refuses the sum.
    StorageError
        It is away; what waits waits on.
    """
    server, link = coordinator(work), helper(work)
    if not work.begun:
        link.begin(work.ask, work.terms)
        work.begun = True
    forward = server.forward()
    names = {report_id(work.terms, client): client for client in work.taken}
    while forward is not None:
        answer = link.judge(forward)
        server.settle(answer)
        for refusal in answer.verdicts.refused:
            client = names[refusal.report]
            del work.taken[client]
            _note_refusal(work, client, refusal.code)
        forward = server.forward()


def settle_again(work: Work) -> None:
    """Take in the reports of a phase that has ended: all of them had been accepted."""
    server = coordinator(work)
    while (forward := server.forward()) is not None:
        server.settle_again([signed.envelope.report for signed in forward.envelopes])


def enough(work: Work) -> bool:
    """Return whether no more reports are waited for."""
    with work.service.database.read() as connection:
        run = load_run(connection, work.round.run)
        enrolled = len(Population.of(connection).users)
    return len(work.taken) >= min(run.task.clients or enrolled, enrolled)


def close(work: Work) -> None:
    """End the phase, if enough have come; the sum is opened when it has been charged."""
    settle_again(work)
    coordinator(work).collect()


def open_sum(work: Work) -> Opened:
    """Agree on the set with the helper, and open the sum.

    Raises
    ------
    ProtocolError
        What `Coordinator.collect`, `Coordinator.open` and the helper raise.
    """
    server = coordinator(work)
    answer = helper(work).collect(server.collect())
    outcome = server.open(answer)
    names = {report_id(work.terms, client): client for client in work.taken}
    proofs = {names[report]: proof for report, proof in outcome.inclusions.items()}
    return Opened(outcome.sums, outcome.receipt, proofs)


def told(work: Work, _client: bytes) -> bytes:
    """Tell a client what is asked."""
    return invitation(work)


def coordinator(work: Work) -> Coordinator:
    """Return the protocol's coordinator."""
    if work.split is None:
        ask, terms, service = work.ask, work.terms, work.service
        with service.database.read() as connection:
            seed = load_run(connection, work.round.run).task.noise_seed
        stream = Stream.secret() if seed is None else stream_of(seed, ask.release, SERVERS[0])
        work.split = Coordinator(
            terms,
            service.keys.servers,
            service.keys.authority,
            service.keys.coordinator,
            used=DatabaseUsedReports(service.database, SERVERS[0], sid(terms).hex()),
            noise=partial(gaussian.integers, stream, sigma=ask.setting.deviation),
        )
    return work.split


def helper(work: Work) -> HelperLink:
    """Return the other server."""
    if work.service.helper is None:
        raise ProtocolError("no-helper", "Split mode takes a helper; give its address.")
    return work.service.helper


def _note_refusal(work: Work, client: bytes, code: str) -> None:
    messages = tables.messages
    with work.service.database.write() as connection:
        connection.execute(
            update(messages)
            .where(
                messages.c.round == work.round.id,
                messages.c.client == client.hex(),
                messages.c.kind == KIND,
            )
            .values(refused=code)
        )
