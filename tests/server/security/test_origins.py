"""Browsers let pages of a shop call the coordinator, and pages of nobody else."""

import asyncio
from contextlib import contextmanager

import httpx
import pytest

from hedgerow.errors import ConfigError
from hedgerow.server.assembly import application
from hedgerow.server.security import parties
from hedgerow.server.settings import Settings

SHOP, STRANGER = "https://shop.example.org", "https://elsewhere.example.org"


@contextmanager
def coordinator(folder, *origins):
    parties.make_rehearsal(folder, "http://127.0.0.1:8443")
    with application(Settings(folder, plain=True, origins=origins)) as made:

        def call(method, path, **headers):
            async def once():
                transport = httpx.ASGITransport(made.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
                    sent = {name.replace("_", "-"): value for name, value in headers.items()}
                    return await http.request(method, path, headers=sent)

            return asyncio.run(once())

        yield call


def allowed(answer):
    return answer.headers.get("access-control-allow-origin")


def test_a_page_of_the_shop_may_call_and_no_other(tmp_path):
    with coordinator(tmp_path, SHOP) as call:
        assert allowed(call("GET", "/v1/deployment", origin=SHOP)) == SHOP
        assert allowed(call("GET", "/v1/deployment", origin=STRANGER)) is None
        asking = {"access_control_request_method": "PUT"}
        asking["access_control_request_headers"] = "authorization,content-type"
        before = call("OPTIONS", "/v1/rounds/0/report", origin=SHOP, **asking)
        assert (before.status_code, allowed(before)) == (200, SHOP)
        assert call("OPTIONS", "/v1/rounds/0/report", origin=STRANGER, **asking).status_code == 400


def test_what_is_refused_can_be_read_by_the_shop(tmp_path):
    with coordinator(tmp_path, SHOP) as call:
        answer = call("POST", "/v1/check-in", origin=SHOP)
        assert (answer.status_code, allowed(answer)) == (401, SHOP)


def test_logins_of_a_browser_are_of_no_use_to_other_sites(tmp_path):
    with coordinator(tmp_path, SHOP) as call:
        answer = call("GET", "/v1/deployment", origin=SHOP)
        assert "access-control-allow-credentials" not in answer.headers


def test_by_default_no_page_of_another_site_may_call(tmp_path):
    with coordinator(tmp_path) as call:
        assert allowed(call("GET", "/v1/deployment", origin=SHOP)) is None


@pytest.mark.parametrize(
    "origin", ["*", "shop.example.org", "https://shop.example.org/", "ftp://shop", "https://", ""]
)
def test_what_is_no_origin_is_refused(tmp_path, origin):
    with pytest.raises(ConfigError, match="An origin is"):
        Settings(tmp_path, origins=(origin,))
