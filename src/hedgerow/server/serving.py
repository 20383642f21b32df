"""Running a process of a deployment: from its settings to its last answer."""

from __future__ import annotations

import gc
import json
import secrets
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import anyio.to_thread
import httpx
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp

from hedgerow.errors import ConfigError, HedgerowError
from hedgerow.privacy.secure.split.helper import HelperKeys
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.server.app import build, build_helper
from hedgerow.server.context import Keys, Service
from hedgerow.server.helper.remote import RemoteHelper
from hedgerow.server.helper.service import HelperService
from hedgerow.server.operations import logs
from hedgerow.server.operations.draining import Drain, Draining
from hedgerow.server.operations.metrics import Metrics
from hedgerow.server.operations.readiness import Readiness, checks_of
from hedgerow.server.operations.requests import Watched
from hedgerow.server.operations.stored import StoredMetrics
from hedgerow.server.operations.tracing import traced
from hedgerow.server.rounds.alone import served
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.routes.access import principal_of
from hedgerow.server.routes.agents import PRINCIPAL
from hedgerow.server.routes.health import Operations
from hedgerow.server.security import authority, keys
from hedgerow.server.security.access import ANYONE, Role
from hedgerow.server.security.bodies import BodyGuard
from hedgerow.server.security.limits import Limiter, Rate, RateLimit
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.origins import shared
from hedgerow.server.security.people import People, RoleMap
from hedgerow.server.security.reading import PatientProtocol
from hedgerow.server.security.tls import client_context, server_context
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.settings import HELPER, Settings, largest
from hedgerow.server.site import Site
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox

PER_ADDRESS, PER_CLIENT = Rate(6000, 1.0), Rate(600, 60.0)
"""What an address may send (an office of many devices has one), and a client or a program."""

ORPHANED = 3600.0
"""Seconds after which what a crash left half stored is deleted."""

THREADS = 8
"""How many requests are looked up at a time; each thread keeps some MB, and gains nothing where the
interpreter is busy."""

DRAIN = 30
"""Seconds for which requests may go on when the process is stopped."""


@dataclass(frozen=True)
class Application:
    """A process's application, and the flag that it is about to stop."""

    app: ASGIApp
    draining: Draining


@contextmanager
def application(settings: Settings) -> Iterator[Application]:
    """Open a process's storage and give its application, with all guards before it.

    Raises
    ------
    ConfigError
        A key is missing, or a setting does not fit.
    StorageError
        The database cannot be used.
    """
    with ExitStack() as stack:
        database = Database.open(settings.database_url)
        stack.callback(database.close)
        if settings.role == HELPER:
            readiness = Readiness(checks_of("helper", database, None))
            app = build_helper(_helper(settings, database), Operations(readiness))
        else:
            app = _coordinator(settings, database, stack)
        operations: Operations = app.state.operations
        guarded = _guarded(app, operations, settings)
        if settings.tracing is not None:
            name = f"hedgerow-{settings.role}"
            traces = traced(guarded, database.engine, name, settings.tracing)
            guarded = stack.enter_context(traces)
        yield Application(guarded, operations.draining)


def _coordinator(settings: Settings, database: Database, stack: ExitStack) -> FastAPI:
    """Return the coordinator's application, with its machine running."""
    service, http = _service(settings, database, stack)
    secret = keys.load_coordinator(settings.folder).token_secret
    service.messages.sweep(service.clock() - ORPHANED)
    metrics = Metrics(StoredMetrics(database, service.clock))
    machine = Machine(service, metrics.tick)
    inbox = stack.enter_context(Inbox(service.messages, service.clock))
    site = Site(
        service,
        machine.telling,
        inbox,
        Issuer(secret, settings.audience, service.clock),
        settings.audience,
        enrolment=_enrolment(settings),
        people=_people(settings, secret, service),
    )
    stack.enter_context(served(database))
    stack.enter_context(machine)
    checks = checks_of(service.replica, database, service.blobs, http)
    return build(site, Operations(Readiness(checks), metrics))


def serve(settings: Settings) -> None:
    """Answer requests until the process is told to stop.

    Raises
    ------
    ConfigError
        A setting does not fit, or the address is taken.
    """
    logs.configure()
    with application(settings) as made:
        # What was imported stays for good; looking through it again and again took a tenth of the
        # time of uploads.
        gc.freeze()
        config = uvicorn.Config(
            made.app,
            http=PatientProtocol,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN,
            timeout_keep_alive=60,
            h11_max_incomplete_event_size=64 << 10,
            **_transport(settings),
        )
        with _listening(settings) as listener:
            _Server(config, made.draining).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Works with few threads, and sends away who waits for news before it stops."""

    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._draining.begin()
        # Not uvicorn's own, which in the end lets the signal kill the process, with its leases
        # not released.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=2048,
        )
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}); "
            "choose another port."
        ) from error
    with listener:
        yield listener


def _transport(settings: Settings) -> dict[str, Any]:
    if settings.plain:
        return {}
    own, public = settings.folder / settings.role, settings.folder / authority.CA
    context = server_context(
        own / authority.CERTIFICATE, own / authority.KEY, authority=public, clients=settings.clients
    )

    def made(_config: object, _default: object) -> ssl.SSLContext:
        return context

    return {"ssl_context_factory": made}


def _service(
    settings: Settings, database: Database, stack: ExitStack
) -> tuple[Service, httpx.Client | None]:
    known, own = keys.load_public(settings.folder), keys.load_coordinator(settings.folder)
    helper, http = None, None
    if settings.helper is not None:
        verify: ssl.SSLContext | bool = True
        if settings.helper.startswith("https://"):
            certificates = settings.folder / settings.role
            verify = client_context(
                settings.folder / authority.CA,
                certificate=certificates / authority.CERTIFICATE,
                key=certificates / authority.KEY,
            )
        http = stack.enter_context(httpx.Client(base_url=settings.helper, verify=verify))
        helper = RemoteHelper(http, own.signing)
    replica = f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}"
    found = Keys(known.enrolment, own.signing, known.helper, known.helper_sealing)
    return Service(replica, database, open_blobs(settings.blobs_place), found, helper), http


def _helper(settings: Settings, database: Database) -> HelperService:
    known, own = keys.load_public(settings.folder), keys.load_helper(settings.folder)
    return HelperService(
        database,
        Servers(known.coordinator, known.helper, known.helper_sealing),
        known.enrolment,
        HelperKeys(own.signing, own.sealing),
        time.time,
        settings.minimum,
        settings.noise_seed,
    )


def _enrolment(settings: Settings) -> Any:
    """Return the enrolment authority's key where it is on this host."""
    if not (settings.folder / keys.ENROLMENT_KEY).exists():
        return None
    return keys.load_enrolment(settings.folder)


def _people(settings: Settings, secret: bytes, service: Service) -> People | None:
    if settings.people is None:
        return None
    try:
        values = json.loads(Path(settings.people).read_text())
        provider = Provider(
            issuer=values["issuer"],
            client_id=values["client_id"],
            client_secret=values.get("client_secret"),
            redirect=f"{settings.audience}/v1/login/callback",
        )
        roles = RoleMap(
            tuple(values["claim"]), {name: Role(role) for name, role in values["roles"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"The file {settings.people} is JSON with issuer, client_id, client_secret, claim (a "
            f"list of names) and roles (from a claim's value to a role): {error}."
        ) from error
    http = httpx.AsyncClient(timeout=10)
    return People(OpenID(provider, http, service.clock), roles, secret, service.clock)


def _guarded(app: FastAPI, operations: Operations, settings: Settings) -> ASGIApp:
    """Put the guards before an application: origins, rates, then the size and pace of bodies."""

    def identify(scope: Any) -> str | None:
        if settings.role == HELPER:
            return None
        try:
            principal = principal_of(Request({**scope, "app": app}))
        except HedgerowError:
            return None
        scope[PRINCIPAL] = principal
        return None if principal is ANYONE else principal.name

    drained = Drain(app, operations.draining)
    guarded: ASGIApp = RateLimit(
        BodyGuard(drained, largest), Limiter(PER_ADDRESS), Limiter(PER_CLIENT), identify
    )
    if settings.origins:
        guarded = shared(guarded, settings.origins)
    return Watched(guarded, (operations.metrics.request, logs.log_request))
