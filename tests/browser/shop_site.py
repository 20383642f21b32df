"""The shop's own site: one page, the SDK's files, the public model, and tokens."""

from hashlib import sha256
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

DIST = Path(__file__).parents[2] / "sdk" / "dist"

PAGE = b"""<!doctype html><html lang="en"><title>Shop</title><p>Shop
<script type="module" src="/shop.js"></script></html>"""

SCRIPT = b"""
import { Hedgerow } from "/hedgerow/hedgerow.js";
window.told = { round: [], error: [], change: [] };
window.visit = async (options) => {
  const enrol = async () => {
    const answer = await fetch("/token", { method: "POST" });
    if (!answer.ok) throw Error("none");
    return answer.text();
  };
  window.hedgerow = await Hedgerow.create({ ...options, enrol });
  hedgerow.on("round", (part) => told.round.push(part));
  hedgerow.on("change", (what) => told.change.push(what));
  hedgerow.on("error", ({ code, message }) => told.error.push({ code, message }));
};
window.stored = async () => {
  const files = await navigator.storage.getDirectory();
  return [
    await indexedDB.databases(), await caches.keys(), await Array.fromAsync(files.keys()),
    await navigator.serviceWorker.getRegistrations(), Object.keys(localStorage),
    Object.keys(sessionStorage), document.cookie,
  ].flat().filter(Boolean);
};
window.ready = true;
"""

SEEDED = """
const keys = [KEYS];
const drawn = crypto.getRandomValues.bind(crypto);
crypto.getRandomValues = (out) => {
  const key = keys.shift();
  if (!key) return drawn(out);
  out.set(key.match(/../g).map((pair) => parseInt(pair, 16)));
  return out;
};
"""
"""Gives out some keys where random bytes are asked for, and random bytes after that."""

BEHIND_SEEDS = b"""
import "./seeds.js";
import "/hedgerow/hedgerow-worker.js";
export * from "/hedgerow/hedgerow-worker.js";
"""


class Site:
    """What the shop serves, from now on.

    ``model`` is a file, ``tokens`` are given out in turn, ``seeds`` are keys by user, ``fetched``
    says for what scripts were fetched.
    """

    def __init__(self, model):
        self.model, self.tokens, self.seeds, self.coordinator = model, [], {}, ""
        self.fetched = []
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/shop.js", lambda _: _script(SCRIPT)),
                Route("/hedgerow/{name}", self._sdk),
                Route("/seeded/{user:int}/seeds.js", self._seeds),
                Route("/seeded/{user:int}/worker.js", self._behind_seeds),
                Route("/model", self._model),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def _note(self, request):
        """Keep what a script was fetched for: ``worker`` or ``script``."""
        self.fetched.append((request.url.path, request.headers.get("sec-fetch-dest")))

    async def _page(self, request):
        workers = "'none'" if "on-page" in request.query_params else "'self'"
        policy = f"default-src 'self'; connect-src 'self' {self.coordinator}; worker-src {workers}"
        headers = {"content-security-policy": policy}
        return Response(PAGE, media_type="text/html", headers=headers)

    async def _sdk(self, request):
        self._note(request)
        return _script((DIST / request.path_params["name"]).read_bytes())

    async def _behind_seeds(self, request):
        self._note(request)
        return _script(BEHIND_SEEDS)

    async def _seeds(self, request):
        keys = ", ".join(f'"{key.hex()}"' for key in self.seeds[request.path_params["user"]])
        return _script(SEEDED.replace("KEYS", keys))

    async def _model(self, request):
        etag = f'"{sha256(self.model).hexdigest()}"'
        headers = {"etag": etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(self.model, headers=headers)

    async def _token(self, _request):
        if not self.tokens:
            return Response(status_code=403)
        return Response(self.tokens.pop(0), media_type="text/plain")


def _script(body):
    return Response(body, media_type="text/javascript")
