"""People log in at a provider on a real socket, which may answer wrongly in every way."""

import asyncio
import hmac
import re
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from provider import NOW, by_hand, query_of, running
from starlette.responses import JSONResponse, PlainTextResponse

from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.server.security import people
from hedgerow.server.security.access import Principal, Role
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.people import (
    LOGIN_COOKIE,
    SESSION_COOKIE,
    People,
    RoleMap,
    check_origin,
)
from hedgerow.server.security.signed import Signer

SECRET = bytes(range(32))
REDIRECT = "https://shop.example/callback"
ROLES = RoleMap(
    ("groups",),
    {"shop-operators": Role.OPERATOR, "shop-analysts": Role.ANALYST, "audit": Role.AUDITOR},
)


class Time:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def served():
    with running() as provider:
        yield provider


@pytest.fixture
def provider(served):
    served.reset()
    return served


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def console(provider, clock):
    """Our side; each login is one event loop and one client."""
    known = Provider(provider.issuer, provider.client_id, REDIRECT, provider.client_secret)
    memory = {}

    def make(http, settings=known, roles=ROLES):
        return People(OpenID(settings, http, clock, memory), roles, SECRET, clock)

    make.settings = known
    return make


def cookie(redirect, name):
    (found,) = (text for text in redirect.cookies if text.startswith(name + "="))
    assert found.endswith("; Path=/; HttpOnly; Secure; SameSite=Lax")
    return re.match(r"[^=]+=([^;]*)", found)[1]


def log_in(console, following="/models", tamper=lambda answer: answer, wait=0, **settings):
    """Go through a whole login; ``tamper`` edits what comes back to `People.finish`."""

    async def work():
        async with httpx.AsyncClient() as http:
            ours = console(http, **settings)
            begun = await ours.start(following)
            sent_back = (await http.get(begun.url)).headers["location"]
            assert sent_back.startswith(REDIRECT + "?")
            query = query_of(sent_back)
            answer = {
                "state": query["state"],
                "code": query["code"],
                "login": cookie(begun, LOGIN_COOKIE),
                "issuer": query["iss"],
            }
            ours.clock.now += wait
            return ours, *(await ours.finish(**tamper(answer)))

    return asyncio.run(work())


def refused(code, console, match="", **options):
    with pytest.raises(ProtocolError, match=match or None) as error:
        log_in(console, **options)
    assert error.value.code == code


def test_a_person_logs_in(console):
    ours, principal, redirect = log_in(console)
    assert principal == Principal(Role.OPERATOR, "person:anna")
    assert redirect.url == "/models"
    assert cookie(redirect, LOGIN_COOKIE) == ""
    assert ours.read(cookie(redirect, SESSION_COOKIE)) == principal


def test_another_replica_goes_on_with_a_login_and_a_session(console, provider):
    _, principal, redirect = log_in(console)
    assert console(None).read(cookie(redirect, SESSION_COOKIE)) == principal


@pytest.mark.parametrize(("signing", "algorithm"), [("rsa", "PS256"), ("ec", "ES256")])
def test_other_algorithms(console, provider, signing, algorithm):
    provider.signing, provider.algorithm = signing, algorithm
    assert log_in(console)[1].role is Role.OPERATOR


def test_without_a_secret_pkce_remains(console, provider):
    provider.public_client = True
    settings = replace(console.settings, client_secret=None)
    assert log_in(console, settings=settings)[1].role is Role.OPERATOR


def test_a_session_ends(console, clock):
    ours, _, redirect = log_in(console)
    session = cookie(redirect, SESSION_COOKIE)
    clock.now += people.SESSION - 1
    assert ours.read(session)
    clock.now += 1
    with pytest.raises(ProtocolError) as error:
        ours.read(session)
    assert error.value.code == "expired-token"
    (forgotten,) = people.ended().cookies
    assert "Max-Age=0;" in forgotten


def test_only_sessions_are_sessions(console):
    ours, _, redirect = log_in(console)
    session = cookie(redirect, SESSION_COOKIE)
    claims = {"sub": "a", "role": "operator"}
    others = [
        "",
        "é",
        session[:-2],
        Signer(SECRET, "login", REDIRECT, ours.clock).sign(claims, 60),
        Signer(SECRET, "session", "https://other.example", ours.clock).sign(claims, 60),
        Signer(bytes(32), "session", REDIRECT, ours.clock).sign(claims, 60),
        Signer(SECRET, "session", REDIRECT, ours.clock).sign({**claims, "role": "client"}, 60),
    ]
    for other in others:
        with pytest.raises(ProtocolError) as error:
            ours.read(other)
        assert error.value.code == "bad-token"


CHANGES = {
    "wrong nonce": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "other"},
    "audiences of others": {"aud": ["other", "another"]},
    "several audiences": {"aud": ["hedgerow console", "other"]},
    "made for another": {"azp": "other"},
    "wrong issuer": {"iss": "https://other.example"},
    "expired": {"exp": NOW - 61},
    "from the future": {"iat": NOW + 61},
    "no expiry": {"exp": None},
    "expiry in words": {"exp": "tomorrow"},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "long subject": {"sub": "a" * 256},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_token_that_is_not_for_this_login_is_refused(console, provider, change):
    def edit(claims):
        merged = {**claims, **change}
        return {name: value for name, value in merged.items() if value is not None}

    provider.change = edit
    refused("bad-login", console, "ID token")


@pytest.mark.parametrize(
    "change",
    [{"exp": NOW - 59}, {"iat": NOW + 59}, {"aud": ["hedgerow console"]},
     {"aud": ["hedgerow console", "b"], "azp": "hedgerow console"}],
)  # fmt: skip
def test_a_token_that_is_good_enough_is_taken(console, provider, change):
    provider.change = lambda claims: {**claims, **change}
    assert log_in(console)


def signed_by_another(claims):
    key = RSAKey.generate_key(2048, {"kid": "rsa"})
    return jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, key)


def unsigned(claims):
    return by_hand({"alg": "none"}, claims)


def unsigned_with_a_keys_name(claims):
    return by_hand({"alg": "none", "kid": "rsa"}, claims)


def under_the_public_key(provider):
    """The classic confusion: HS256 under the text of the RSA public key."""
    pem = provider.keys["rsa"].as_pem(private=False)
    return lambda claims: by_hand(
        {"alg": "HS256", "kid": "rsa"}, claims, lambda text: hmac.digest(pem, text, "sha256")
    )


def under_a_listed_secret(claims):
    """A provider that lists a symmetric key has told it to everyone."""
    return by_hand({"alg": "HS256"}, claims, lambda text: hmac.digest(b"k" * 32, text, "sha256"))


def damaged(provider):
    def make(claims):
        token = provider.sign(claims)
        place = token.rindex(".") + 10
        return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    return make


def edited(provider):
    def make(claims):
        head, _, signature = provider.sign(claims).split(".")
        other = provider.sign({**claims, "groups": ["shop-operators"], "sub": "eve"}).split(".")[1]
        return f"{head}.{other}.{signature}"

    return make


def test_a_signature_has_to_be_the_providers(console, provider):
    for make in (
        unsigned,
        unsigned_with_a_keys_name,
        signed_by_another,
        under_the_public_key(provider),
        under_a_listed_secret,
        damaged(provider),
        edited(provider),
        lambda claims: "",
        lambda claims: "a.b.c",
        lambda claims: "é",
    ):
        provider.make = make
        refused("bad-login", console, "signature")


def test_a_provider_changes_its_keys(console, provider, clock):
    log_in(console)
    provider.keys = {"new": RSAKey.generate_key(2048, {"kid": "new"})}
    provider.signing = "new"
    refused("bad-login", console, "signature")
    assert provider.seen.count("keys") == 1
    clock.now += 61
    assert log_in(console)
    assert provider.seen.count("keys") == 2


def test_a_key_that_was_withdrawn_is_forgotten(console, provider, clock):
    log_in(console)
    withdrawn = provider.keys["rsa"]
    provider.keys["rsa"] = RSAKey.generate_key(2048, {"kid": "rsa"})
    clock.now += 3601
    provider.change = lambda claims: {**claims, "iat": clock.now, "exp": clock.now + 60}
    provider.make = lambda claims: jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, withdrawn)
    refused("bad-login", console, "signature")


def test_forged_tokens_do_not_flood_the_provider(console, provider):
    provider.make = signed_by_another
    for _ in range(3):
        refused("bad-login", console)
    assert provider.seen == ["discovery", "keys"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("state", "other", "bad-login"),
        ("state", "é", "bad-login"),
        ("code", "other", "bad-login"),
        ("issuer", "https://other.example", "bad-login"),
        ("login", "", "bad-token"),
        ("login", Signer(SECRET, "session", REDIRECT, lambda: NOW).sign({}, 60), "bad-token"),
    ],
)
def test_what_comes_back_has_to_be_of_the_login_that_began(console, name, value, code):
    refused(code, console, tamper=lambda answer: {**answer, name: value})


def test_another_browsers_login_cannot_be_finished_here(console):
    logins = []

    def note(answer):
        logins.append(answer)
        return answer

    log_in(console, tamper=note)
    refused("bad-login", console, tamper=lambda answer: {**answer, "login": logins[0]["login"]})
    # With another's state as well, the verifier is not the one whose hash the code is bound to.
    swapped = ("login", "state")
    refused(
        "bad-login", console,
        tamper=lambda answer: {**answer, **{name: logins[0][name] for name in swapped}},
    )  # fmt: skip


def test_a_code_counts_once(console):
    codes = []

    def note(answer):
        codes.append(answer["code"])
        return answer

    log_in(console, tamper=note)
    refused("bad-login", console, tamper=lambda answer: {**answer, "code": codes[0]})


def test_a_login_takes_no_longer_than_said(console):
    refused("expired-token", console, wait=people.LOGIN)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["shop-analysts", "shop-operators"], Role.OPERATOR),
        (["shop-analysts", "audit"], Role.AUDITOR),
        ("shop-analysts", Role.ANALYST),
        (["other", 3, None, "audit"], Role.AUDITOR),
    ],
)
def test_a_claim_says_the_role(console, provider, groups, role):
    provider.change = lambda claims: {**claims, "groups": groups}
    assert log_in(console)[1].role is role


@pytest.mark.parametrize("groups", [[], "", "operator", ["other"], {"shop-operators": 1}, None, 3])
def test_without_a_role_nobody_comes_in(console, provider, groups):
    provider.change = lambda claims: {**claims, "groups": groups}
    refused("no-role", console)


def test_the_claim_may_lie_deeper():
    roles = RoleMap(("realm_access", "roles"), {"a": Role.ANALYST})
    assert roles.role({"realm_access": {"roles": ["a"]}}) is Role.ANALYST
    for claims in ({}, {"realm_access": "a"}, {"realm_access": {"roles": [["a"]]}}):
        with pytest.raises(ProtocolError) as error:
            roles.role(claims)
        assert error.value.code == "no-role"
    for wrong in (((), {"a": Role.ANALYST}), (("groups",), {"a": Role.CLIENT})):
        with pytest.raises(ConfigError):
            RoleMap(*wrong)


@pytest.mark.parametrize(
    "following",
    ["//evil.example", "/\\evil.example", "https://evil.example", "", "a", "/\t/evil", "/é",
     "/a\r\nSet-Cookie: b", "/" + "a" * 1000],
)  # fmt: skip
def test_after_the_login_people_stay_here(console, following):
    assert log_in(console, following=following)[2].url == "/"


@pytest.mark.parametrize(
    "answer",
    [PlainTextResponse("oops"), PlainTextResponse("oops", 500)],
)
def test_a_provider_out_of_order_is_one_sentence(console, provider, answer):
    provider.answer = answer
    refused("no-provider", console)


@pytest.mark.parametrize("answer", [[], {}, {"id_token": 3}, "text"])
def test_an_answer_without_a_token_is_one_sentence(console, provider, answer):
    provider.answer = JSONResponse(answer)
    refused("bad-login", console)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://other.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": "http://[::1"},
        {"jwks_uri": "https://"},
    ],
)
def test_a_providers_addresses_have_to_be_safe(console, provider, change):
    provider.document.update(change)
    refused("no-provider", console)


@pytest.mark.parametrize("published", [{"keys": 3}, {"keys": [3]}, {"keys": [{"kty": "RSA"}]}, [1]])
def test_keys_that_are_none_are_one_sentence(console, provider, published):
    provider.published = published
    refused("no-provider", console)


def test_a_provider_that_is_not_there_is_one_sentence(console):
    settings = replace(console.settings, issuer="http://127.0.0.1:1")
    refused("no-provider", console, settings=settings)


@pytest.mark.parametrize(
    "change",
    [{"issuer": "http://login.example"}, {"redirect": "http://shop.example"}, {"scopes": ()}],
)
def test_settings_that_are_not_safe_are_refused(console, change):
    with pytest.raises(ConfigError):
        replace(console.settings, **change)


def test_secrets_are_not_printed(console):
    shown = repr(console(None))
    assert "s e+c/ret" not in shown
    assert repr(SECRET) not in shown


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "same-site", "origin": "https://a.example"}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"origin": "https://a.example", "host": "a.example"}, True),
        ("DELETE", {"origin": "https://b.example", "host": "a.example"}, False),
        ("PUT", {"origin": "null", "host": "a.example"}, False),
        ("POST", {"origin": "http://[::1", "host": "a.example"}, False),
        ("POST", {"host": "a.example"}, False),
        ("POST", {}, False),
    ],
)
def test_other_sites_change_nothing(method, headers, passes):
    if passes:
        check_origin(method, headers)
        return
    with pytest.raises(ProtocolError) as error:
        check_origin(method, headers)
    assert error.value.code == "forbidden"
