"""What operators do in the console, in a real browser, and what becomes of it."""

import csv
import io
from pathlib import Path

import pytest
from console.seeded import fill
from consoles import first_link, log_in
from routes.interface import ITEMS, NOW, coordinator
from security.provider import running as providing
from sqlalchemy import insert, update

from hedgerow.server.rounds.record import FINISHED, load_round, move, open_rounds
from hedgerow.server.security.access import Role
from hedgerow.server.security.people import SESSION_COOKIE
from hedgerow.server.storage import tables
from hedgerow.server.tasks.registry import catalog_bytes, live_model, put_catalog, task_named


@pytest.fixture
def running(tmp_path):
    """A coordinator with a short past."""
    with coordinator(tmp_path) as found:
        fill(found.deployment, rounds=40, clients=200)
        yield found


def logged(running):
    """What the audit log says was done lately."""
    with running.caller() as operator:
        total = operator.get("/v1/audit-log").json()["total"]
        lines = operator.get("/v1/audit-log", params={"after": total - 1}).json()["lines"]
    return lines[-1]["who"], lines[-1]["what"], lines[-1]["on"]


def test_a_session_begins_with_a_key_and_ends_with_logging_out(page, running):
    page.goto(f"{running.address}/console/tasks/movies")
    assert page.get_by_role("heading", name="Log in").is_visible()
    page.get_by_label("Access key").fill("hak_" + "A" * 43)
    page.get_by_role("button", name="Log in").click()
    assert "unknown or was revoked" in page.get_by_role("alert").inner_text()
    page.get_by_label("Access key").fill(running.shown[Role.AUDITOR])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/console/tasks/movies")
    assert logged(running) == ("the-auditor", "log-in", "auditor")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (
        *(SESSION_COOKIE, True, True, "Strict"),
    )
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for()
    assert page.context.cookies() == []
    # The session has ended on the server as well: its cookie counts for nothing any more.
    page.context.add_cookies([cookie])
    page.goto(f"{running.address}/console/")
    assert page.get_by_text("This session has ended").is_visible()


def test_rounds_are_shown_as_they_go_on(page, running):
    log_in(page, running)
    page.locator("#live.streaming").wait_for()
    card = page.locator(".round.card")
    assert card.get_by_text("masked").get_attribute("aria-current") == "step"
    with running.deployment.database.write() as connection:
        (going,) = open_rounds(connection)
        move(connection, going, "consent", NOW)
    running.site.service.moved.ring()
    card.locator("[aria-current]", has_text="consent").wait_for()
    with running.deployment.database.write() as connection:
        again = load_round(connection, going.id)
        move(connection, again, FINISHED, NOW, stats={"contributors": 600})
    running.site.service.moved.ring()
    page.get_by_text("No round goes on").wait_for()
    newest = page.locator("#live tbody tr").first
    assert newest.get_by_text("done").is_visible()
    assert newest.locator("td").nth(1).inner_text() == "600"


def test_a_rollback_takes_one_click_and_so_does_its_undoing(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/models/movies")
    database = running.deployment.database
    with database.read() as connection:
        task_id = task_named(connection, "movies")[0]
        before = live_model(connection, task_id)
    row = page.locator("tbody tr", has=page.get_by_role("button", name="Make live")).nth(3)
    wanted = row.locator("th code").get_attribute("title")
    row.get_by_role("button", name="Make live").click()
    page.get_by_role("status").get_by_text("recommends now").wait_for()
    with database.read() as connection:
        assert live_model(connection, task_id) == wanted != before
    assert logged(running) == ("the-operator", "put-live", f"movies {wanted}")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("status").get_by_text(before[:8]).wait_for()
    with database.read() as connection:
        assert live_model(connection, task_id) == before


def test_two_models_stand_side_by_side(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/models/movies")
    page.get_by_role("radio").nth(0).check()
    page.get_by_role("radio").nth(11).check()
    page.get_by_role("button", name="Compare the two chosen").click()
    table = page.get_by_role("region", name="Table of figures")
    first, second, less = (
        float(text.split(" ± ")[0].replace("−", "-"))
        for text in table.locator("tbody tr").first.locator("td").all_inner_texts()[:3]
    )
    assert less == pytest.approx(second - first, abs=2e-4)


def test_a_participant_is_enrolled_found_and_revoked(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/participants")
    page.get_by_text("Enrol: make tokens").click()
    form = page.locator("form.fields")
    form.get_by_label("Name").fill("Wells branch")
    form.get_by_label("Users at most").fill("many")
    form.evaluate("form => { form.noValidate = true }")
    form.get_by_role("button").click()
    assert "users" in page.get_by_role("alert").inner_text()
    form.get_by_label("Users at most").fill("250")
    form.get_by_label("How many").fill("2")
    form.get_by_role("button").click()
    tokens = page.locator("tbody code").all_inner_texts()
    assert len(tokens) == 2
    assert all(token.startswith("het_") for token in tokens)
    assert logged(running) == ("the-operator", "make-enrolment-tokens", "2 for Wells branch")
    page.get_by_role("link", name="Done").click()
    page.get_by_label("Search", exact=True).fill("durham")
    page.get_by_text("1 found").wait_for()
    page.get_by_role("link", name="Durham branch 1").click()
    page.get_by_text("Revoke…").click()
    page.get_by_role("button", name="Revoke Durham branch 1").click()
    page.locator("h1 .badge", has_text="revoked").wait_for()
    assert logged(running)[1] == "revoke-client"


def test_a_task_is_made_paused_and_resumed(page, running):
    with running.deployment.database.write() as connection:
        put_catalog(connection, running.deployment.blobs, catalog_bytes(ITEMS), NOW)
    log_in(page, running)
    page.goto(f"{running.address}/console/new-task")
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Schedule").fill("at night")
    page.get_by_role("button", name="Make the task").click()
    assert "cron expression" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "nightly"
    page.get_by_label("Schedule").fill("0 3 * * *")
    page.get_by_label("Runs that share").fill("30")
    page.get_by_role("button", name="Make the task").click()
    page.get_by_role("heading", name="nightly").wait_for()
    nights = page.locator(".times time").evaluate_all("all => all.map((one) => one.dateTime)")
    assert nights == [f"2023-11-{day}T03:00:00+00:00" for day in range(15, 20)]
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert logged(running) == ("the-operator", "pause-task", "nightly")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()


def test_a_run_is_stopped_after_a_second_thought(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/tasks/movies")
    page.get_by_text("Stop the run…").click()
    page.get_by_role("button", name="Stop the run").click()
    page.locator("table .badge", has_text="stopped").first.wait_for()
    with running.deployment.database.read() as connection:
        assert open_rounds(connection) == []


def test_the_audit_log_is_checked_in_place(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/audit-log")
    page.get_by_role("link", name="Check all lines").click()
    page.get_by_text("Whole.").wait_for()
    assert page.url.endswith("/console/audit-log")
    lines = tables.audit_lines
    with running.deployment.database.write() as connection:
        connection.execute(update(lines).where(lines.c.number == 7).values(line=b"{}"))
    page.get_by_role("link", name="Check all lines").click()
    page.get_by_text("Not whole.").wait_for()
    assert "Line 7" in page.get_by_role("alert").inner_text()


def test_tables_come_as_csv_files(page, running):
    log_in(page, running)
    page.goto(f"{running.address}/console/tasks/movies")
    page.goto(running.address + first_link(page, "/console/runs/[0-9a-f]+$"))
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download CSV").last.click()
    assert waiting.value.suggested_filename == "hedgerow-movies-0-rounds.csv"
    with Path(waiting.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    shown = page.locator("table.list tbody tr").last.locator("td.n").first.inner_text()
    assert rows[-1]["came"] == shown


def test_a_name_that_is_markup_or_a_formula_stays_a_name(page, running):
    name = "=<img src=x onerror=alert(1)>"
    row = {"id": "ab" * 32, "kind": "silo", "name": name, "users": 5, "certificate": b"",
           "enrolled": NOW}  # fmt: skip
    with running.deployment.database.write() as connection:
        connection.execute(insert(tables.clients), row)
    log_in(page, running)
    page.goto(f"{running.address}/console/participants?search={'ab' * 32}")
    assert page.locator("#list th a").inner_text() == name
    found = page.request.get(f"{running.address}/console/participants.csv").text()
    assert f"'{name}" in {row["name"] for row in csv.DictReader(io.StringIO(found))}


def test_a_person_logs_in_at_the_provider(page, tmp_path):
    import httpx

    from hedgerow.server.security.openid import OpenID, Provider
    from hedgerow.server.security.people import People, RoleMap

    with providing() as provider:
        # The address is known only once the coordinator listens, so it is put in afterwards.
        agreed = Provider(provider.issuer, provider.client_id, "http://127.0.0.1/v1/login/callback",
                          provider.client_secret)  # fmt: skip
        http = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
        people = People(OpenID(agreed, http, lambda: NOW),
                        RoleMap(("groups",), {"shop-operators": Role.OPERATOR}), b"s" * 32,
                        lambda: NOW)  # fmt: skip
        with coordinator(tmp_path, people) as running:
            back = f"{running.address}/v1/login/callback"
            object.__setattr__(agreed, "redirect", back)
            page.goto(f"{running.address}/console/privacy")
            page.get_by_role("link", name="Log in with your organisation’s account").click()
            page.wait_for_url("**/console/privacy")
            assert page.locator(".who").inner_text().split() == ["operator", "person:anna", "Log",
                                                                "out"]  # fmt: skip
            page.get_by_role("button", name="Log out").click()
            page.get_by_role("heading", name="Log in").wait_for()
            assert page.context.cookies() == []
            assert page.goto(f"{running.address}/console/").status == 401


def test_the_policy_forbids_scripts_that_stand_in_a_page(chromium, running):
    page = chromium.new_page()
    log_in(page, running)
    ran = page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          return window.ran === true;
        }"""
    )
    page.context.close()
    assert ran is False
