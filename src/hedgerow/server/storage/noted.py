"""Which database is a folder's: noted where it is served, and taken from there by every command.

The note may hold a password, so that only the folder's owner reads it, like the keys beside it.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hedgerow.errors import ConfigError
from hedgerow.server.security import files
from hedgerow.server.settings import Settings
from hedgerow.server.storage.database import parsed_address

NOTE = "database.url"
"""The note's name in the folder of a role."""

_POSTGRES_PORT = 5432


def to_serve(settings: Settings) -> Settings:
    """Return a server's settings with its database: the one given, or else the one noted.

    Raises
    ------
    ConfigError
        The address is of no database that can be used.
    """
    if settings.database is None:
        return replace(settings, database=_read(settings))
    parsed_address(settings.database)
    return settings


def note(settings: Settings) -> bool:
    """Note which database a server's folder has by now, once the server has opened it.

    Returns
    -------
    bool
        Whether it is known from now on; False where the folder cannot be written.
    """
    path = settings.folder / settings.role / NOTE
    url, default = settings.database_url, replace(settings, database=None).database_url
    if _same(url, default):
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return not path.exists()
    text = _lasting(url)
    if _read(settings) == text:
        return True
    draft = path.with_name(f".{NOTE}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.write_once(draft, f"{text}\n".encode())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        return False
    return True


def known(settings: Settings) -> Settings:
    """Return a command's settings with the database that its folder is served from.

    Raises
    ------
    ConfigError
        Another one is given.
    """
    noted = _read(settings)
    default = replace(settings, database=None).database_url
    if noted is None and Path(str(parsed_address(default).database)).is_file():
        noted = default
    if settings.database is None:
        return replace(settings, database=noted)
    if noted is not None and not _same(settings.database, noted):
        raise ConfigError(
            f"The {settings.role} in {settings.folder} is served from the database "
            f"{parsed_address(noted).render_as_string()}, not from the one given; leave --database "
            "(HEDGEROW_DATABASE) out, or serve from the other one first."
        )
    return settings


def _read(settings: Settings) -> str | None:
    path = settings.folder / settings.role / NOTE
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, which says where the database is, cannot be read: {error}."
        ) from error
    parsed_address(text)
    return text


def _lasting(url: str) -> str:
    """Return an address that means the same from every working directory."""
    parsed = parsed_address(url)
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(str(parsed.database)).resolve()}"
    return url


def _same(one: str, other: str) -> bool:
    """Tell whether two addresses are of one database, whoever logs in there."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[object, ...]:
    parsed = parsed_address(url)
    if parsed.get_backend_name() == "sqlite":
        return ("sqlite", Path(str(parsed.database)).resolve())
    host = parsed.query.get("host", parsed.host)
    port = parsed.query.get("port", parsed.port) or _POSTGRES_PORT
    return ("postgresql", host, str(port), parsed.database)
