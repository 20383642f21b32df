"""The console's pages: where each is, what it takes, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.server.security.access import Permission

_P = Permission

PREFIX = "/console"


@dataclass(frozen=True)
class Page:
    """A route of the console.

    Parameters
    ----------
    method, path
        Of HTTP, below `PREFIX`.
    permission
        What it takes.
    place
        The module of this package and its function that answers, with a dot between them.
    """

    method: str
    path: str
    permission: Permission
    place: str


PAGES = (
    Page("GET", "/static/{name}", _P.PUBLIC, "static.serve"),
    Page("GET", "/login", _P.PUBLIC, "login.show"),
    Page("POST", "/login", _P.PUBLIC, "login.begin"),
    Page("POST", "/logout", _P.PUBLIC, "login.end"),
    Page("GET", "/", _P.READ_STATUS, "overview.show"),
    Page("GET", "/live", _P.READ_STATUS, "live.stream"),
    Page("GET", "/alerts", _P.READ_STATUS, "alerts.show"),
    Page("GET", "/alerts.csv", _P.READ_STATUS, "alerts.download"),
    Page("GET", "/tasks", _P.READ_STATUS, "tasks.listed"),
    Page("POST", "/tasks", _P.EDIT_TASKS, "task_form.create"),
    Page("GET", "/new-task", _P.EDIT_TASKS, "task_form.show"),
    Page("GET", "/tasks/{name}", _P.READ_STATUS, "tasks.show"),
    Page("GET", "/tasks/{name}/runs.csv", _P.READ_STATUS, "tasks.download"),
    Page("POST", "/tasks/{name}/pause", _P.RUN_TASKS, "tasks.pause"),
    Page("POST", "/tasks/{name}/resume", _P.RUN_TASKS, "tasks.resume"),
    Page("POST", "/tasks/{name}/stop", _P.RUN_TASKS, "tasks.stop"),
    Page("GET", "/runs/{name}", _P.READ_STATUS, "runs.show"),
    Page("GET", "/runs/{name}/rounds.csv", _P.READ_STATUS, "runs.download"),
    Page("GET", "/models", _P.READ_QUALITY, "models.listed"),
    Page("GET", "/models/{name}", _P.READ_QUALITY, "models.show"),
    Page("GET", "/models/{name}/models.csv", _P.READ_QUALITY, "models.download"),
    Page("POST", "/models/{name}/live", _P.ROLL_BACK, "models.put_live"),
    Page("GET", "/participants", _P.READ_CLIENTS, "participants.listed"),
    Page("GET", "/participants.csv", _P.READ_CLIENTS, "participants.download"),
    Page("POST", "/participants", _P.ENROL_CLIENTS, "participants.enrol"),
    Page("GET", "/participants/{name}", _P.READ_CLIENTS, "participants.show"),
    Page("POST", "/participants/{name}/revoke", _P.REVOKE_CLIENTS, "participants.revoke"),
    Page("GET", "/privacy", _P.READ_LEDGER, "privacy.show"),
    Page("GET", "/privacy.csv", _P.READ_LEDGER, "privacy.download"),
    Page("GET", "/keys", _P.READ_LEDGER, "holders.show"),
    Page("GET", "/audit-log", _P.READ_AUDIT_LOG, "audit_log.show"),
    Page("GET", "/audit-log/check", _P.READ_AUDIT_LOG, "audit_log.check"),
    Page("GET", "/audit-log.csv", _P.READ_AUDIT_LOG, "audit_log.download"),
    Page("GET", "/{path:path}", _P.READ_STATUS, "missing.show"),
)
