"""A replica with all that operations put around it."""

import contextlib
from dataclasses import dataclass

from network import AUDIENCE, serving
from sqlalchemy import select

from hedgerow.server.app import build
from hedgerow.server.context import Service
from hedgerow.server.operations.draining import Drain, Draining
from hedgerow.server.operations.logs import log_request
from hedgerow.server.operations.metrics import Metrics
from hedgerow.server.operations.readiness import Readiness, checks_of
from hedgerow.server.operations.requests import Watched
from hedgerow.server.operations.stored import StoredMetrics
from hedgerow.server.rounds.machine import Machine
from hedgerow.server.routes import health
from hedgerow.server.security.tokens import Issuer
from hedgerow.server.site import Site
from hedgerow.server.storage import tables
from hedgerow.server.storage.inbox import Inbox


@dataclass(frozen=True)
class Running:
    """A replica that answers at an address."""

    address: str
    service: Service
    site: Site
    draining: Draining


@contextlib.contextmanager
def operated(deployment, tell=(log_request,), **changed):
    """Run a replica with probes, metrics, draining and a watch over its requests."""
    service = deployment.service(**changed)
    machine, draining = Machine(service), Draining()
    issuer = Issuer(bytes(32), AUDIENCE, service.clock)
    metrics = Metrics(StoredMetrics(service.database, service.clock))
    with Inbox(service.messages, service.clock) as inbox, machine:
        site = Site(
            service, machine.telling, inbox, issuer, AUDIENCE, enrolment=deployment.authority
        )
        app = build(site)
        known = {getattr(route, "path", "") for route in app.routes}
        for router in (health.probes, health.router):
            if not known & {route.path for route in router.routes}:
                app.include_router(router)
        checks = checks_of(service.replica, service.database, service.blobs)
        app.state.operations = health.Operations(Readiness(checks), metrics, draining)
        with serving(Watched(Drain(app, draining), (metrics.request, *tell))) as address:
            yield Running(address, service, site, draining)


def runs_ended(database):
    """Return whether there were runs, and none goes on."""
    with database.read() as connection:
        found = connection.scalars(select(tables.runs.c.status)).all()
    return bool(found) and all(status != "running" for status in found)
