"""Who may do what: roles, permissions, and the keys of programs. What is not allowed is denied."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import Connection, select, update

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation import proofs
from hedgerow.server.storage.database import insert_once
from hedgerow.server.storage.tables import access_keys

PREFIX = "hak_"
"""Of every access key, so that a search for leaked secrets finds it."""

_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Permission(StrEnum):
    """What a request may need; every route names one."""

    PUBLIC = "public"
    READ_MODEL = "read-model"
    CONTRIBUTE = "contribute"
    AGGREGATE = "aggregate"
    READ_STATUS = "read-status"
    READ_QUALITY = "read-quality"
    READ_LEDGER = "read-ledger"
    READ_CLIENTS = "read-clients"
    READ_AUDIT_LOG = "read-audit-log"
    READ_METRICS = "read-metrics"
    EDIT_TASKS = "edit-tasks"
    RUN_TASKS = "run-tasks"
    ENROL_CLIENTS = "enrol-clients"
    REVOKE_CLIENTS = "revoke-clients"
    ROLL_BACK = "roll-back"
    MANAGE_KEYS = "manage-keys"
    BACK_UP = "back-up"


class Role(StrEnum):
    """Who asks: nobody in particular, people and programs, clients, and the other server."""

    ANYONE = "anyone"
    OPERATOR = "operator"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    CLIENT = "client"
    HELPER = "helper"
    COORDINATOR = "coordinator"


_P = Permission
_LOOKS = {_P.PUBLIC, _P.READ_MODEL, _P.READ_STATUS, _P.READ_QUALITY, _P.READ_LEDGER}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ANYONE: frozenset({_P.PUBLIC}),
        Role.CLIENT: frozenset({_P.PUBLIC, _P.READ_MODEL, _P.CONTRIBUTE}),
        Role.HELPER: frozenset({_P.PUBLIC, _P.AGGREGATE}),
        Role.COORDINATOR: frozenset({_P.PUBLIC, _P.AGGREGATE}),
        Role.ANALYST: frozenset(_LOOKS),
        Role.AUDITOR: frozenset(_LOOKS | {_P.READ_CLIENTS, _P.READ_AUDIT_LOG}),
        Role.OPERATOR: frozenset(
            _LOOKS
            | {_P.READ_CLIENTS, _P.READ_AUDIT_LOG, _P.READ_METRICS, _P.EDIT_TASKS, _P.RUN_TASKS}
            | {_P.ENROL_CLIENTS, _P.REVOKE_CLIENTS, _P.ROLL_BACK, _P.MANAGE_KEYS, _P.BACK_UP}
        ),
    }
)
"""What each role may do. An operator contributes nothing: only clients do, each with its key."""

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "unauthenticated": 401,
        "bad-token": 401,
        "expired-token": 401,
        "bad-signature": 401,
        "bad-time": 401,
        "replayed-login": 401,
        "bad-login": 401,
        "forbidden": 403,
        "revoked-client": 403,
        "no-role": 403,
        "bad-scope": 403,
        "unknown-token": 404,
        "unknown-client": 404,
        "unknown-key": 404,
        "used-token": 409,
        "known-client": 409,
        "bad-name": 409,
        "no-provider": 503,
    }
)
"""The HTTP status of an error's code."""


@dataclass(frozen=True)
class Principal:
    """Who sent a request.

    Parameters
    ----------
    role
        What it is.
    name
        Who it is, as the audit log says it: a client's id, a key's name, a person's.
    scopes
        What it may do at most, where it asked for less than its role may.
    """

    role: Role
    name: str
    scopes: frozenset[Permission] | None = None

    def may(self, permission: Permission) -> bool:
        """Return whether it may do something."""
        within = self.scopes is None or permission is Permission.PUBLIC or permission in self.scopes
        return within and allowed(self.role, permission)

    def require(self, permission: Permission) -> None:
        """Refuse what it may not do.

        Raises
        ------
        ProtocolError
            ``unauthenticated`` where nobody is logged in, ``forbidden`` otherwise.
        """
        if self.may(permission):
            return
        if self.role is Role.ANYONE:
            raise ProtocolError("unauthenticated", "Log in first.")
        raise ProtocolError("forbidden", f"This needs the permission {permission.value!r}.")


ANYONE = Principal(Role.ANYONE, "anyone")
"""Who sends a request and shows nothing."""


def allowed(role: Role, permission: Permission) -> bool:
    """Return whether a role may do something."""
    return permission in PERMISSIONS.get(role, frozenset())


def new_access_key(
    connection: Connection,
    name: str,
    role: Role,
    *,
    clock: Callable[[], float],
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Make a key with which a program logs in, and return its text, which is kept nowhere.

    Parameters
    ----------
    connection
        In a write transaction.
    name
        The program's, never used before: lower-case letters, digits, dots, hyphens, underscores.
    role
        What it may do; clients have keys of their own.
    clock, randomness
        Give the time and secret bytes.

    Raises
    ------
    ConfigError
        The name or the role cannot be used.
    ProtocolError
        ``bad-name``: there is or was a key of this name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "A key's name is 1 to 64 lower-case letters, digits, dots, hyphens and underscores."
        )
    if role in {Role.ANYONE, Role.CLIENT}:
        raise ConfigError(f"An access key cannot have the role {role.value!r}.")
    key = PREFIX + urlsafe_b64encode(randomness(32)).rstrip(b"=").decode()
    row = {"digest": proofs.digest(key), "name": name, "role": role.value, "created": clock()}
    if not insert_once(connection, access_keys, [row]):
        raise ProtocolError("bad-name", f"There is or was a key named {name!r}; name another.")
    return key


def authenticate(connection: Connection, key: str) -> Principal:
    """Return whose key this is; a revoked one counts for nothing from then on.

    Raises
    ------
    ProtocolError
        ``unauthenticated``.
    """
    row = None
    if _KEY.fullmatch(key):
        row = connection.execute(
            select(access_keys.c.name, access_keys.c.role).where(
                access_keys.c.digest == proofs.digest(key), access_keys.c.revoked.is_(None)
            )
        ).first()
    if row is None:
        raise ProtocolError("unauthenticated", "This access key is unknown or was revoked.")
    return Principal(Role(row.role), row.name)


def revoke_access_key(connection: Connection, name: str, *, clock: Callable[[], float]) -> None:
    """End a program's key for good; revoking it again changes nothing.

    Raises
    ------
    ProtocolError
        ``unknown-key``.
    """
    named = access_keys.c.name == name
    if connection.execute(select(access_keys.c.name).where(named)).first() is None:
        raise ProtocolError("unknown-key", "There is no access key of this name.")
    connection.execute(
        update(access_keys).where(named, access_keys.c.revoked.is_(None)).values(revoked=clock())
    )
