"""People log in through the routes, with a provider that answers over real HTTP."""

import httpx
import pytest
from interface import NOW, coordinator
from security.provider import running as providing

from hedgerow.server.security.access import Role
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.people import LOGIN_COOKIE, SESSION_COOKIE, People, RoleMap

BACK = "https://console.test/v1/login/callback"


@pytest.fixture
def site(tmp_path):
    with providing() as provider:
        agreed = Provider(provider.issuer, provider.client_id, BACK, provider.client_secret)
        roles = RoleMap(("groups",), {"shop-operators": Role.OPERATOR})
        # Without connections that are kept, as this client's event loop is another's.
        http = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
        people = People(OpenID(agreed, http, lambda: NOW), roles, b"s" * 32, lambda: NOW)
        with coordinator(tmp_path, people) as found:
            yield found


def cookies(answer):
    pairs = [text.split(";")[0].split("=", 1) for text in answer.headers.get_list("set-cookie")]
    return dict(pairs)


def test_a_person_logs_in_works_and_logs_out(site):
    with httpx.Client(base_url=site.address) as browser:
        begun = browser.get("/v1/login", params={"next": "/tasks"})
        assert begun.status_code == 303
        login = {"cookie": f"{LOGIN_COOKIE}={cookies(begun)[LOGIN_COOKIE]}"}
        sent_back = httpx.get(begun.headers["location"]).headers["location"]
        path = sent_back.removeprefix("https://console.test")
        assert browser.get(path).status_code == 401
        finished = browser.get(path, headers=login)
        assert (finished.status_code, finished.headers["location"]) == (303, "/tasks")
        session = {"cookie": f"{SESSION_COOKIE}={cookies(finished)[SESSION_COOKIE]}"}
        here = {**session, "sec-fetch-site": "same-origin"}
        body = {"name": "ci", "role": "auditor"}
        assert browser.post("/v1/access-keys", json=body, headers=here).status_code == 201
        body["name"] = "other"
        assert browser.post("/v1/access-keys", json=body, headers=session).status_code == 403
        said = browser.get("/v1/audit-log", headers=session).json()["lines"]
        assert [(line["who"], line["what"]) for line in said] == [
            ("person:anna", "log-in"),
            ("person:anna", "make-access-key"),
        ]
        left = browser.post("/v1/logout", headers=here)
        assert (left.status_code, cookies(left)[SESSION_COOKIE]) == (303, "")
        assert browser.get("/v1/login/callback").status_code == 401
