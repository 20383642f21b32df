"""``hedgerow init``: each party's own keys, made where that party runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.errors import ConfigError
from hedgerow.federation.deployment import Deployment
from hedgerow.server.security import files, keys, parties

FILES = parties.FILES
"""What a party's complete folder holds."""

LOCAL = "https://localhost:8443"
"""The coordinator's URL where nothing else is said."""


class PartyName(StrEnum):
    """Whose keys."""

    HELPER = parties.HELPER
    AUTHORITY = parties.AUTHORITY
    COORDINATOR = parties.COORDINATOR


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder for the keys.", show_default=False)],
    *,
    role: Annotated[
        PartyName | None,
        typer.Option(help="Whose keys: each party makes its own, on its own host."),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="A name or address under which the server is reached, besides localhost; "
            "may be given several times.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="At the coordinator: the URL under which clients reach it; by default that of "
            "the first --host at port 8443."
        ),
    ] = None,
    helper: Annotated[
        Path | None,
        typer.Option(help="At the coordinator: helper.json, from whoever runs the helper."),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help="At the coordinator: authority.json, from whoever says who takes part; without "
            "it that is whoever holds the coordinator's host."
        ),
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option(help="At the helper, when its keys are made: deployment.json, to pin it."),
    ] = None,
    rehearsal: Annotated[
        bool,
        typer.Option(
            "--rehearsal",
            help="All parties in one folder, to try things out: it protects nobody from whoever "
            "holds this computer.",
        ),
    ] = False,
) -> None:
    """Make the keys of one party of a deployment; no secret ever leaves its folder.

    The helper and the authority make theirs first and hand out the file that the command names;
    the coordinator makes deployment.json of them, and the helper pins that.
    """
    hosts = tuple(host or ())
    if rehearsal == (role is not None):
        raise ConfigError(
            "Say whose keys to make: --role helper, --role authority or --role coordinator, each "
            "on its own host; or --rehearsal for all of them on this computer, which protects "
            "nobody from whoever holds it."
        )
    _check_options(role, url, helper, authority, deployment)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if deployment is not None:
        pinned = Deployment.from_json(_given(deployment))
        parties.pin(folder, pinned)
        console.print(_pinned(folder, pinned))
        return
    roles = tuple(FILES) if role is None else (role.value,)
    if all((folder / name).is_file() for part in roles for name in FILES[part]):
        console.print(f"{folder} is complete; nothing was changed.")
        return
    address = url or (f"https://{hosts[0]}:8443" if hosts else LOCAL)
    halves = _Halves.read(authority, helper)
    makes: dict[PartyName | None, Callable[[Path], object]] = {
        None: lambda draft: parties.make_rehearsal(draft, address, hosts),
        PartyName.HELPER: lambda draft: parties.make_helper(draft, hosts),
        PartyName.AUTHORITY: lambda draft: parties.make_authority(draft, hosts),
        PartyName.COORDINATOR: lambda draft: halves.make(draft, address, hosts),
    }
    files.make_whole(folder, makes[role])
    console.print(_said(folder, role, halves))


@dataclass(frozen=True)
class _Halves:
    """What the coordinator was handed by the others."""

    authority: parties.Half | None
    helper: parties.Half | None

    @classmethod
    def read(cls, authority: Path | None, helper: Path | None) -> _Halves:
        return cls(
            None if authority is None else parties.read_half(authority, parties.AUTHORITY),
            None if helper is None else parties.read_half(helper, parties.HELPER),
        )

    def make(self, draft: Path, url: str, hosts: Sequence[str]) -> Deployment:
        known = self.authority
        if known is None:
            parties.make_authority(draft, hosts)
            known = parties.read_half(draft / parties.AUTHORITY_HALF, parties.AUTHORITY)
        return parties.make_coordinator(draft, url, known, self.helper, hosts)


def _check_options(
    role: PartyName | None,
    url: str | None,
    helper: Path | None,
    authority: Path | None,
    deployment: Path | None,
) -> None:
    if (helper or authority) is not None and role is not PartyName.COORDINATOR:
        raise ConfigError("Give --helper and --authority with --role coordinator.")
    if url is not None and role not in {None, PartyName.COORDINATOR}:
        raise ConfigError("Give --url with --role coordinator, whose URL it is.")
    if deployment is not None and role is not PartyName.HELPER:
        raise ConfigError("It is the helper that pins a deployment; give --role helper.")


def _given(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}).") from error


def _pinned(folder: Path, deployment: Deployment) -> str:
    return f"""\
The helper in {folder} serves the coordinator {deployment.audience}, and nobody else.
The deployment's fingerprint, which has to be the one that the coordinator's people read to you:

  {deployment.fingerprint}

Next: hedgerow serve {folder} --role helper --host 0.0.0.0"""


def _said(folder: Path, role: PartyName | None, halves: _Halves) -> str:
    if role is None:
        return f"""\
Made a rehearsal in {folder}: the keys of all parties in one folder.
It protects nobody from whoever holds this computer. In earnest each party makes its own keys on its
own host, with --role.

Next: hedgerow serve {folder}"""
    if role is PartyName.COORDINATOR:
        return _of_coordinator(folder, halves)
    half = parties.HELPER_HALF if role is PartyName.HELPER else parties.AUTHORITY_HALF
    after = {
        PartyName.HELPER: "Pin the deployment.json that comes back: "
        f"hedgerow init {folder} --role helper --deployment deployment.json",
        PartyName.AUTHORITY: f"Answer who enrols: hedgerow serve {folder} --role authority",
    }[role]
    backup = {
        PartyName.HELPER: "Keep them here: no copy of these keys belongs where the coordinator's "
        "people can read it.",
        PartyName.AUTHORITY: f"Back {folder} up where nobody else can read it.",
    }[role]
    return f"""\
Made the keys of the {role.value} in {folder}. {backup}

Next:
  1. Hand {folder / half} to whoever runs the coordinator; it holds no secret.
  2. {after}"""


def _of_coordinator(folder: Path, halves: _Halves) -> str:
    notes = []
    if halves.authority is None:
        notes.append(
            f"The enrolment key is on this host ({folder / keys.AUTHORITY_KEY}): whoever holds it "
            "can invent clients. Better somebody else makes it, with --role authority."
        )
    if halves.helper is None:
        notes.append("There is no helper, so split mode is not offered; pairwise is.")
    deployment = parties.load_deployment(folder)
    noted = "".join(f"{note}\n" for note in notes)
    return f"""\
Made the keys of the coordinator in {folder}. Back it up where nobody else can read it.
{noted}The deployment's fingerprint, for everyone who takes part to compare:

  {deployment.fingerprint}

Next:
  1. Hand {folder / parties.DEPLOYMENT} to the helper's people, who pin it, and to everyone who
     joins; and {folder / parties.CA} where clients do not trust the certificate anyway.
  2. Start the coordinator: hedgerow serve {folder}"""
