"""A run: how far it is, and its rounds as charts and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from hedgerow.server.console import charts
from hedgerow.server.console.charts import Chart, Column, Level, thinned_note
from hedgerow.server.console.csv_files import Cell, csv_file, paged
from hedgerow.server.console.pages import PREFIX
from hedgerow.server.console.rendering import count, iso, size, span
from hedgerow.server.console.rounds import seconds_of, sum_of
from hedgerow.server.console.view import CHART_POINTS, Turn, View, every
from hedgerow.server.routes import runs
from hedgerow.server.routes.runs import RoundOut

HEAD = (
    *("round", "purpose", "step", "attempt", "phase", "failure", "mode", "minimum", "wanted"),
    *("came", "counted", "lost", "refused", "bytes", "seconds", "begun", "changed"),
)

ENOUGH = 3
"""Rounds from which on charts say more than the table."""


def show(view: View) -> Response:
    """Show a run."""
    found = runs.run(view.name, view.site, view.who)
    total = runs.rounds(view.name, view.site, view.who, limit=1).total
    turn = Turn.asked(view, total)
    page = runs.rounds(view.name, view.site, view.who, limit=turn.rows, offset=turn.offset)
    drawn = _charts(view, total) if total >= ENOUGH else []
    return view.page(
        "run.html", task=found.task, run=found.run, rounds=page.rounds, turn=turn, charts=drawn
    )


def download(view: View) -> Response:
    """Return all rounds of a run as CSV, newest first."""
    found = runs.run(view.name, view.site, view.who)

    def read(limit: int, offset: int) -> Sequence[Sequence[Cell]]:
        page = runs.rounds(view.name, view.site, view.who, limit=limit, offset=offset)
        return [_cells(one) for one in page.rounds]

    return csv_file(f"hedgerow-{found.run.release.replace('/', '-')}-rounds", HEAD, paged(read))


def _charts(view: View, total: int) -> list[Chart]:
    step = every(total)
    found = runs.rounds(view.name, view.site, view.who, limit=CHART_POINTS, every=step)
    rounds = found.rounds[::-1]
    numbers = [total - number * step for number in range(len(rounds))][::-1]
    first = Column("Round", charts.X, numbers, [str(number) for number in numbers])
    note, link = thinned_note(step, "rounds"), f"{PREFIX}/runs/{view.name}/rounds.csv"
    counted, came = [one.counted for one in rounds], [one.came for one in rounds]
    quorum = next((one.minimum for one in found.rounds if one.minimum is not None), None)
    seconds, sent = [seconds_of(one) for one in rounds], [one.bytes for one in rounds]
    sums = Column("Sum", charts.SHOWN, [None] * len(rounds), [sum_of(one) for one in rounds])
    return [
        Chart(
            "clients",
            "Clients by round",
            f"{count(min(came))} to {count(max(came))} clients came to a round.",
            [
                first,
                Column("Came", charts.LINE, came, [count(v) for v in came], "pooled"),
                Column("In the sum", charts.LINE, counted, [count(v) for v in counted],
                       "federated"),
                sums,
            ],
            link,
            "clients",
            [Level("quorum", quorum, "bad")] if quorum is not None else [],
            note,
            from_zero=True,
        ),
        Chart(
            "seconds",
            "Time by round",
            f"Rounds took {span(min(seconds))} to {span(max(seconds))}.",
            [first, Column("Seconds", charts.LINE, seconds, [f"{v:.2f}" for v in seconds],
                           "federated"), sums],
            link,
            "seconds",
            (),
            note,
            from_zero=True,
        ),
        Chart(
            "bytes",
            "Bytes by round",
            f"Clients sent {size(min(sent))} to {size(max(sent))} in a round.",
            [first, Column("Bytes", charts.LINE, sent, [size(v) for v in sent], "federated"), sums],
            link,
            "bytes that clients sent",
            (),
            note,
            from_zero=True,
        ),
    ]  # fmt: skip


def _cells(one: RoundOut) -> Sequence[Cell]:
    return (
        *(one.id, one.purpose, one.step, one.attempt, one.phase, one.failure, one.mode),
        *(one.minimum, one.wanted, one.came, one.counted, one.lost, one.refused, one.bytes),
        *(round(seconds_of(one), 3), iso(one.created), iso(one.changed)),
    )
