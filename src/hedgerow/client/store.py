"""The local store: all that an agent keeps besides its key, in one folder."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path

from hedgerow.client.account import HEAD, Account
from hedgerow.client.consent import ConsentBook
from hedgerow.client.database import Clock, LocalDatabase
from hedgerow.client.history import History
from hedgerow.client.journal import Journal
from hedgerow.client.opting_out import OptOuts
from hedgerow.errors import ConfigError, ProtocolError

FILE, PUBLIC = "store.sqlite", "public"
"""In the agent's folder: the database, and the public files."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Store:
    """Interactions, consent and the journal in a database, and public files beside it.

    Parameters
    ----------
    folder
        The agent's; made with mode 0700 where it is missing.
    clock
        Gives the time.

    Attributes
    ----------
    history
        Interactions recorded here.
    consents
        What is agreed to.
    opt_outs
        People of a silo who are left out.
    journal
        What was contributed.

    Raises
    ------
    ConfigError
        The folder or the database cannot be used, or the database is an old one, see `Account`.
    """

    def __init__(self, folder: Path, clock: Clock = time.time) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / PUBLIC).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {folder} cannot be used: {error.strerror}.") from error
        self._folder, self._database = folder, LocalDatabase(folder / FILE)
        try:
            account = Account(self._database, folder / HEAD)
        except ConfigError:
            self.close()
            raise
        self.history = History(self._database, clock)
        self.consents = ConsentBook(self._database, clock)
        self.opt_outs = OptOuts(self._database, clock)
        self.journal = Journal(self._database, account, clock)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a context in which all that is read and written happens at once or not at all."""
        return self._database.transaction()

    def put_public(self, name: str, body: bytes) -> Path:
        """Keep a public file, such as a model or a catalog.

        Parameters
        ----------
        name
            SHA-256 of the body in hexadecimal.
        body
            All of the file.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        ProtocolError
            ``other-file``: the body is not the one that was named.
        """
        if hashlib.sha256(body).hexdigest() != name:
            raise ProtocolError("other-file", "A public file is not the one that was named.")
        folder = self._folder / PUBLIC
        handle, partial = tempfile.mkstemp(dir=folder, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(handle)
            return Path(partial).replace(folder / name)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise

    def public(self, name: str) -> Path | None:
        """Return where a public file is; None where it is not kept."""
        path = self._folder / PUBLIC / name
        return path if _DIGEST.fullmatch(name) and path.is_file() else None

    def public_names(self) -> list[str]:
        """Return the names of the public files that are kept."""
        return sorted(
            p.name for p in (self._folder / PUBLIC).iterdir() if _DIGEST.fullmatch(p.name)
        )

    def keep_public(self, names: Collection[str]) -> None:
        """Remove all public files but those named."""
        for path in (self._folder / PUBLIC).iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Erase all that is about people: interactions, consent and messages, sent or kept.

        The agent's key stays, and public files; without consent it takes part in nothing. The
        account stays, too: forgetting what was contributed would give the same budget once more.

        Raises
        ------
        ConfigError
            Another process has the file open; the rows are gone, their old bytes are not yet.
        """
        self._database.erase()

    def forget_user(self, user: str) -> int:
        """Erase what was tracked of one user, and where it was; return how many interactions.

        Raises
        ------
        ConfigError
            As of :meth:`forget`.
        """
        return self._database.erase_user(user)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
