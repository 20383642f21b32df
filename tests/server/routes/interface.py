"""A coordinator behind real HTTP, and a caller of each role, for tests of the interface."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import httpx
import polars as pl
from network import AUDIENCE, Deployment, serving

from hedgerow.data.catalog import Catalog
from hedgerow.federation import proofs
from hedgerow.privacy.secure.identity import public
from hedgerow.server.app import build
from hedgerow.server.rounds.telling import Telling
from hedgerow.server.rounds.works import Works
from hedgerow.server.security.access import Permission, Role, new_access_key
from hedgerow.server.security.tokens import Issuer, Login
from hedgerow.server.site import Site
from hedgerow.server.storage.database import Database
from hedgerow.server.storage.inbox import Inbox
from hedgerow.server.tasks.registry import catalog_bytes

NOW = 1_700_000_000.0
ITEMS = Catalog(pl.Series([f"item {n}" for n in range(6)]))
PROGRAMS = (Role.OPERATOR, Role.ANALYST, Role.AUDITOR, Role.HELPER, Role.COORDINATOR)


@dataclass
class Coordinator:
    """A coordinator whose rounds nobody moves on, and what each role shows it."""

    deployment: Deployment
    site: Site
    address: str
    shown: dict

    def caller(self, role=Role.OPERATOR):
        shown = self.shown.get(role)
        headers = {"authorization": f"Bearer {shown}"} if shown else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30)

    @property
    def app(self):
        return build(self.site)


@contextlib.contextmanager
def coordinator(folder: Path, people=None):
    """Serve a coordinator, with an access key for each role and a client that is logged in."""
    database = Database.open(f"sqlite:///{folder / 'hedgerow.db'}")
    deployment = Deployment(folder, database)
    service = deployment.service(clock=lambda: NOW)
    issuer = Issuer(bytes(32), AUDIENCE, service.clock)
    (identity,) = deployment.enrol(["shop"], [5])
    shown = {}
    with database.write() as connection:
        for role in PROGRAMS:
            shown[role] = new_access_key(connection, f"the-{role}", role, clock=service.clock)
        scopes = frozenset({Permission.CONTRIBUTE, Permission.READ_MODEL})
        stamp = int(1000 * NOW)
        message = proofs.login(AUDIENCE, stamp, sorted(scopes))
        login = Login(public(identity.key).hex(), stamp, scopes, identity.key.sign(message))
        shown[Role.CLIENT] = issuer.login(connection, login)
    with Inbox(service.messages, service.clock) as inbox:
        site = Site(
            service,
            Telling(service, Works(service)),
            inbox,
            issuer,
            AUDIENCE,
            enrolment=deployment.authority,
            people=people,
        )
        with serving(build(site)) as address:
            yield Coordinator(deployment, site, address, shown)
    database.close()


def task_body(catalog, **changed):
    return {
        "name": "shop",
        "model": "popularity",
        "catalog": catalog,
        "policy": {"secure": "pairwise", "epsilon": 4.0, "minimum": 2},
        **changed,
    }


def put_catalog(operator):
    """Upload a catalog; return its hash."""
    answer = operator.put(
        "/v1/catalogs",
        content=catalog_bytes(ITEMS),
        headers={"content-type": "application/vnd.apache.parquet"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["hash"]


def ok(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert answer.json().keys() == {"error", "detail"}
