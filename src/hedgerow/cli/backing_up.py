"""What backups do, and what is to be done after a restore."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ConfigError
from hedgerow.privacy.secure.identity import public
from hedgerow.server.operations.archive import Manifest, reading
from hedgerow.server.operations.backup import back_up, check_used
from hedgerow.server.operations.restore import Restored, restore, restore_keys
from hedgerow.server.security import keys, parties
from hedgerow.server.settings import AUTHORITY, COORDINATOR, HELPER, Settings
from hedgerow.server.storage.blobs import Blobs, open_blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.noted import known

_NEW_KEY = (
    "Give the helper new keys before it starts, by 'hedgerow init --role helper' in a new folder: "
    "sums that it answered after the backup are not in it, and with the old ones it could answer "
    "them again."
)
_TOKENS = (
    "Tokens that were redeemed after the backup can be redeemed once more: make the database anew, "
    "and hand fresh ones to those who have not enrolled."
)
_REVOKE = (
    "What happened after the backup is not in it. Revoke again which clients and access keys were "
    "revoked since."
)


def save(
    folder: Path, file: Path, role: str, database: str | None, blobs: str | None, *, with_keys: bool
) -> Manifest:
    """Write a backup and return what it holds; see `back_up`."""
    settings = known(Settings(folder, role, database=database, blobs=blobs))
    opened = Database.open(settings.database_url, upgrade=False)
    try:
        with opened.read() as connection:
            check_used(connection)
        keys_of = folder if with_keys else None
        return back_up(file, opened, _blobs(settings), role=role, secrets_of=keys_of)
    finally:
        opened.close()


def bring_back(
    folder: Path, file: Path, role: str, database: str | None, blobs: str | None
) -> list[str]:
    """Restore a backup and return what to tell; see `restore`."""
    settings = Settings(folder, role, database=database, blobs=blobs)
    with reading(file) as reader:
        if reader.manifest.role != role:
            raise ConfigError(
                f"This is a backup of the {reader.manifest.role}; say so with --role."
            )
        count = restore_keys(reader, folder)
        key = _auditor(settings)
        opened = Database.open(settings.database_url)
        try:
            done = restore(reader, opened, _blobs(settings), key=key, signing=_signing(settings))
        finally:
            opened.close()
    said = f"Restored {len(done.manifest.parts)} parts, {count} key files among them."
    return [said, *(f"- {sentence}" for sentence in _warnings(done))]


def _blobs(settings: Settings) -> Blobs | None:
    return open_blobs(settings.blobs_place) if settings.role == COORDINATOR else None


def _signing(settings: Settings) -> Ed25519PrivateKey | None:
    here = settings.role == COORDINATOR and (settings.folder / keys.COORDINATOR_KEY).is_file()
    return keys.load_coordinator(settings.folder).signing if here else None


def _auditor(settings: Settings) -> bytes:
    """Return the public key that signs the audit log; an authority keeps none."""
    if settings.role == AUTHORITY:
        return public(keys.load_authority(settings.folder))
    return parties.load_deployment(settings.folder).coordinator


def _warnings(done: Restored) -> list[str]:
    if done.manifest.role == HELPER:
        return [f"{done.reports} reports of sums without an answer count as used now.", _NEW_KEY]
    if done.manifest.role == AUTHORITY:
        return [_TOKENS]
    found = [_REVOKE]
    if done.rounds:
        found.append(
            f"{done.rounds} rounds that went on have failed with the code 'restored': clients may "
            "have answered since, and a sum is never opened twice."
        )
    if done.paused:
        found.append(
            f"Tasks are paused: {', '.join(done.paused)}. The ledger lacks what they spent since "
            "the backup. Resume those that spent nothing, and make others anew with a smaller "
            "epsilon."
        )
    return found
