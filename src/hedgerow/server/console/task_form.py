"""A new task, from a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import ValidationError

from hedgerow.errors import ConfigError
from hedgerow.models.registry import MODELS
from hedgerow.server.console.forms import number, problems, whole
from hedgerow.server.console.view import View
from hedgerow.server.routes import catalogs, tasks
from hedgerow.server.routes.task_bodies import TaskBody

BEGINNING: Mapping[str, str] = {
    "name": "",
    "model": "private_sequence",
    "catalog": "",
    "options": "{}",
    "secure": "split",
    "epsilon": "4",
    "unit": "user",
    "clients_per_person": "1",
    "minimum": "100",
    "clients": "0",
    "schedule": "once",
    "runs": "1",
    "measure": "end",
    "k": "10",
}
"""What the form says before anybody wrote in it."""


def show(view: View, problem: str = "", *, status: int = 200) -> Response:
    """Show the form."""
    return view.page(
        "new_task.html",
        status=status,
        problem=problem,
        form={**BEGINNING, **view.form},
        models=sorted(MODELS),
        catalogs=catalogs.listed(view.site, view.who).catalogs,
    )


def create(view: View) -> Response:
    """Make the task, or show the form again with what does not fit."""
    try:
        body = TaskBody.model_validate_json(json.dumps(_values(view.form)))
        made = tasks.create(body, view.site, view.who)
    except (ValidationError, ConfigError) as error:
        return show(view, problems(error), status=422)
    return view.go(f"/tasks/{made.task.name}")


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    """Return a task's JSON; what a form leaves out has the interface's defaults."""
    try:
        options = json.loads(form.get("options", "") or "{}")
    except ValueError:
        raise ConfigError('The options are JSON, such as {"rounds": 3}.') from None
    texts = ("name", "model", "catalog", "schedule", "measure")
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in texts}
    values |= {name: whole(form, name) for name in ("clients", "runs", "k")}
    policy = {
        "secure": form.get("secure", ""),
        "unit": form.get("unit", ""),
        "clients_per_person": whole(form, "clients_per_person"),
        "epsilon": number(form, "epsilon"),
        "minimum": whole(form, "minimum"),
    }
    return {**values, "options": options, "policy": policy}
