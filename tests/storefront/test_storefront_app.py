"""The shop's server: what it sends along, whom it refuses, and what the SDK gets from it."""

import asyncio
import hashlib
import re
from string import Template

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.client.api import Api
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.look import asset
from hedgerow.storefront.pictures import picture, symbols
from hedgerow.storefront.serving import listening


@pytest.mark.parametrize(
    "path", ["/", "/static/style.css", "/hedgerow/model", "/hedgerow/settings.json", "/nowhere"]
)
def test_strict_headers_with_everything(visitor, network, path):
    headers = visitor.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' {network.url}",
        "worker-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_other_names_of_the_host_are_refused(visitor):
    assert visitor.get("/", headers={"host": "shop.example.org"}).status_code == 400
    assert visitor.get("/", headers={"host": "localhost:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/basket", "/checkout", "/hedgerow/token"])
def test_other_sites_pages_change_nothing(visitor, path):
    answer = visitor.post(path, headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_token_is_for_one_browser_and_posted_for(visitor, network):
    assert visitor.get("/hedgerow/token").status_code == 404
    answers = [visitor.post("/hedgerow/token") for _ in range(2)]
    tokens = [answer.json()["token"] for answer in answers]
    assert tokens[0] != tokens[1]
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


def test_a_token_enrols_one_browser_once(visitor, network):
    token = visitor.post("/hedgerow/token").json()["token"]

    async def enrol():
        async with httpx.AsyncClient(base_url=network.url) as http:
            await Api(http).enrol(token, Ed25519PrivateKey.generate())

    asyncio.run(enrol())
    with pytest.raises(ProtocolError):
        asyncio.run(enrol())
    assert {client["kind"] for client in network.operator.clients()} == {"device"}


def test_without_its_coordinator_the_shop_goes_on(visiting, alone, first):
    visitor = visiting(alone)
    assert visitor.get("/").status_code == 200
    assert visitor.get("/hedgerow/model").content == first.file
    answer = visitor.post("/hedgerow/token")
    assert answer.status_code == 503
    assert answer.json() == {"error": "The federation gives no token now; try later."}


def test_the_model_is_sent_once(visitor, first):
    answer = visitor.get("/hedgerow/model")
    tag = f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.content == first.file
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"old", {tag}'):
        again = visitor.get("/hedgerow/model", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert visitor.get("/hedgerow/model", headers={"if-none-match": '"old"'}).status_code == 200


def test_what_the_sdk_has_to_know(visitor, network, first):
    settings = visitor.get("/hedgerow/settings.json").json()
    assert settings["coordinator"] == network.url
    assert settings["model"] == "/hedgerow/model"
    assert settings["worker"] == "/hedgerow/hedgerow-worker.js"
    live = visitor.get("/hedgerow/live.json").json()
    assert live == {"model": first.hash, "run": 0, "runs": 4, "steps": 3}


def test_no_key_of_an_operator_is_ever_sent(visitor, network):
    key = network.operator.http.headers["authorization"].removeprefix("Bearer ")
    for path in ("/", "/hedgerow/settings.json", "/hedgerow/live.json", "/catalog.json"):
        assert key not in visitor.get(path).text


def test_pages_can_draw_what_the_server_draws(visitor, goods):
    catalog = visitor.get("/catalog.json").json()
    assert set(catalog) == set(goods.by_id)
    for item, told in catalog.items():
        body = "".join(symbols()[part] for part in told["parts"])
        assert Template(body).substitute(told["colours"]) in picture(goods.by_id[item])
        assert (told["title"], told["price"]) == (goods.by_id[item].title, goods.by_id[item].price)


@pytest.mark.parametrize("name", ["hedgerow.js", "hedgerow-worker.js"])
def test_the_sdks_files_are_scripts(visitor, name):
    answer = visitor.get(f"/hedgerow/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/app.py", "/hedgerow/shop.js", "/static/%2e%2e%2fapp.py"]
)
def test_nothing_else_is_served(visitor, path):
    assert visitor.get(path).status_code == 404


def test_a_picture_is_svg(visitor, goods):
    answer = visitor.get(f"/pictures/{goods.products[0].id}.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text == picture(goods.products[0])


def test_the_look_is_that_of_the_report(visitor):
    assert visitor.get("/static/tokens.css").text == asset("tokens.css")
    known = set(re.findall(r"(--[a-z-]+):", asset("tokens.css")))
    for name in ("style.css", "privacy.css"):
        text = visitor.get(f"/static/{name}").text
        own = set(re.findall(r"(--[a-z-]+):", text))
        assert set(re.findall(r"var\((--[a-z-]+)", text)) <= known | own


def test_a_port_that_is_taken_is_said_in_one_sentence():
    with (
        listening(0) as taken,
        pytest.raises(ConfigError, match="choose another with --port"),
        listening(taken.getsockname()[1]),
    ):
        pass
