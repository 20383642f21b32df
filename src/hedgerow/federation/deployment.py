"""Who a deployment's servers are: public keys that clients and the helper pin.

Clients learn them from whoever they trust and not from the coordinator, which could name a helper
or an authority of its own making; or they learn the fingerprint, and compare.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Self

from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.split.messages import Servers

_FINGERPRINT = b"hedgerow/deployment/v1\0"
_DIGITS = 64
_GROUP = 4
_KEY = re.compile(r"[0-9a-f]{64}")
_SEPARATORS = re.compile(r"[\s:.-]+")

KEYS = ("authority", "coordinator", "helper", "sealing")
"""Which parts are keys, in hexadecimal in JSON."""

HOW = (
    "give --deployment with the deployment.json that its operator handed you, or --fingerprint "
    "with the text that the operator reads to you, by another way than from the coordinator"
)
"""How one comes to know the servers' keys."""


@dataclass(frozen=True)
class Deployment:
    """Who the servers are.

    Parameters
    ----------
    audience
        The deployment's name, to which logins are bound: the coordinator's URL.
    authority, coordinator
        Ed25519 public keys, 32 bytes: of who enrols clients, and of the coordinator.
    helper, sealing
        Of the helper: the Ed25519 key with which it signs, and the X25519 key that seeds are
        sealed to. None where there is no helper, and so no split mode.

    Raises
    ------
    ConfigError
        A key has another length, two parties have one key, or one of the helper's is missing.
    """

    audience: str
    authority: bytes
    coordinator: bytes
    helper: bytes | None = None
    sealing: bytes | None = None

    def __post_init__(self) -> None:
        known = [key for name in KEYS if (key := getattr(self, name)) is not None]
        if not all(isinstance(key, bytes) and len(key) == 32 for key in known):
            raise ConfigError("A public key of a deployment has 32 bytes.")
        if (self.helper is None) != (self.sealing is None):
            raise ConfigError("A helper has two keys; a deployment names both or none.")
        if self.helper == self.coordinator:
            raise ConfigError("The helper's key is the coordinator's; the two are two parties.")

    @property
    def servers(self) -> Servers:
        """The two servers of split mode; a helper that is not there has empty keys."""
        return Servers(self.coordinator, self.helper or b"", self.sealing or b"")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the canonical JSON, in groups of hexadecimal digits to read aloud."""
        canonical = json.dumps(self.to_values(), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(_FINGERPRINT + canonical.encode()).hexdigest()
        return " ".join(digest[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))

    def check(self, fingerprint: str) -> None:
        """Refuse a deployment that is not the one of a fingerprint.

        Parameters
        ----------
        fingerprint
            As `fingerprint`, whatever its case and whatever is between the digits.

        Raises
        ------
        ConfigError
            It is another's, or no fingerprint.
        """
        if digits_of(fingerprint) != digits_of(self.fingerprint):
            raise ConfigError(
                "The coordinator offers other keys than those of this fingerprint; do not join "
                "it, and tell whoever gave you the fingerprint."
            )

    def to_values(self) -> dict[str, str | None]:
        """Return the deployment as plain JSON; :meth:`from_values` gives it again."""
        keys = {name: getattr(self, name) for name in KEYS}
        hexadecimal = {name: key and key.hex() for name, key in keys.items()}
        return {"audience": self.audience, **hexadecimal}

    def to_json(self) -> str:
        """Return the deployment as its file holds it; :meth:`from_json` gives it again."""
        return json.dumps(self.to_values(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a deployment.

        Raises
        ------
        ConfigError
            It is no JSON as `to_json` gives it.
        """
        try:
            return cls.from_values(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise _unreadable() from error

    @classmethod
    def from_values(cls, values: Any) -> Self:
        """Read a deployment from JSON that is parsed already.

        Raises
        ------
        ConfigError
            Something is missing, left over, or of another form.
        """
        names = {"audience", *KEYS}
        if not isinstance(values, dict) or values.keys() != names:
            raise _unreadable()
        audience = values["audience"]
        if not isinstance(audience, str) or not 0 < len(audience) <= 1000:
            raise _unreadable()
        authority, coordinator, helper, sealing = (_unhex(values[name]) for name in KEYS)
        if authority is None or coordinator is None:
            raise _unreadable()
        return cls(audience, authority, coordinator, helper, sealing)


def digits_of(fingerprint: str) -> str:
    """Return the digits of a fingerprint.

    Raises
    ------
    ConfigError
        It is no fingerprint.
    """
    digits = _SEPARATORS.sub("", fingerprint).lower()
    if not _KEY.fullmatch(digits):
        raise ConfigError(
            f"A fingerprint has {_DIGITS} hexadecimal digits, as 'hedgerow init' prints it."
        )
    return digits


def _unhex(text: Any) -> bytes | None:
    if text is None:
        return None
    if not isinstance(text, str) or not _KEY.fullmatch(text):
        raise _unreadable()
    return bytes.fromhex(text)


def _unreadable() -> ConfigError:
    return ConfigError(
        "This is not the deployment.json that 'hedgerow init' wrote at the coordinator: JSON with "
        "audience, authority, coordinator, helper and sealing; ask for it again."
    )
