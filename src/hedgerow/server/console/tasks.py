"""Tasks: what is learned, when the next runs begin, and how they are paused and stopped."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from hedgerow.privacy.wording import exact_sums
from hedgerow.server.console.budgets import promise_of
from hedgerow.server.console.csv_files import Cell, csv_file, paged
from hedgerow.server.console.models import standing
from hedgerow.server.console.quality import quality_chart
from hedgerow.server.console.rendering import iso
from hedgerow.server.console.view import Turn, View
from hedgerow.server.routes import runs, tasks
from hedgerow.server.security.access import Permission
from hedgerow.server.tasks.schedule import CONTINUOUS, ONCE

HEAD = (
    *("run", "status", "release", "step", "steps", "measured", "evaluations", "epsilon"),
    *("model", "note", "created", "changed"),
)

ROWS = 20
"""Runs on one page."""

TASKS = 50


def listed(view: View) -> Response:
    """Show the tasks."""
    turn = Turn.asked(view, tasks.listed(view.site, view.who, limit=1).total, TASKS)
    found = tasks.listed(view.site, view.who, limit=TASKS, offset=turn.offset).tasks
    promises = {one.task.name: promise_of(one.budget) for one in found}
    return view.page("tasks.html", tasks=found, turn=turn, promises=promises)


def show(view: View) -> Response:
    """Show a task."""
    found = tasks.show(view.name, view.site, view.who)
    body = found.task.task()
    turn = Turn.asked(view, found.begun, ROWS)
    page = runs.of_task(view.name, view.site, view.who, limit=ROWS, offset=turn.offset)
    sees = view.may(Permission.READ_QUALITY)
    return view.page(
        "task.html",
        task=found,
        promise=promise_of(found.budget),
        beware=exact_sums(body.policy, body.runs, body.schedule),
        runs=page.runs,
        turn=turn,
        going=bool(found.runs) and found.runs[0].status == "running",
        schedule=_schedule(found.task.schedule),
        standing=standing(view, found) if sees else None,
        chart=quality_chart(view, found) if sees else None,
    )


def download(view: View) -> Response:
    """Return all runs of a task as CSV, newest first."""

    def read(limit: int, offset: int) -> Sequence[Sequence[Cell]]:
        page = runs.of_task(view.name, view.site, view.who, limit=limit, offset=offset)
        return [_cells(one) for one in page.runs]

    # Here, as an unknown task is told before the file begins.
    tasks.show(view.name, view.site, view.who)
    return csv_file(f"hedgerow-{view.name}-runs", HEAD, paged(read))


def pause(view: View) -> Response:
    """Begin nothing new."""
    tasks.pause(view.name, view.site, view.who)
    return view.go(f"/tasks/{view.name}")


def resume(view: View) -> Response:
    """Go on."""
    tasks.resume(view.name, view.site, view.who)
    return view.go(f"/tasks/{view.name}")


def stop(view: View) -> Response:
    """End the run that goes on, and its round."""
    runs.stop(view.name, view.site, view.who)
    return view.go(f"/tasks/{view.name}")


def _schedule(schedule: str) -> str:
    """Return a schedule in words."""
    known = {ONCE: "once", CONTINUOUS: "continuously, a run after the other"}
    return known.get(schedule, f"{schedule} (cron, UTC)")


def _cells(one: runs.RunOut) -> Sequence[Cell]:
    return (
        *(one.id, one.status, one.release, one.step, one.steps, one.measured, one.evaluations),
        *(one.epsilon, one.state, one.note, iso(one.created), iso(one.changed)),
    )
