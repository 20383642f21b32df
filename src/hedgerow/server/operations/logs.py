"""Logs: one JSON object a line to standard error, from which secrets are struck out.

Nothing that is logged is meant to hold a secret. The last processor strikes out what looks like one
all the same, in our own lines as well as in those of libraries and in tracebacks.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import structlog

from hedgerow.server.operations.requests import Seen

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that are asked all the time, of which only failures are logged."""

STRUCK = "[struck out]"

LONGEST = 8000
"""Characters of a text that are kept."""

IDS = frozenset({"round", "run"})
"""Under these names ids are logged, which are 32 hexadecimal digits long."""

_SECRET_NAME = re.compile(
    r"(?i)(^|[_-])(authorization|body|cookie|key|password|secret|seed|share|shares|signature|"
    r"token)s?$"
)
_STRIKES: Sequence[tuple[re.Pattern[str], str]] = (
    # Keys and tokens of this program, and JSON web tokens (RFC 7519).
    (re.compile(r"(hak|het)_[A-Za-z0-9_-]*"), STRUCK),
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*"), STRUCK),
    (re.compile(r"(?i)(bearer|hedgerow) +[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {STRUCK}"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL), STRUCK),
    # What SQLAlchemy says of a failed statement, and the password in a URL.
    (re.compile(r"\[parameters: .*"), f"[parameters: {STRUCK}]"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]*@"), r"\1:***@"),
    # Bytes as Python shows them, numbers in hexadecimal, and Base64.
    (re.compile(r"""\bb(['"])(?:\\.|(?!\1).)*(\1|\Z)"""), STRUCK),
    (re.compile(r"(?i)(?<![0-9a-f])([0-9a-f]{8})[0-9a-f]{8,}"), r"\1..."),
    (
        re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[A-Z0-9_-]*[a-z])(?=[a-z0-9_-]*[A-Z])[\w+=-]{32,}"),
        STRUCK,
    ),
)
_ID = re.compile(r"[0-9a-f]{32}")


def configure(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send all logs of this process to one place, those of libraries as well.

    Parameters
    ----------
    stream
        Standard error by default. On a terminal, lines are made for people.
    level
        What is less important is left out.
    """
    stream = sys.stderr if stream is None else stream
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, strike_out]
    if stream.isatty():
        last.append(
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        )
    else:
        last.append(structlog.processors.JSONRenderer())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [], True, False
        logger.setLevel(logging.NOTSET)
    # Its lines hold query strings and paths; `log_request` writes better ones.
    logging.getLogger("uvicorn.access").disabled = True
    # What is asked of other servers, with its address, on every call.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Each step from an empty database to today's tables.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


_ROUNDS = "/v1/rounds/"


def log_request(seen: Seen) -> None:
    """Write the line of a request; uploads that were stored are counted only, being thousands."""
    quiet = seen.route in PROBES or (seen.method == "PUT" and seen.route.startswith(_ROUNDS))
    if quiet and seen.status < 400:
        return
    name = seen.path.get("name", "")
    in_round = seen.route.startswith(_ROUNDS) and _ID.fullmatch(name)
    about = {"round": name} if in_round else {}
    write = structlog.get_logger("hedgerow.requests")
    (write.error if seen.status >= 500 else write.info)(
        "request",
        method=seen.method,
        route=seen.route,
        status=seen.status,
        code=seen.code or None,
        milliseconds=round(1000 * seen.seconds, 1),
        role=seen.role or None,
        **about,
    )


def strike_out(_logger: object, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Strike out of a line whatever looks like a secret; a processor of structlog.

    Parameters
    ----------
    event
        The line's values by their names.
    """
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return STRUCK if _SECRET_NAME.search(name) else _cleaned(name, value)


def _cleaned(name: str, value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping):
        return {struck(str(key)): _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, inner) for inner in value]
    text = str(value)
    if name in IDS and _ID.fullmatch(text):
        return text
    return struck(text)


def struck(text: str) -> str:
    """Return a text without what looks like a secret, and not too long."""
    for pattern, instead in _STRIKES:
        text = pattern.sub(instead, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
