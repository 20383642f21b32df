"""Every route says what it needs, and lets in those roles that may do that, and nobody else."""

import re

import httpx
import pytest
from interface import NOW, coordinator

from hedgerow.server.app import build, build_helper
from hedgerow.server.routes.schema import permissions
from hedgerow.server.security.access import PERMISSIONS, Permission, Role
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.people import SESSION_COOKIE, People, RoleMap
from hedgerow.server.security.signed import Signer

SITE = "https://console.test/v1/login/callback"
SECRET = b"s" * 32
ROUTES = list(permissions(build(None)))


def people():
    provider = Provider("https://login.test", "hedgerow", SITE)
    openid = OpenID(provider, httpx.AsyncClient(), lambda: NOW)
    return People(openid, RoleMap(("groups",), {}), SECRET, lambda: NOW)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with coordinator(tmp_path_factory.mktemp("site"), people()) as found:
        yield found


def example(path):
    """A path whose names are well-formed and name nothing."""
    if path == "/v1/rounds/{name}/{kind}":
        return "/v1/rounds/" + "0" * 32 + "/report"
    path = path.replace("{phase}", "keys")
    length = 64 if re.search("/models/|/clients/|/participants/", path) else 32
    return re.sub(r"{\w+}", "0" * length, path)


def query_of(path):
    """What keeps a route from waiting for news."""
    return {"wait": 0} if re.search("check-in|phase|/live$", path) else {}


def test_every_route_names_a_permission():
    silent = [f"{method} {path}" for method, path, permission in ROUTES if permission is None]
    assert silent == []
    assert len(ROUTES) == len({(method, path) for method, path, _ in ROUTES}) > 30


def test_every_route_of_the_helper_is_the_coordinators():
    found = {permission for _, path, permission in permissions(build_helper(None))
             if path.startswith("/v1/")}  # fmt: skip
    assert found == {Permission.AGGREGATE}


def test_every_permission_is_needed_somewhere():
    elsewhere = {Permission.AGGREGATE, Permission.READ_METRICS, Permission.BACK_UP}
    assert {permission for *_, permission in ROUTES} >= set(Permission) - elsewhere


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_what_it_may_and_nothing_else(site, role):
    wrong = []
    with site.caller(role) as caller:
        for method, path, permission in ROUTES:
            status = caller.request(method, example(path), params=query_of(path)).status_code
            if permission in PERMISSIONS[role]:
                fits = status not in {401, 403} or "login" in path
            else:
                fits = status == (401 if role is Role.ANYONE else 403)
            if not fits or (status >= 500 and path != "/v1/login"):
                wrong.append((method, path, permission, status))
    assert wrong == []


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ANALYST, Role.AUDITOR])
def test_a_persons_session_is_worth_its_role(site, role):
    signed = Signer(SECRET, "session", SITE, lambda: NOW)
    session = signed.sign({"sub": "person:anna", "role": role.value}, 60)
    # The cookie's prefix keeps clients from storing it without TLS, so it is sent by hand.
    headers = {"cookie": f"{SESSION_COOKIE}={session}", "sec-fetch-site": "same-origin"}
    wrong = []
    with httpx.Client(base_url=site.address, headers=headers) as caller:
        for method, path, permission in ROUTES:
            status = caller.request(method, example(path), params=query_of(path)).status_code
            if permission is not Permission.PUBLIC:
                denied = permission not in PERMISSIONS[role]
                if (status == 403) != denied or status >= 500:
                    wrong.append((method, path, status))
        changed = caller.post("/v1/access-keys", headers={"sec-fetch-site": "cross-site"}, json={})
    assert wrong == []
    assert changed.status_code == 403


@pytest.mark.parametrize(
    "shown",
    ["Bearer", "Basic Zm9vOmJhcg==", "Bearer hak_" + "A" * 43, "Bearer e30.e30.e30",
     "Bearer " + "x" * 9000, "bearer hak_\xe9"],
)  # fmt: skip
def test_what_is_no_token_lets_nobody_in(site, shown):
    headers = [(b"authorization", shown.encode("latin-1"))]
    for path in ("/v1/tasks", "/v1/models/" + "0" * 64):
        answer = httpx.get(site.address + path, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"error", "detail"}


def test_a_revoked_key_counts_for_nothing_from_then_on(site):
    with site.caller() as operator:
        made = operator.post("/v1/access-keys", json={"name": "console", "role": "analyst"}).json()
        headers = {"authorization": f"Bearer {made['key']}"}
        assert httpx.get(f"{site.address}/v1/tasks", headers=headers).status_code == 200
        assert operator.delete("/v1/access-keys/console").status_code == 200
    assert httpx.get(f"{site.address}/v1/tasks", headers=headers).status_code == 401
