"""The console over HTTP: who gets in, what is sent along, and what other sites cannot do."""

import subprocess
import sys

import httpx
import pytest
from routes.interface import NOW, coordinator

from hedgerow.federation.deployment import Deployment
from hedgerow.server.console.holders import HOLDERS
from hedgerow.server.console.pages import PAGES
from hedgerow.server.security import sessions
from hedgerow.server.security.access import Permission, Role, revoke_access_key
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.people import SESSION_COOKIE, People, RoleMap
from hedgerow.server.storage.tables import console_sessions

CHANGES = [page for page in PAGES if page.method == "POST" and page.permission != Permission.PUBLIC]


def test_everything_is_sent_with_a_policy_that_trusts_nobody_else(browser):
    client = browser()
    paths = ("/console/", "/console/login", "/console/nowhere", "/console/participants.csv",
             "/console/live?wait=0", "/console/static/none")  # fmt: skip
    for path in paths:
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_pages_hold_no_script_or_style_of_their_own(browser):
    client = browser()
    for path in (
        "/console/",
        "/console/tasks/movies",
        "/console/models/movies",
        "/console/privacy",
    ):
        text = client.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " on" + "click" not in text
        assert all("src=" in part[:80] for part in text.split("<script")[1:])


def test_assets_are_kept_for_good_and_named_by_what_they_hold(running):
    page = httpx.get(f"{running.address}/console/login").text
    names = [part.split('"')[0] for part in page.split("/console/static/")[1:]]
    assert len(names) >= 6
    for name in names:
        answer = httpx.get(f"{running.address}/console/static/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    wrong = httpx.get(f"{running.address}/console/static/style.css")
    assert wrong.status_code == 404


@pytest.mark.parametrize("page", CHANGES, ids=lambda page: page.place)
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}, {"origin": "https://evil.test"},
     {"origin": "null"}, {}],
)  # fmt: skip
def test_other_sites_pages_change_nothing(browser, page, headers):
    client = browser()
    del client.headers["sec-fetch-site"]
    path = "/console" + page.path.replace("{name}", "movies")
    answer = client.post(path, data={"name": "movies"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


def test_a_login_that_another_site_sends_is_refused(running):
    answer = httpx.post(f"{running.address}/console/login",
                        data={"key": running.shown[Role.OPERATOR]},
                        headers={"sec-fetch-site": "cross-site"})  # fmt: skip
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_session_goes_on_where_it_was_and_nowhere_else(running):
    for following, location in [("/console/tasks?from=50", "/console/tasks?from=50"),
                                ("//evil.test", "/console/"), ("https://evil.test", "/console/"),
                                ("/\\evil.test", "/console/")]:  # fmt: skip
        body = {"key": running.shown[Role.ANALYST], "next": following}
        answer = httpx.post(f"{running.address}/console/login", data=body,
                            headers={"sec-fetch-site": "same-origin"})  # fmt: skip
        assert (answer.status_code, answer.headers["location"]) == (303, location)
        attributes = answer.headers["set-cookie"].split("; ")[1:]
        assert set(attributes) >= {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"}


@pytest.mark.parametrize("role", [Role.HELPER, Role.COORDINATOR, Role.CLIENT])
def test_only_people_have_sessions(running, role):
    answer = httpx.post(f"{running.address}/console/login", data={"key": running.shown[role]},
                        headers={"sec-fetch-site": "same-origin"})  # fmt: skip
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_session_ends_with_its_key(running, browser):
    client = browser(Role.AUDITOR)
    assert client.get("/console/").status_code == 200
    with running.deployment.database.write() as connection:
        revoke_access_key(connection, "the-auditor", clock=lambda: NOW)
    assert client.get("/console/").status_code == 401


def test_a_session_ends_after_its_time_and_is_forgotten(sqlite):
    from hedgerow.errors import ProtocolError
    from hedgerow.server.security.access import new_access_key

    with sqlite.write() as connection:
        key = new_access_key(connection, "ops", Role.OPERATOR, clock=lambda: 0.0)
        who, text = sessions.begin(connection, key, clock=lambda: 0.0)
        assert (who.name, who.role) == ("ops", Role.OPERATOR)
        last = sessions.LIFETIME - 0.1
        assert sessions.read(connection, text, clock=lambda: last) == who
        with pytest.raises(ProtocolError) as problem:
            sessions.read(connection, text, clock=lambda: sessions.LIFETIME)
        assert problem.value.code == "expired-token"
        stored = connection.execute(console_sessions.select()).one()
        assert text not in str(stored)
        sessions.begin(connection, key, clock=lambda: float(sessions.LIFETIME))
        assert len(connection.execute(console_sessions.select()).all()) == 1


def test_what_is_asked_for_a_part_of_a_page_sends_the_whole_page_to_the_login(running):
    answer = httpx.get(f"{running.address}/console/participants", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/console/login")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [({"content-type": "application/json"}, b"{}", 415),
     ({"content-type": "application/x-www-form-urlencoded"}, b"\xff=1", 400),
     ({"content-type": "application/x-www-form-urlencoded"}, b"a=1&" * 200, 400)],
)  # fmt: skip
def test_what_is_no_form_is_refused(browser, headers, content, status):
    answer = browser().post("/console/participants", headers=headers, content=content)
    assert answer.status_code == status


def test_a_stream_ends_when_its_session_does(running, browser):
    client = browser()
    with client.stream("GET", "/console/live") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("data: ")
        client.post("/console/logout")
        running.site.service.moved.ring()
        rest = list(lines)
    assert all(line.startswith(("data: ", ":")) or not line for line in rest)
    assert client.get("/console/live?wait=0").status_code == 401


def test_with_a_provider_keys_open_no_sessions(tmp_path):
    agreed = Provider("https://login.test", "hedgerow", "https://console.test/v1/login/callback")
    openid = OpenID(agreed, httpx.AsyncClient(), lambda: NOW)
    people = People(openid, RoleMap(("groups",), {}), b"s" * 32, lambda: NOW)
    with coordinator(tmp_path, people) as found:
        answer = httpx.post(f"{found.address}/console/login",
                            data={"key": found.shown[Role.OPERATOR]},
                            headers={"sec-fetch-site": "same-origin"})  # fmt: skip
        assert answer.status_code == 403
        page = httpx.get(f"{found.address}/console/privacy")
        assert page.status_code == 401
        assert "/v1/login?next=/console/privacy" in page.text
        assert SESSION_COOKIE not in page.headers.get("set-cookie", "")


def test_nobody_pays_for_pages_that_nobody_looks_at():
    """A coordinator holds no templates before the first page is asked for."""
    program = (
        "import sys; from hedgerow.server.app import build; build(None);"
        "names = [n for n in sys.modules if n.startswith(('jinja2', 'hedgerow.server.console'))];"
        "print(*sorted(names))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                           check=True)  # fmt: skip
    console = "hedgerow.server.console"
    assert found.stdout.split() == [console, f"{console}.pages", f"{console}.routes"]


def test_the_keys_page_says_who_holds_what(running, browser):
    """The fingerprint is that of the file; a host that holds the enrolment key says so."""
    text = " ".join(browser(Role.ANALYST).get("/console/keys").text.split())
    found = httpx.get(f"{running.address}/v1/deployment").content
    assert Deployment.from_json(found).fingerprint in text
    assert "The enrolment key is on this host" in text
    assert all(one.thief[:40] in text.replace("&#39;", "'") for one in HOLDERS)
