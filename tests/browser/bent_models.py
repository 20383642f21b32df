"""A coordinator of its own asks and models: golden ones, as they are or bent."""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
from starlette.responses import JSONResponse, Response

from hedgerow.federation.ask import Ask
from hedgerow.federation.invitation import Invitation
from hedgerow.privacy.secure.wire import to_wire

VECTORS = json.loads(
    (Path(__file__).parents[2] / "protocol" / "vectors" / "models.json").read_text()
)

TYPES = {"F32": np.float32, "F64": np.float64}

FILES = {
    hashlib.sha256(file).hexdigest(): file
    for file in (base64.b64decode(told["file"]) for told in VECTORS["models"])
}


def name_of(ask):
    return ask["setting"]["noise"]["name"]


RELEASES = (
    *("best/0", "als-2/1/1/norms", "als-2/1/1~1", "next/3", "next/e1", "shops/3"),
    "bought-next/0",
    "two/3",
)
"""Of all recipes and purposes."""


def asked(told):
    """Return an ask in split mode, with enough noise where there is any."""
    ask = json.loads(told)
    setting = ask["setting"]
    setting["policy"]["secure"] = "split"
    if setting["policy"]["epsilon"] is not None:
        setting["noise"]["multiplier"] = 5.0
    return ask


ASKS = [ask for ask in (asked(told["ask"]) for told in VECTORS["asks"]) if name_of(ask) in RELEASES]

EASY = {"minimum": 2, "adversaries": 0, "dropouts": 0, "epsilon": None}
"""A floor that goes along with all of them."""


def file_of(ask):
    """Return the golden model that an ask is about."""
    return FILES[ask["setting"]["model"]]


def bent(file, change):
    """Change the arrays of floats in a model's file; ``change`` takes and returns one."""
    start = 8 + int.from_bytes(file[:8], "little")
    head, whole = json.loads(file[8:start]), bytearray(file)
    for name, told in head.items():
        kind = TYPES.get(told.get("dtype"))
        if kind:
            begin, end = (start + offset for offset in told["data_offsets"])
            values = np.frombuffer(file[begin:end], kind).reshape(told["shape"])
            whole[begin:end] = change(name, values.copy()).astype(kind).tobytes()
    return bytes(whole)


def hostile(shop, ask, file):
    """Have the door ask for a contribution to a sum of its own, from a model of its own."""
    setting = ask["setting"] | {"model": hashlib.sha256(file).hexdigest()}
    text = json.dumps(ask | {"setting": setting}, separators=(",", ":"), sort_keys=True)
    asked = Ask.from_json(text.encode())
    invitation = to_wire(Invitation(asked.to_json().encode(), asked.terms(0)))

    def instead(method, path):
        if path == "/v1/check-in":
            return JSONResponse({"round": "0", "phase": "report"})
        if path.startswith("/v1/models/"):
            return Response(file)
        if path == "/v1/rounds/0/report" and method == "GET":
            return Response(invitation)
        if path.startswith("/v1/rounds/"):
            return JSONResponse({"error": "too-late", "detail": "It is too late."}, 409)
        return None

    shop.door.instead = instead
