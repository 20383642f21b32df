"""A small OpenID Connect provider that answers as it is told, on a real socket."""

import base64
import hashlib
import json
import secrets
import socket
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

NOW = 1_700_000_000


class FakeProvider:
    """Keeps codes; ``change`` edits the claims, ``make`` the token, of the next ID tokens."""

    client_id, client_secret = "hedgerow console", "s e+c/ret"

    def __init__(self, issuer):
        self.issuer = issuer
        self.reset()

    def reset(self):
        self.keys = {
            "rsa": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
            "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
        }
        self.signing, self.algorithm = "rsa", "RS256"
        self.published = None
        self.codes, self.seen = {}, []
        self.public_client = False
        self.change = lambda claims: claims
        self.make = self.sign
        self.document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        self.answer = None

    def sign(self, claims):
        header = {"alg": self.algorithm, "kid": self.signing}
        return jwt.encode(header, claims, self.keys[self.signing], algorithms=[self.algorithm])

    async def discovery(self, request):
        self.seen.append("discovery")
        return JSONResponse(self.document)

    async def jwks(self, request):
        self.seen.append("keys")
        own = [key.as_dict(private=False) for key in self.keys.values()]
        others = [
            {"kty": "OKP", "crv": "unheard of", "x": "AA"},
            {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"},
            OctKey.import_key(b"k" * 32).as_dict(private=True),
        ]
        return JSONResponse(self.published or {"keys": [*others, *own]})

    async def authorize(self, request):
        query = request.query_params
        assert query["response_type"] == "code"
        assert query["client_id"] == self.client_id
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = dict(query)
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return RedirectResponse(f"{query['redirect_uri']}?{back}")

    async def token(self, request):
        if self.answer is not None:
            return self.answer
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form["code"], None)
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if (
            asked is None
            or not self.knows(request)
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer, "aud": self.client_id, "sub": "anna", "nonce": asked["nonce"],
            "iat": NOW, "exp": NOW + 300, "groups": ["staff", "shop-operators"],
        }  # fmt: skip
        return JSONResponse({"id_token": self.make(self.change(claims)), "token_type": "Bearer"})

    def knows(self, request):
        header = request.headers.get("authorization", "")
        if self.public_client:
            return not header
        name, _, secret = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
        return (unquote(name), unquote(secret)) == (self.client_id, self.client_secret)


@contextmanager
def running():
    """Serve a provider."""
    listening = socket.create_server(("127.0.0.1", 0))
    provider = FakeProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/keys", provider.jwks),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def by_hand(header, claims, signature=lambda text: b""):
    """A token as RFC 7515 has it, by default without a signature."""
    parts = [encoded(json.dumps(part).encode()) for part in (header, claims)]
    text = ".".join(parts)
    return f"{text}.{encoded(signature(text.encode()))}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def query_of(url):
    return {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
