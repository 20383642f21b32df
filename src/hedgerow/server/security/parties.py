"""What the parties of a deployment hand one another: public halves, exchanged and pinned.

The helper and the authority each write one small file; the coordinator makes the deployment's file
of them, whose fingerprint all compare; and the helper pins that. No secret leaves its host.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.addresses import check_url
from hedgerow.errors import ConfigError
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.split.helper import HelperKeys
from hedgerow.server.security import certificates, files, keys

COORDINATOR, HELPER, AUTHORITY = "coordinator", "helper", "authority"

HELPER_HALF, AUTHORITY_HALF = "public/helper.json", "public/authority.json"
"""What the helper and the authority hand out."""

DEPLOYMENT, CA = "public/deployment.json", "public/ca.pem"
"""What the coordinator hands out: who the servers are, and who vouches for its TLS."""

FILES = {
    role: (*keys.FILES[role], *(f"{role}/{name}" for name in certificates.FILES), *handed)
    for role, handed in {
        HELPER: (HELPER_HALF,),
        AUTHORITY: (AUTHORITY_HALF,),
        COORDINATOR: (DEPLOYMENT, CA),
    }.items()
}
"""What the folder of each party holds when it is made."""


@dataclass(frozen=True)
class Half:
    """The public half of a helper or of an authority.

    Parameters
    ----------
    role
        Whose.
    signing
        Its Ed25519 public key.
    sealing
        The helper's X25519 public key; None of an authority.
    ca
        Who vouches for its TLS, as PEM; None where the system's authorities do.
    """

    role: str
    signing: bytes
    sealing: bytes | None
    ca: str | None

    def to_json(self) -> bytes:
        """Return the half as its file holds it."""
        values: dict[str, Any] = {"role": self.role, "signing": self.signing.hex()}
        if self.sealing is not None:
            values["sealing"] = self.sealing.hex()
        return json.dumps({**values, "ca": self.ca}, indent=2).encode() + b"\n"


def read_half(path: Path, role: str) -> Half:
    """Return the public half of a role from a file.

    Raises
    ------
    ConfigError
        It is none, or another party's.
    """
    try:
        values = json.loads(files.read(path))
        found = values.pop("role")
        ca = values.pop("ca")
        halves = {name: bytes.fromhex(value) for name, value in values.items()}
        half = Half(found, halves.pop("signing"), halves.pop("sealing", None), ca)
        lengths = {len(half.signing), len(half.sealing or half.signing)}
        whole = not halves and lengths == {32} and (ca is None or isinstance(ca, str))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no_half(path, role) from error
    if not whole or found != role or (half.sealing is None) == (role == HELPER):
        raise _no_half(path, role)
    return half


def make_helper(folder: Path, hosts: Sequence[str] = ()) -> None:
    """Draw a helper's keys in its folder, and write down its public half.

    Parameters
    ----------
    folder
        The helper's.
    hosts
        Under which the server is reached, besides this computer.

    Raises
    ------
    ConfigError
        A key is there already, or a name is not a host's.
    """
    _make(folder, HELPER, hosts)
    own = keys.load_helper(folder)
    sealing = own.sealing.public_key().public_bytes_raw()
    half = Half(HELPER, public(own.signing), sealing, _ca(folder, HELPER))
    files.write_once(folder / HELPER_HALF, half.to_json(), files.PUBLIC)


def make_authority(folder: Path, hosts: Sequence[str] = ()) -> None:
    """Draw the enrolment authority's key in its folder; as of `make_helper`."""
    _make(folder, AUTHORITY, hosts)
    own = public(keys.load_authority(folder))
    half = Half(AUTHORITY, own, None, _ca(folder, AUTHORITY))
    files.write_once(folder / AUTHORITY_HALF, half.to_json(), files.PUBLIC)


def make_coordinator(
    folder: Path, url: str, authority: Half, helper: Half | None = None, hosts: Sequence[str] = ()
) -> Deployment:
    """Draw the coordinator's keys in its folder, and write down who the servers are.

    Parameters
    ----------
    folder
        The coordinator's.
    url
        Under which clients reach it.
    authority, helper
        The public halves of the others; without a helper there is no split mode.
    hosts
        Under which the server is reached, besides this computer.

    Raises
    ------
    ConfigError
        A key is there already, or a name is not a host's, or the URL could be somebody else's.
    """
    check_url(url)
    _make(folder, COORDINATOR, hosts)
    signing = public(keys.load_coordinator(folder).signing)
    theirs = (None, None) if helper is None else (helper.signing, helper.sealing)
    made = Deployment(url, authority.signing, signing, *theirs)
    ca = files.read(folder / COORDINATOR / certificates.CA)
    files.write_once(folder / CA, ca, files.PUBLIC)
    for half, place in ((authority, AUTHORITY_HALF), (helper, HELPER_HALF)):
        if half is not None and not (folder / place).exists():
            files.write_once(folder / place, half.to_json(), files.PUBLIC)
    files.write_once(folder / DEPLOYMENT, made.to_json().encode(), files.PUBLIC)
    return made


def make_rehearsal(folder: Path, url: str, hosts: Sequence[str] = ()) -> Deployment:
    """Make all parties in one folder, which protects nobody from whoever holds it."""
    make_helper(folder, hosts)
    make_authority(folder, hosts)
    halves = (
        read_half(folder / AUTHORITY_HALF, AUTHORITY),
        read_half(folder / HELPER_HALF, HELPER),
    )
    return make_coordinator(folder, url, *halves, hosts)


def pin(folder: Path, deployment: Deployment) -> None:
    """Have a helper serve a deployment, and no other.

    Parameters
    ----------
    folder
        The helper's.
    deployment
        As its coordinator wrote it down.

    Raises
    ------
    ConfigError
        The helper's keys are not those in it, or another one is pinned.
    """
    _check_helper(folder, deployment)
    if (folder / DEPLOYMENT).exists():
        if load_deployment(folder) != deployment:
            raise ConfigError(
                f"The helper in {folder} has pinned another deployment; a helper serves one. "
                "Make another folder for this one."
            )
        return
    files.write_once(folder / DEPLOYMENT, deployment.to_json().encode(), files.PUBLIC)


def load_deployment(folder: Path) -> Deployment:
    """Return who the servers are, from a party's folder.

    Raises
    ------
    ConfigError
        It is missing or damaged.
    """
    return Deployment.from_json(files.read(folder / DEPLOYMENT))


def coordinator_of(folder: Path) -> tuple[Deployment, keys.CoordinatorKeys]:
    """Return the deployment and the secrets of the coordinator in a folder.

    Raises
    ------
    ConfigError
        One is missing or damaged, or the keys are not those that clients know.
    """
    deployment, own = load_deployment(folder), keys.load_coordinator(folder)
    if public(own.signing) != deployment.coordinator:
        raise _not_its_own(folder, COORDINATOR)
    return deployment, own


def authority_of(folder: Path, deployment: Deployment) -> Ed25519PrivateKey | None:
    """Return the enrolment authority's key where the coordinator holds it; None where it is apart.

    Raises
    ------
    ConfigError
        It is damaged, or not that of the deployment.
    """
    if not (folder / keys.AUTHORITY_KEY).exists():
        return None
    own = keys.load_authority(folder)
    if public(own) != deployment.authority:
        raise _not_its_own(folder, AUTHORITY)
    return own


def helper_of(folder: Path) -> tuple[Deployment, HelperKeys]:
    """Return the pinned deployment and the secrets of the helper in a folder.

    Raises
    ------
    ConfigError
        One is missing or damaged, no deployment is pinned, or one with other keys.
    """
    own = keys.load_helper(folder)
    if not (folder / DEPLOYMENT).exists():
        raise ConfigError(
            "This helper does not know its coordinator; pin the deployment.json that the "
            f"coordinator made: hedgerow init {folder} --role helper --deployment deployment.json."
        )
    deployment = load_deployment(folder)
    _check_helper(folder, deployment)
    return deployment, own


def _make(folder: Path, role: str, hosts: Sequence[str]) -> None:
    certificates.create(folder, role, hosts)
    keys.create(folder, role)
    (folder / "public").mkdir(mode=0o700, exist_ok=True)


def _ca(folder: Path, role: str) -> str:
    return files.read(folder / role / certificates.CA).decode()


def _check_helper(folder: Path, deployment: Deployment) -> None:
    own = keys.load_helper(folder)
    found = public(own.signing), own.sealing.public_key().public_bytes_raw()
    if found != (deployment.helper, deployment.sealing):
        raise _not_its_own(folder, HELPER)


def _not_its_own(folder: Path, role: str) -> ConfigError:
    return ConfigError(
        f"The deployment names another {role} than the one whose keys are in {folder}; nobody who "
        f"pinned the deployment would trust it."
    )


def _no_half(path: Path, role: str) -> ConfigError:
    return ConfigError(
        f"{path} is not the file {role}.json that 'hedgerow init --role {role}' wrote; ask for it "
        "again."
    )
