"""What a process of a deployment is made of: storage, keys, links to the others, and guards."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp

from hedgerow.answers import bounded
from hedgerow.errors import ConfigError, HedgerowError
from hedgerow.federation.deployment import Deployment
from hedgerow.server.app import build, build_authority, build_helper
from hedgerow.server.authority.remote import RemoteAuthority
from hedgerow.server.authority.service import AuthorityService
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
from hedgerow.server.security import keys, parties
from hedgerow.server.security.access import ANYONE, Role
from hedgerow.server.security.bodies import BodyGuard
from hedgerow.server.security.limits import Limiter, Rate, RateLimit
from hedgerow.server.security.openid import OpenID, Provider
from hedgerow.server.security.origins import shared
from hedgerow.server.security.people import People, RoleMap
from hedgerow.server.security.tls import client_context
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.settings import (
    AUTHORITY,
    COORDINATOR,
    HELPER,
    LARGEST_BODY,
    LARGEST_CALL,
    LARGEST_UNKNOWN,
    LARGEST_UPLOAD,
    Settings,
)
from hedgerow.server.site import Site
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.storage.noted import note, to_serve

PER_ADDRESS, PER_CLIENT = Rate(6000, 1.0), Rate(600, 60.0)
"""What an address may send (an office of many devices has one), and a client or a program."""

ORPHANED = 3600.0
"""Seconds after which what a crash left half stored is deleted."""


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
    _check(settings)
    settings = to_serve(settings)
    with ExitStack() as stack:
        database = Database.open(settings.database_url)
        stack.callback(database.close)
        if not note(settings):
            structlog.get_logger(__name__).warning(
                "the folder cannot be written, so commands on it need --database"
            )
        if settings.role == HELPER:
            app = build_helper(_helper(settings, database), _probed(settings, database))
        elif settings.role == AUTHORITY:
            app = build_authority(_authority(settings, database), _probed(settings, database))
        else:
            app = _coordinator(settings, database, stack)
        operations: Operations = app.state.operations
        guarded = _guarded(app, operations, settings)
        if settings.tracing is not None:
            name = f"hedgerow-{settings.role}"
            traces = traced(guarded, database.engine, name, settings.tracing)
            guarded = stack.enter_context(traces)
        yield Application(guarded, operations.draining)


def _check(settings: Settings) -> None:
    """Refuse a folder that is not the party's, before anything is written there."""
    if settings.role == HELPER:
        parties.helper_of(settings.folder)
    elif settings.role == AUTHORITY:
        keys.load_authority(settings.folder)
    else:
        deployment, _ = parties.coordinator_of(settings.folder)
        parties.authority_of(settings.folder, deployment)
        if settings.helper is not None and deployment.helper is None:
            raise ConfigError(
                "This deployment was made without a helper; make another one, with --helper "
                "helper.json, or leave --helper out."
            )


def _coordinator(settings: Settings, database: Database, stack: ExitStack) -> FastAPI:
    """Return the coordinator's application, with its machine running."""
    deployment, own = parties.coordinator_of(settings.folder)
    service, http = _service(settings, database, deployment, own, stack)
    secret, audience = own.token_secret, deployment.audience
    service.messages.sweep(service.clock() - ORPHANED)
    metrics = Metrics(StoredMetrics(database, service.clock))
    machine = Machine(service, metrics.tick)
    inbox = stack.enter_context(Inbox(service.messages, service.clock))
    site = Site(
        service,
        machine.telling,
        inbox,
        Issuer(secret, audience, service.clock),
        audience,
        enrolment=_enrolment(settings, deployment),
        people=_people(settings, secret, audience, service),
        authority=_elsewhere(settings, deployment, stack),
    )
    stack.enter_context(served(database))
    stack.enter_context(machine)
    checks = checks_of(service.replica, database, service.blobs, http)
    return build(site, Operations(Readiness(checks), metrics))


def _service(
    settings: Settings,
    database: Database,
    deployment: Deployment,
    own: keys.CoordinatorKeys,
    stack: ExitStack,
) -> tuple[Service, httpx.Client | None]:
    helper, http = None, None
    if settings.helper is not None:
        http = _client(settings.helper, settings.folder / parties.HELPER_HALF, HELPER, stack)
        helper = RemoteHelper(http, own.signing)
    replica = f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}"
    servers = deployment.servers
    found = Keys(deployment.authority, own.signing, servers.helper, servers.sealing)
    return Service(replica, database, open_blobs(settings.blobs_place), found, helper), http


def _client(url: str, half: Path, role: str, stack: ExitStack) -> httpx.Client:
    """Return how another party's server is called, which is known by its public half."""
    verify: ssl.SSLContext | bool = True
    if url.startswith("https://"):
        verify = client_context(parties.read_half(half, role).ca)
    return stack.enter_context(bounded(httpx.Client(base_url=url, verify=verify)))


def _probed(settings: Settings, database: Database) -> Operations:
    return Operations(Readiness(checks_of(settings.role, database, None)))


def _helper(settings: Settings, database: Database) -> HelperService:
    deployment, own = parties.helper_of(settings.folder)
    return HelperService(
        database,
        deployment.servers,
        deployment.authority,
        own,
        time.time,
        settings.minimum,
        settings.noise_seed,
    )


def _authority(settings: Settings, database: Database) -> AuthorityService:
    return AuthorityService(database, keys.load_authority(settings.folder), time.time)


def _enrolment(settings: Settings, deployment: Deployment) -> Ed25519PrivateKey | None:
    """Return the enrolment authority's key where clients are enrolled on this host."""
    if settings.authority is not None:
        return None
    return parties.authority_of(settings.folder, deployment)


def _elsewhere(
    settings: Settings, deployment: Deployment, stack: ExitStack
) -> RemoteAuthority | None:
    """Return the enrolment authority where it has a host of its own."""
    if settings.authority is None:
        return None
    half = settings.folder / parties.AUTHORITY_HALF
    return RemoteAuthority(
        _client(settings.authority, half, AUTHORITY, stack), deployment.authority
    )


def _people(settings: Settings, secret: bytes, audience: str, service: Service) -> People | None:
    if settings.people is None:
        return None
    try:
        values = json.loads(Path(settings.people).read_text())
        provider = Provider(
            issuer=values["issuer"],
            client_id=values["client_id"],
            client_secret=values.get("client_secret"),
            redirect=f"{audience}/v1/login/callback",
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
        if settings.role != COORDINATOR:
            return None
        try:
            principal = principal_of(Request({**scope, "app": app}))
        except HedgerowError:
            return None
        scope[PRINCIPAL] = principal
        return None if principal is ANYONE else principal.name

    def largest(scope: Any) -> int:
        if settings.role == HELPER:
            return LARGEST_CALL  # which routes begin to read when they know who sends it
        if scope.get(PRINCIPAL, ANYONE) is ANYONE:
            return LARGEST_UNKNOWN
        uploads = scope["path"].startswith(("/v1/rounds/", "/v1/catalogs"))
        return LARGEST_UPLOAD if uploads else LARGEST_BODY

    drained = Drain(app, operations.draining)
    guarded: ASGIApp = RateLimit(
        BodyGuard(drained, largest), Limiter(PER_ADDRESS), Limiter(PER_CLIENT), identify
    )
    if settings.origins:
        guarded = shared(guarded, settings.origins)
    return Watched(guarded, (operations.metrics.request, logs.log_request))
