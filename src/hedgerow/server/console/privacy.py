"""The privacy ledger: what was promised, what is spent, what is left, and every release."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from hedgerow.privacy.wording import per
from hedgerow.server.console import charts
from hedgerow.server.console.budgets import promise_of
from hedgerow.server.console.charts import Chart, Column, Level, thinned_note
from hedgerow.server.console.csv_files import Cell, csv_file, paged
from hedgerow.server.console.pages import PREFIX
from hedgerow.server.console.rendering import epsilon, power
from hedgerow.server.console.view import PAGE_ROWS, Turn, View, every
from hedgerow.server.routes import records, tasks
from hedgerow.server.routes.tasks import TaskOut
from hedgerow.server.tasks.runs import account_of

HEAD = (
    *("account", "release", "step", "epsilon_so_far", "delta", "unit"),
    *("clients_per_person", "mechanism", "noise_by", "multiplier", "clip", "sigma"),
    *("secure", "sampling", "accountant", "at"),
)

MOST_TASKS = 100


def show(view: View) -> Response:
    """Show the accounts of all tasks, and one of them with its releases."""
    listed = tasks.listed(view.site, view.who, limit=MOST_TASKS).tasks
    promises = [(one, promise_of(one.budget)) for one in listed]
    chosen = _chosen(listed, view.asked("task"))
    if chosen is None:
        return view.page("privacy.html", promises=promises, chosen=None)
    turn = Turn.asked(view, chosen.budget.releases)
    entries = _newest(view, chosen, turn)
    return view.page(
        "privacy.html",
        promises=promises,
        chosen=chosen,
        promise=promise_of(chosen.budget),
        entries=entries,
        turn=turn,
        chart=_chart(view, chosen) if chosen.budget.releases else None,
    )


def download(view: View) -> Response:
    """Return the ledger as CSV, of all accounts or of one task's."""
    name = view.asked("task")
    account = account_of(tasks.show(name, view.site, view.who).task.task()) if name else None

    def read(limit: int, offset: int) -> Sequence[Sequence[Cell]]:
        found = records.ledger(view.site, view.who, account, limit=limit, offset=offset)
        return [_cells(entry) for entry in found.entries]

    return csv_file("hedgerow-ledger", HEAD, paged(read))


def _chosen(listed: Sequence[TaskOut], name: str) -> TaskOut | None:
    """Return the task that was asked for, or the one that has released most."""
    named = [one for one in listed if one.task.name == name]
    most = sorted(listed, key=lambda one: -one.budget.releases)
    return next(iter(named or most), None)


def _newest(view: View, chosen: TaskOut, turn: Turn) -> list[records.EntryOut]:
    """Return a page of entries, newest first, where the ledger has them oldest first."""
    rows = min(PAGE_ROWS, turn.total - turn.offset)
    if not rows:
        return []
    offset = turn.total - turn.offset - rows
    account = account_of(chosen.task.task())
    return records.ledger(view.site, view.who, account, limit=rows, offset=offset).entries[::-1]


def _chart(view: View, chosen: TaskOut) -> Chart:
    name, budget = chosen.task.name, chosen.budget
    step = every(budget.releases)
    entries = records.ledger(
        view.site, view.who, account_of(chosen.task.task()), every=step
    ).entries
    numbers = [number * step + 1 for number in range(len(entries))]
    levels = [Level("promised", budget.promised, "bad")] if budget.promised is not None else []
    return Chart(
        "epsilon",
        "Epsilon spent by release",
        f"Epsilon of {name} grows to {epsilon(budget.spent)} over {budget.releases} releases.",
        [
            Column("Release", charts.X, numbers, [str(number) for number in numbers]),
            Column("Epsilon so far", charts.LINE, [entry.epsilon for entry in entries],
                   [epsilon(entry.epsilon) for entry in entries], "federated"),
            Column("For", charts.SHOWN, [None] * len(entries), [entry.step for entry in entries]),
        ],
        f"{PREFIX}/privacy.csv?task={name}",
        f"epsilon, delta {power(budget.delta)}, per {per(budget.unit, budget.clients_per_person)}",
        levels,
        thinned_note(step, "releases"),
        from_zero=True,
    )  # fmt: skip


def _cells(entry: records.EntryOut) -> Sequence[Cell]:
    release = entry.release
    return (
        *(entry.account, entry.name, entry.step, entry.epsilon, entry.delta, entry.unit),
        *(
            entry.clients_per_person,
            release.mechanism,
            entry.noise_by,
            release.multiplier,
            entry.clip,
            entry.sigma,
        ),
        *(entry.secure, entry.sampling, entry.accountant, entry.at),
    )
