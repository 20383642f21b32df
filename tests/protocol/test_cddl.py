"""The CDDL says what the dataclasses say, field by field."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from hedgerow.privacy.secure import identity, messages, receipt, session
from hedgerow.privacy.secure.split import messages as split
from hedgerow.privacy.secure.wire import Payload, kind

TEXT = Path(__file__).parents[2].joinpath("protocol", "messages.cddl").read_text()

MODULES = (identity, messages, receipt, session, split)
NOT_ON_THE_WIRE = {"Identity", "Floor"}

STANDALONE_TOO = ("envelope", "verdicts", "agreed-set", "mask-sum")
"""Structures inside messages that are also signed by themselves, under their type."""

NESTED = ("certificate", "signed", "refusal")


def rules():
    """Return the rules by name, without comments and blanks."""
    bare = re.sub(r";.*", "", TEXT)
    found = re.findall(r"^([\w-]+) = (.*?)(?=^[\w-]+ = |\Z)", bare, re.MULTILINE | re.DOTALL)
    return {name: " ".join(body.split()) for name, body in found}


RULES = rules()


def entries(body):
    """Return a map's or a group's entries in order, groups unfolded."""
    found = {}
    for entry in filter(None, (part.strip() for part in body.strip("{}() ").split(","))):
        if ":" in entry:
            name, kind_of = entry.split(":", 1)
            found[name.strip()] = kind_of.strip()
        else:
            found |= entries(RULES[entry])
    return found


def messages_of_the_code():
    found = {}
    for module in MODULES:
        for value in vars(module).values():
            if is_dataclass(value) and value.__module__ == module.__name__:
                found[value.__name__] = value
    return {name: cls for name, cls in found.items() if name not in NOT_ON_THE_WIRE}


def resolved(text):
    """Return a CDDL type with its names replaced by what they stand for, but for structures."""
    names = {"key32", "signature64", "merkle-path", "word64", "name", "bitmap"}
    return re.sub(r"[a-z][\w-]*", lambda m: RULES[m[0]] if m[0] in names else m[0], text)


def in_cddl(hint):
    """Return an annotation as CDDL."""
    if get_origin(hint) is Annotated:
        inner, bounds = get_args(hint)
        least, most = bounds.least, bounds.most
        if get_origin(inner) is tuple:
            return f"[{least}*{most} {in_cddl(get_args(inner)[0])}]"
        size = str(least) if least == most else f"({least}..{most})"
        return f"{in_cddl(inner)} .size {size}"
    if is_dataclass(hint):
        return kind(hint)
    scalars = {int: "0..18446744073709551615", str: "tstr", bool: "bool"}
    return {**scalars, bytes: "bstr", Payload: "bstr"}[hint]


@pytest.mark.parametrize("cls", messages_of_the_code().values(), ids=lambda cls: cls.__name__)
def test_every_message_has_its_rule(cls):
    name = kind(cls)
    hints = get_type_hints(cls, include_extras=True)
    expected = {field.name: in_cddl(hints[field.name]) for field in fields(cls)}
    typed = {"type": f'"{name}"'} | expected
    rule = {key: resolved(value) for key, value in entries(RULES[name]).items()}
    assert rule == (expected if name in NESTED + STANDALONE_TOO else typed)
    if name in STANDALONE_TOO:
        signed = entries(RULES[f"{name}-to-sign"])
        assert {key: resolved(value) for key, value in signed.items()} == typed


def test_every_rule_has_its_message():
    code = {kind(cls) for cls in messages_of_the_code().values()}
    parts = {"key32", "signature64", "merkle-path", "word64", "name", "bitmap"}
    parts |= {f"{name}{end}" for name in STANDALONE_TOO for end in ("-fields", "-to-sign")}
    assert RULES.keys() - parts == code
