"""The first page: what needs attention, what goes on now, and how the tasks stand."""

from __future__ import annotations

from fastapi import Response

from hedgerow.server.console import alerts, live
from hedgerow.server.console.budgets import promise_of
from hedgerow.server.console.view import View
from hedgerow.server.operations.conditions import PAGE
from hedgerow.server.routes import catalogs, clients, tasks
from hedgerow.server.security.access import Permission
from hedgerow.server.security.enrolment import ClientKind

MOST_TASKS = 20


def show(view: View) -> Response:
    """Show how the federation stands."""
    found = tasks.listed(view.site, view.who, limit=MOST_TASKS)
    holding = [(rule, one) for rule, some in alerts.look(view) for one in some]
    people = None
    if view.may(Permission.READ_CLIENTS):
        silos, devices = (
            clients.listed(view.site, view.who, limit=1, kind=kind).active
            for kind in (ClientKind.SILO, ClientKind.DEVICE)
        )
        people = {"silos": silos, "devices": devices}
    return view.page(
        "overview.html",
        tasks=found.tasks,
        total=found.total,
        promises={one.task.name: promise_of(one.budget) for one in found.tasks},
        holding=sorted(holding, key=lambda pair: pair[0].severity != PAGE),
        people=people,
        catalogs=catalogs.listed(view.site, view.who, limit=1).catalogs,
        live=live.part(view),
    )
