"""A coordinator that speaks the protocol and serves what it likes; it notes all that clients do."""

import asyncio
import hashlib
import json
import re
from collections import defaultdict

import numpy as np
from client_support import AUTHORITY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hedgerow.federation.ask import EVALUATION, NORMS, STEP, Ask, step_of
from hedgerow.federation.invitation import Invitation
from hedgerow.federation.setting import Noise, Setting
from hedgerow.models.expected import SMALLEST
from hedgerow.models.file import KIND
from hedgerow.models.registry import options_of
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.messages import Advert, Masked, Reveal, Shares
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.tensors import Tensors, write_tensors

KEY = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
"""The coordinator's own."""

AFTER = {"advert": "shares", "shares": "masked", "masked": "unmask", "reveal": "done"}
"""Which phase is told once everybody has sent a kind of message."""


class Coordinator:
    """What it serves is set before each round.

    Parameters
    ----------
    clients
        How many there are.
    """

    def __init__(self, clients):
        self.clients, self.requests = clients, defaultdict(list)
        self.app = Starlette(
            routes=[
                Route("/v1/token", self._token, methods=["POST"]),
                Route("/v1/check-in", self._check_in, methods=["POST"]),
                Route("/v1/rounds/{name}/{phase}", self._told, methods=["GET"]),
                Route("/v1/rounds/{name}/{kind}", self._take, methods=["PUT"]),
                Route("/v1/models/{name}", self._model, methods=["GET"]),
            ]
        )

    def serve(self, ask, body):
        """Ask for a sum with a file as the public model."""
        self.ask, self.body, self.terms = ask, body, ask.terms(0)
        self.round = hashlib.sha256(ask.release.encode()).hexdigest()[:32]
        self.places, self.came, self.reached = {}, defaultdict(set), defaultdict(asyncio.Event)
        self.requests.clear()
        if self.ask.policy.secure == "pairwise":
            self.server = Server(self.terms, public(AUTHORITY), KEY)

    async def _note(self, request):
        body = await request.body()
        shown = request.headers.get("authorization", "")
        client = shown.removeprefix("Bearer ") or json.loads(body)["client"]
        # A timestamp's digits and the like do not vary in number.
        self.requests[client].append((request.method, str(request.url.path), len(body)))
        return client, body

    async def _token(self, request):
        client, _ = await self._note(request)
        return JSONResponse({"token": client})

    async def _check_in(self, request):
        await self._note(request)
        phase = "keys" if self.ask.policy.secure == "pairwise" else "report"
        return JSONResponse({"round": self.round, "phase": phase})

    async def _model(self, request):
        await self._note(request)
        return Response(self.body)

    async def _told(self, request):
        client, _ = await self._note(request)
        phase = request.path_params["phase"]
        if phase in {"keys", "report"}:
            return Response(to_wire(Invitation(self.ask.to_json().encode(), self.terms)))
        if phase == "done":
            return JSONResponse({"error": "unknown-round", "detail": "It is gone."}, 404)
        await self.reached[phase].wait()
        place = self.places[client]
        told = {
            "shares": lambda: self.server.opening(place),
            "masked": lambda: self.server.delivery(place),
            "unmask": lambda: self.survivors,
        }
        return Response(to_wire(told[phase]()))

    async def _take(self, request):
        client, body = await self._note(request)
        kind = request.path_params["kind"]
        if kind == "report":
            return JSONResponse({})
        server = self.server
        if kind == "advert":
            self.places[client] = server.join(from_wire(Advert, body))
        else:
            feed = {
                "shares": (server.share, Shares),
                "masked": (server.upload, Masked),
                "reveal": (server.reveal, Reveal),
            }
            take, cls = feed[kind]
            take(self.places[client], from_wire(cls, body))
        self.came[kind].add(client)
        if len(self.came[kind]) == self.clients:
            if kind == "advert":
                server.close_adverts()
            elif kind == "shares":
                server.close_shares()
            elif kind == "masked":
                self.survivors = server.close_uploads()
            else:
                self.outcome = server.finish()
            self.reached[AFTER[kind]].set()
        return JSONResponse({})

    def seen(self, client):
        """What was seen of a client, without the names that are its own."""
        return [(method, re.sub(client, "*", path), size) for method, path, size in
                self.requests[client]]  # fmt: skip


def file_of(folder, recipe, arrays, number, items, /, **head):
    """Return the bytes of a model's file, as anybody may make it."""
    path = folder / "model"
    names = [f"i{item}" for item in range(items)]
    head = {
        "model": recipe.name,
        "options": json.dumps(options_of(recipe)),
        "round": str(number),
        "items": json.dumps(names),
        "titles": json.dumps(names),
        **head,
    }
    write_tensors(path, Tensors(arrays, head), KIND)
    return path.read_bytes()


def ask_for(recipe, state, body, /, *, secure, clients, purpose=STEP, **changed):
    """Return an ask whose sizes are those of an honest state."""
    policy = Policy(
        epsilon=4.0, secure=secure, minimum=2, adversaries=0.0, dropouts=0.0, semi_malicious=False
    )
    step = step_of(recipe, state, purpose, private=True, k=10, repeats=False)
    model = hashlib.sha256(body).digest()
    release = f"{recipe.name}/{secure}/{purpose}/{model.hex()}"
    sized = [(clients, clients)]
    setting = Setting.of(policy, Noise(release, 1.0, 4.0), step.schema.size, sized, model)
    parts = {
        "task": "hostile",
        "purpose": purpose,
        "recipe": recipe.name,
        "delta": 1e-6,
        "k": 10,
        "repeats": False,
        "held_out": purpose == EVALUATION,
        "setting": setting,
    }
    return Ask(**{**parts, **changed})


def purposes(recipe, states):
    """Give what may be asked of a model: its steps, the norms of the first, its quality."""
    for state in states[:-1]:
        yield STEP, state
    yield NORMS, states[0]
    yield EVALUATION, states[-1]


def rows(array, items):
    """Return a copy, and where in it the first half of the items is; all of it for other shapes."""
    copy = np.array(array)
    return copy, (slice(0, items // 2) if copy.ndim and len(copy) == items else ...)


def spoilt(state, items):
    """Give arrays and rounds that no client should compute from, by what is wrong with them."""
    floats = [name for name, array in state.arrays.items() if array.dtype.kind == "f"]
    for what, value in {
        "no numbers": np.nan,
        "infinite": np.inf,
        "beyond": -1e30,
        "denormal": 1e-40,
    }.items():
        for name in floats:
            copy, where = rows(state.arrays[name], items)
            copy[where] = value
            yield f"{what} in {name}", {**state.arrays, name: copy}, state.round
    first = floats[0]
    wider = np.concatenate([state.arrays[first]] * 2)
    yield "too long", {**state.arrays, first: wider}, state.round
    yield "in 16 bits", {**state.arrays, first: state.arrays[first].astype(np.float16)}, state.round
    missing = {name: array for name, array in state.arrays.items() if name != first}
    yield "missing", missing, state.round
    yield "one more", {**state.arrays, "more": np.zeros(3)}, state.round
    yield "round below 0", dict(state.arrays), -1
    yield "no such round", dict(state.arrays), 10_000


def at_limits(recipe, state, items, *, all_of_them):
    """Give states that pass the check and are as far from any that was ever learned as they can.

    The first tells the first half of the items from the others.
    """
    wanted = recipe.expects(items, state.round)
    drawn = np.random.default_rng(state.round)

    def filled(value):
        arrays = dict(state.arrays)
        for name, expected in wanted.items():
            if arrays[name].dtype.kind == "f":
                full = np.zeros_like(arrays[name])
                full[...] = value(full.T, expected).T
                arrays[name] = full
        return arrays

    half = np.arange(items) < items // 2
    yield "half", filled(lambda a, e: e.high * (half if a.shape[-1] == items else 1) + 0 * a)
    if all_of_them:
        yield "either", filled(lambda a, e: np.where(drawn.random(a.shape) < 0.5, e.low, e.high))
        yield "tiniest", filled(lambda a, e: SMALLEST + 0 * a)
