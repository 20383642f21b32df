"""Clients, keys, the ledger and the audit log, as operators and auditors see them."""

from interface import NOW, ok, refused
from sqlalchemy import select

from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.releases import Release
from hedgerow.server.security.access import Role
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines


def test_many_tokens_at_once_each_enrol_one_client(running, operator):
    body = {"kind": "silo", "name": "branch", "users": 50, "count": 10_000}
    made = ok(operator.post("/v1/enrolment-tokens", json=body), 201)
    tokens = {one["token"] for one in made["tokens"]}
    assert len(tokens) == 10_000
    assert [one["name"] for one in made["tokens"][:2]] == ["branch-1", "branch-2"]
    assert made["expires"] == NOW + 7 * 86_400
    wide = {**body, "name": "n" * 62}
    refused(operator.post("/v1/enrolment-tokens", json=wide), 422, "bad-request")
    device = {**body, "kind": "device"}
    refused(operator.post("/v1/enrolment-tokens", json=device), 422, "bad-request")
    with running.site.service.database.read() as connection:
        kept = connection.scalars(select(tables.enrolment_tokens.c.digest)).all()
    assert len(kept) == 10_001
    assert not tokens & set(kept)


def test_clients_come_in_pages_and_go(running, operator):
    running.deployment.enrol(range(6))
    found, after = [], ""
    while after is not None:
        page = ok(operator.get("/v1/clients", params={"limit": 3, "after": after}))
        found += page["clients"]
        after = page["next"]
    assert len({one["id"] for one in found}) == page["total"] == page["active"] == 7
    gone = found[2]["id"]
    ok(operator.post(f"/v1/clients/{gone}/revoke"))
    page = ok(operator.get("/v1/clients"))
    assert (page["total"], page["active"]) == (7, 6)
    assert [one["id"] for one in page["clients"] if one["revoked"]] == [gone]
    refused(operator.post("/v1/clients/" + "0" * 64 + "/revoke"), 404, "unknown-client")


def test_the_ledger_is_shown_by_account(running, operator, task):
    kept = Ledger(DatabaseLines(running.site.service.database))
    for account in ("task shop", "task other"):
        kept.charge(
            Entry(account, f"{account}/0", "popularity", "user", 1, "clients", "pairwise",
                  Release("gaussian", 3.0), clip=1.0, sigma=3.0, delta=1e-6),
            8.0,
        )  # fmt: skip
    whole = ok(operator.get("/v1/ledger"))
    assert [one["account"] for one in whole["entries"]] == ["task shop", "task other"]
    own = ok(operator.get("/v1/ledger", params={"account": "task shop"}))
    assert (own["total"], own["entries"]) == (1, whole["entries"][:1])
    spent = ok(operator.get("/v1/tasks/shop"))["budget"]
    assert spent["spent"] == own["entries"][0]["epsilon"] > 0
    assert (spent["releases"], spent["delta"]) == (1, 1e-6)


def test_every_change_is_in_the_audit_log_and_the_log_is_whole(running, operator, task):
    ok(operator.post("/v1/tasks/shop/pause"))
    ok(operator.post("/v1/tasks/shop/resume"))
    ok(operator.post("/v1/tasks/shop/runs/stop"))
    ok(operator.post("/v1/enrolment-tokens", json={"name": "branch"}), 201)
    key = ok(operator.post("/v1/access-keys", json={"name": "ci", "role": "auditor"}), 201)["key"]
    ok(operator.delete("/v1/access-keys/ci"))
    client = ok(operator.get("/v1/clients"))["clients"][0]["id"]
    ok(operator.post(f"/v1/clients/{client}/revoke"))
    refused(operator.post("/v1/tasks/none/pause"), 404, "unknown-task")
    answer = operator.get("/v1/audit-log")
    log = ok(answer)
    assert key not in answer.text
    said = [(line["what"], line["on"]) for line in log["lines"]]
    assert said == [
        ("put-catalog", task["task"]["catalog"]),
        ("create-task", "shop"),
        ("pause-task", "shop"),
        ("resume-task", "shop"),
        ("stop-run", "shop"),
        ("make-enrolment-tokens", "1 for branch"),
        ("make-access-key", "ci auditor"),
        ("revoke-access-key", "ci"),
        ("revoke-client", client),
    ]
    assert {line["who"] for line in log["lines"]} == {"the-operator"}
    page = ok(operator.get("/v1/audit-log", params={"after": 7, "limit": 1}))
    assert page["lines"] == log["lines"][7:8]
    assert log["head"]["number"] == log["total"] == 9
    checked = ok(operator.get("/v1/audit-log/check"))
    assert checked == {"whole": True, "lines": 9, "head": log["head"], "problem": None}


def test_an_edited_audit_log_is_told_apart(running, operator, task):
    lines = tables.audit_lines
    with running.site.service.database.write() as connection:
        first = connection.scalar(select(lines.c.line).where(lines.c.number == 1))
        changed = lines.update().where(lines.c.number == 1)
        connection.execute(changed.values(line=first.replace(b"the-operator", b"somebody-yet")))
    checked = ok(operator.get("/v1/audit-log/check"))
    assert not checked["whole"]
    assert "audit log" in checked["problem"]


def test_nothing_changes_where_the_audit_log_cannot_be_written(running, operator, task):
    lines = tables.audit_lines
    with running.site.service.database.write() as connection:
        connection.execute(lines.delete().where(lines.c.number == 2))
    refused(operator.post("/v1/tasks/shop/pause"), 409, "bad-audit-log")
    assert ok(operator.get("/v1/tasks/shop"))["status"] == "active"


def test_a_new_empty_log_is_whole(operator):
    assert ok(operator.get("/v1/audit-log/check")) == {
        "whole": True, "lines": 0, "head": None, "problem": None
    }  # fmt: skip


def test_keys_are_listed_without_their_text(running, operator):
    found = ok(operator.get("/v1/access-keys"))["keys"]
    assert {one["name"] for one in found} == {f"the-{role}" for role in running.shown} - {
        f"the-{Role.CLIENT}"
    }
    made = {"name": "the-auditor", "role": "auditor"}
    refused(operator.post("/v1/access-keys", json=made), 409, "bad-name")
    made = {"name": "second", "role": "coordinator"}
    refused(operator.post("/v1/access-keys", json=made), 422, "bad-request")
    refused(operator.delete("/v1/access-keys/nobody"), 404, "unknown-key")


def test_without_an_enrolment_key_no_tokens_are_made(running, operator):
    object.__setattr__(running.site, "enrolment", None)
    refused(operator.post("/v1/enrolment-tokens", json={"name": "a"}), 409, "not-here")


def test_people_who_cannot_log_in_are_told(operator):
    refused(operator.get("/v1/login"), 404, "not-found")
    refused(operator.get("/v1/login/callback"), 404, "not-found")
    refused(operator.post("/v1/logout"), 404, "not-found")
