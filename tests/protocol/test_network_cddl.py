"""The CDDL of the network says what the dataclasses say, and names the bodies of all routes."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from hedgerow.federation.invitation import Counted, Invitation
from hedgerow.privacy.secure.wire import Key32, kind
from hedgerow.server.helper.remote import PREFIX
from hedgerow.server.routes import helper
from hedgerow.server.routes.agents import PHASE_OF
from hedgerow.server.routes.schema import TELLS

FOLDER = Path(__file__).parents[2] / "protocol"


def rules(name):
    """Return the rules of a file by name, without comments and blanks."""
    bare = re.sub(r";.*", "", (FOLDER / name).read_text())
    found = re.findall(r"^([\w-]+) =(.*?)(?=^[\w-]+ =|\Z)", bare, re.MULTILINE | re.DOTALL)
    return {rule: " ".join(body.split()) for rule, body in found}


MESSAGES, NETWORK = rules("messages.cddl"), rules("network.cddl")


def entries(body):
    parts = filter(None, (part.strip() for part in body.strip("{} ").split(",")))
    return dict(tuple(map(str.strip, part.split(":", 1))) for part in parts)


def in_cddl(hint):
    if not hasattr(hint, "__metadata__"):
        return f"{kind(hint)}-inside"
    (bounds,) = hint.__metadata__
    return "key32" if hint == Key32 else f"bstr .size ({bounds.least}..{bounds.most})"


@pytest.mark.parametrize("cls", [Invitation, Counted])
def test_every_message_has_its_rule(cls):
    hints = get_type_hints(cls, include_extras=True)
    expected = {field.name: in_cddl(hints[field.name]) for field in fields(cls)}
    assert entries(NETWORK[kind(cls)]) == {"type": f'"{kind(cls)}"', **expected}


@pytest.mark.parametrize("name", ["terms", "receipt", "inclusion"])
def test_what_stands_inside_is_the_same_without_its_type(name):
    whole = entries(MESSAGES[name])
    assert whole.pop("type") == f'"{name}"'
    assert entries(NETWORK[f"{name}-inside"]) == whole


def test_what_both_files_name_is_the_same():
    for name in MESSAGES.keys() & NETWORK.keys():
        assert MESSAGES[name] == NETWORK[name]


def test_the_bodies_of_routes_are_those_of_the_code():
    def named(rule):
        found = set(NETWORK[rule].split(" / "))
        assert found <= MESSAGES.keys() | NETWORK.keys()
        return found

    assert named("upload-body") == set(PHASE_OF)
    assert named("told-body") == {name for told in TELLS.values() for name in told.split(" or ")}
    assert named("helper-body") == {"invitation", "forward", "collect"}
    assert named("helper-answer") == {"signed-verdicts", "signed-mask-sum"}
    paths = {route.path for route in helper.routes()}
    assert paths == {f"{PREFIX}{name}" for name in ("begin", "judge", "collect")}
