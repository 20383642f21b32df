"""The profile: who an agent is and whom it deals with, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.addresses import check_url
from hedgerow.client import files
from hedgerow.client.connection import Tls
from hedgerow.client.guard import Guard
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.identity import Certificate, Identity, public
from hedgerow.privacy.secure.session import SPLIT
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.privacy.secure.wire import from_wire, to_wire

DEVICE, SILO = "device", "silo"

KEY, CERTIFICATE, SETTINGS = "client.key", "certificate.cbor", "profile.json"
"""The files of a profile."""

VERSION = 1


@dataclass(frozen=True)
class Profile:
    """An agent's identity and its settings.

    Parameters
    ----------
    folder
        Where they are.
    key
        The client's Ed25519 key.
    coordinator
        URL; ``http`` goes only to this computer.
    deployment
        The public keys of the servers and of who enrols, which come from somebody who is trusted
        and not from the coordinator.
    kind
        ``device`` (one user) or ``silo``.
    users
        The most users that it promises to hold.
    tls
        Files for connections.
    guard
        What it insists on.
    certificate
        Given at enrolment; None before.
    """

    folder: Path
    key: Ed25519PrivateKey = field(repr=False, compare=False)
    coordinator: str
    deployment: Deployment
    kind: str = DEVICE
    users: int = 1
    tls: Tls = field(default_factory=Tls)
    guard: Guard = field(default_factory=Guard)
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        check_url(self.coordinator)
        _check(self.kind in {DEVICE, SILO}, f"A client is a {DEVICE} or a {SILO}.")
        counted = type(self.users) is int and self.users >= 1
        _check(counted, "A client holds at least one user.")
        _check(self.kind == SILO or self.users == 1, "A device holds one user; enrol a silo.")
        split = SPLIT in self.guard.modes and self.deployment.helper is None
        _check(not split, "This deployment has no helper; have the guard refuse split mode.")

    @classmethod
    def create(
        cls,
        folder: Path,
        coordinator: str,
        deployment: Deployment,
        *,
        kind: str = DEVICE,
        users: int = 1,
        tls: Tls | None = None,
        guard: Guard | None = None,
        key: Ed25519PrivateKey | None = None,
        certificate: Certificate | None = None,
    ) -> Self:
        """Make a profile.

        Parameters
        ----------
        folder
            Made where it is missing.
        coordinator, deployment, kind, users, tls, guard, key, certificate
            As of the class; a fresh key by default. Where the deployment has no helper, the guard
            gets stricter: split mode is refused.

        Raises
        ------
        ConfigError
            The folder has a profile, a value does not fit, or the certificate is not from the
            authority that the deployment names.
        """
        _check(
            not (folder / SETTINGS).exists(),
            f"{folder} has a profile already; use it, or name another folder.",
        )
        made = cls(
            folder,
            key or Ed25519PrivateKey.generate(),
            coordinator,
            deployment,
            kind,
            users,
            tls or Tls(),
            _fitting(guard or Guard(), deployment),
        )
        if certificate is not None:
            made = replace(made, certificate=made._checked(certificate))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {folder} cannot be made: {error.strerror}.") from error
        # The settings last: where they are, the profile is whole.
        files.write_key(folder / KEY, made.key)
        if certificate is not None:
            files.write(folder / CERTIFICATE, to_wire(certificate))
        made.save()
        return made

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a profile.

        Raises
        ------
        ConfigError
            A file is missing, damaged, or a key that others can read.
        """
        try:
            values = json.loads(files.read(folder / SETTINGS))
            _check(
                values.pop("version") == VERSION,
                f"The profile in {folder} is of another version of Hedgerow; update it.",
            )
            parts: Mapping[str, Any] = {
                **values,
                "deployment": Deployment.from_values(values["deployment"]),
                "tls": Tls(**values["tls"]),
                "guard": Guard.from_json(values["guard"]),
            }
            found = cls(folder=folder, key=files.load_key(folder / KEY), **parts)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"The profile {folder / SETTINGS} cannot be read ({error}); restore it."
            ) from error
        if not (folder / CERTIFICATE).exists():
            return found
        try:
            certificate = from_wire(Certificate, files.read(folder / CERTIFICATE))
        except ProtocolError as error:
            raise ConfigError(f"The certificate in {folder} is damaged; restore it.") from error
        return replace(found, certificate=found._checked(certificate))

    def save(self) -> None:
        """Write the settings down, whole or not at all."""
        values = {
            "version": VERSION,
            "coordinator": self.coordinator,
            "deployment": self.deployment.to_values(),
            "kind": self.kind,
            "users": self.users,
            "tls": asdict(self.tls),
            "guard": self.guard.to_json(),
        }
        files.write(self.folder / SETTINGS, json.dumps(values, indent=2).encode())

    def enrolled(self, certificate: Certificate) -> Self:
        """Keep the certificate that the authority gave, and return the profile with it.

        Raises
        ------
        ConfigError
            It is not this client's, or not from the authority that the profile names.
        """
        self._checked(certificate)
        files.write(self.folder / CERTIFICATE, to_wire(certificate))
        return replace(self, certificate=certificate)

    @property
    def identity(self) -> Identity:
        """The key with its certificate.

        Raises
        ------
        ConfigError
            The client is not enrolled yet.
        """
        if self.certificate is None:
            raise ConfigError("This client is not enrolled yet; join with an enrolment token.")
        return Identity(self.key, self.certificate)

    @property
    def servers(self) -> Servers:
        """The two servers of split mode."""
        return self.deployment.servers

    def _checked(self, certificate: Certificate) -> Certificate:
        _check(
            certificate.key == public(self.key), "The certificate is for another key; enrol anew."
        )
        try:
            certificate.check(self.deployment.authority)
        except ProtocolError as error:
            raise ConfigError(
                "The certificate is not from the authority that the profile names; enrol anew."
            ) from error
        return certificate


def _fitting(guard: Guard, deployment: Deployment) -> Guard:
    if deployment.helper is not None:
        return guard
    return replace(guard, modes=tuple(mode for mode in guard.modes if mode != SPLIT))


def _check(condition: object, sentence: str) -> None:
    if not condition:
        raise ConfigError(sentence)
