"""Roles and permissions, and the keys of programs."""

import pytest
from sqlalchemy import select

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation import proofs
from hedgerow.server.security import access
from hedgerow.server.security.access import ANYONE, PERMISSIONS, Permission, Principal, Role
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.tables import access_keys

CHANGES = {
    Permission.EDIT_TASKS,
    Permission.RUN_TASKS,
    Permission.ENROL_CLIENTS,
    Permission.REVOKE_CLIENTS,
    Permission.ROLL_BACK,
    Permission.MANAGE_KEYS,
    Permission.BACK_UP,
}


def clock(at=1000.0):
    return lambda: at


def new(database, name="nightly", role=Role.ANALYST):
    with database.write() as connection:
        return access.new_access_key(connection, name, role, clock=clock())


def authenticate(database, key):
    with database.read() as connection:
        return access.authenticate(connection, key)


def refused(code, work):
    with pytest.raises(ProtocolError) as error:
        work()
    assert error.value.code == code


def test_every_role_is_in_the_table_and_every_permission_is_somebodys():
    assert set(PERMISSIONS) == set(Role)
    assert set().union(*PERMISSIONS.values()) == set(Permission)


def test_what_nobody_may_is_little():
    for permission in Permission:
        assert access.allowed(Role.ANYONE, permission) == (permission is Permission.PUBLIC)
    assert not access.allowed("boss", Permission.PUBLIC)


def test_only_operators_change_things():
    for role in Role:
        may = {p for p in CHANGES if access.allowed(role, p)}
        assert may == (CHANGES if role is Role.OPERATOR else set())


def test_only_clients_contribute_and_only_servers_aggregate():
    for role in Role:
        assert access.allowed(role, Permission.CONTRIBUTE) == (role is Role.CLIENT)
        assert access.allowed(role, Permission.AGGREGATE) == (
            role in {Role.HELPER, Role.COORDINATOR}
        )


def test_the_audit_log_and_clients_are_not_for_analysts():
    assert not access.allowed(Role.ANALYST, Permission.READ_AUDIT_LOG)
    assert not access.allowed(Role.ANALYST, Permission.READ_CLIENTS)
    assert access.allowed(Role.AUDITOR, Permission.READ_AUDIT_LOG)


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        PERMISSIONS[Role.ANYONE] = frozenset(Permission)


def test_scopes_narrow_a_role_and_never_widen_it():
    narrow = Principal(Role.CLIENT, "a", frozenset({Permission.READ_MODEL, Permission.RUN_TASKS}))
    assert narrow.may(Permission.PUBLIC)
    assert narrow.may(Permission.READ_MODEL)
    assert not narrow.may(Permission.CONTRIBUTE)
    assert not narrow.may(Permission.RUN_TASKS)


def test_refusals_say_whether_a_login_would_help():
    refused("unauthenticated", lambda: ANYONE.require(Permission.RUN_TASKS))
    refused("forbidden", lambda: Principal(Role.ANALYST, "a").require(Permission.RUN_TASKS))
    ANYONE.require(Permission.PUBLIC)
    Principal(Role.OPERATOR, "a").require(Permission.RUN_TASKS)


def test_a_key_says_who_its_program_is(database):
    key = new(database)
    assert authenticate(database, key) == Principal(Role.ANALYST, "nightly")
    assert key.startswith("hak_")
    with database.read() as connection:
        row = connection.execute(select(access_keys)).one()
    assert row.digest == proofs.digest(key)
    assert key.removeprefix("hak_") not in repr(row)


def test_a_revoked_key_counts_for_nothing_at_once(database):
    key, other = new(database), new(database, "other", Role.OPERATOR)
    url = database.engine.url.render_as_string(hide_password=False)
    replica = Database.open(url, upgrade=False)
    assert authenticate(replica, key)
    for at in (2000.0, 3000.0):
        with database.write() as connection:
            access.revoke_access_key(connection, "nightly", clock=clock(at))
    refused("unauthenticated", lambda: authenticate(replica, key))
    assert authenticate(replica, other).role is Role.OPERATOR
    with replica.read() as connection:
        rows = connection.execute(select(access_keys.c.name, access_keys.c.revoked)).all()
    assert dict(map(tuple, rows)) == {"nightly": 2000.0, "other": None}
    replica.close()


def test_a_name_is_used_once(database):
    new(database)
    refused("bad-name", lambda: new(database))
    with database.write() as connection:
        access.revoke_access_key(connection, "nightly", clock=clock())
    refused("bad-name", lambda: new(database))


@pytest.mark.parametrize("key", ["", "hak_", "hak_" + "A" * 43, "x" * 9000, "hak_' OR 1=1 --"])
def test_unknown_keys_are_nobodys(sqlite, key):
    new(sqlite)
    refused("unauthenticated", lambda: authenticate(sqlite, key))


def test_an_unknown_name_cannot_be_revoked(sqlite):
    with sqlite.write() as connection:
        refused(
            "unknown-key",
            lambda: access.revoke_access_key(connection, "nightly", clock=clock()),
        )


@pytest.mark.parametrize("role", [Role.ANYONE, Role.CLIENT])
def test_clients_have_other_keys(sqlite, role):
    with pytest.raises(ConfigError, match="role"):
        new(sqlite, role=role)


@pytest.mark.parametrize("name", ["", "A", "a b", "a" * 65, "a\n"])
def test_names_are_plain(sqlite, name):
    with pytest.raises(ConfigError, match="name"):
        new(sqlite, name)


def test_every_code_has_a_status_of_its_kind():
    assert set(access.STATUS.values()) <= {401, 403, 404, 409, 503}
