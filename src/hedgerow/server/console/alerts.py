"""Alerts: what should be looked at now, by the rules of the alerts for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from hedgerow.server.console.csv_files import csv_file
from hedgerow.server.console.view import View
from hedgerow.server.operations import conditions
from hedgerow.server.operations.conditions import PAGE, Found, Rule


def look(view: View) -> Sequence[tuple[Rule, Sequence[Found]]]:
    """Return each rule with where it holds."""
    return conditions.look(view.site.service)


def show(view: View) -> Response:
    """Show what holds, and what is looked for."""
    rules = look(view)
    holding = [(rule, found) for rule, found in rules if found]
    return view.page(
        "alerts.html",
        holding=sorted(holding, key=lambda pair: pair[0].severity != PAGE),
        quiet=[rule for rule, found in rules if not found],
        rules=len(rules),
    )


def download(view: View) -> Response:
    """Return what holds as CSV."""
    rows = [
        (rule.name, rule.severity, one.task, one.summary, rule.advice)
        for rule, found in look(view)
        for one in found
    ]
    return csv_file("hedgerow-alerts", ("rule", "severity", "task", "summary", "advice"), rows)
