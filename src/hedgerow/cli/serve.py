"""``hedgerow serve``: the coordinator, the helper of split mode, or the enrolment authority."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.cli.hidden import HOW, revealed
from hedgerow.errors import ConfigError


class RoleName(StrEnum):
    """Which server."""

    COORDINATOR = "coordinator"
    HELPER = "helper"
    AUTHORITY = "authority"


class ClientCertificates(StrEnum):
    """Whether callers show a TLS certificate."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


def serve_command(
    folder: Annotated[Path, typer.Argument(help="The deployment's keys, from 'hedgerow init'.")],
    *,
    role: Annotated[RoleName, typer.Option(help="Which server this is.")] = RoleName.COORDINATOR,
    host: Annotated[
        str, typer.Option(envvar="HEDGEROW_HOST", help="Address to listen on; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="HEDGEROW_PORT", help="Port; 0: any.")] = 8443,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_DATABASE",
            help="sqlite:///file or postgresql://user:password@host/name; "
            f"by default a file beside the keys; {HOW}",
            callback=revealed,
        ),
    ] = None,
    blobs: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_BLOBS", help="Folder or s3://bucket/prefix; by default a folder."
        ),
    ] = None,
    helper: Annotated[
        str | None, typer.Option(envvar="HEDGEROW_HELPER", help="URL of the helper of split mode.")
    ] = None,
    authority: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_AUTHORITY",
            help="URL of the enrolment authority, where it is not on this host.",
        ),
    ] = None,
    client_certificates: Annotated[
        ClientCertificates, typer.Option(help="Mutual TLS: whether callers show a certificate.")
    ] = ClientCertificates.NONE,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="No TLS; on this computer only.")
    ] = False,
    people: Annotated[
        Path | None, typer.Option(help="JSON file that says how people log in (OpenID Connect).")
    ] = None,
    minimum: Annotated[
        int, typer.Option(help="At the helper: fewest clients in a sum it takes part in.")
    ] = 2,
    tracing: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_TRACING", help="Send OpenTelemetry traces to this OTLP address."
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="A site whose pages may call the coordinator from a browser; may be repeated."
        ),
    ] = None,
    noise_seed: Annotated[
        str | None,
        typer.Option(help="Make the helper's noise repeatable; for rehearsals only.", hidden=True),
    ] = None,
) -> None:
    """Run the coordinator, or with --role one of those who keep an eye on it.

    The helper is the second server of split mode, and serves the one coordinator that it has
    pinned; the authority says who takes part. Both belong on hosts of somebody else.

    Needs no configuration: keys come from FOLDER, and everything else is kept beside them. Stop it
    with Ctrl-C or SIGTERM; it may also be killed at any time.
    """
    try:
        from hedgerow.server.security.parties import load_deployment
        from hedgerow.server.security.tls import Clients
        from hedgerow.server.serving import serve
        from hedgerow.server.settings import Settings
    except ImportError as error:
        raise ConfigError(
            f"The server needs an extra ({error.name}): pip install 'hedgerow[server]'."
        ) from error
    settings = Settings(
        folder=folder,
        role=role.value,
        host=host,
        port=port,
        database=database,
        blobs=blobs,
        helper=helper,
        authority=authority,
        clients={
            ClientCertificates.NONE: Clients.ANYONE,
            ClientCertificates.OPTIONAL: Clients.KNOWN_OR_ANYONE,
            ClientCertificates.REQUIRED: Clients.KNOWN,
        }[client_certificates],
        plain=plain_http,
        people=people,
        minimum=minimum,
        tracing=tracing,
        noise_seed=noise_seed,
        origins=tuple(origin or ()),
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"The {role.value} listens on {settings.host}:{settings.port}.")
    if role is RoleName.COORDINATOR:
        console.print(f"Its console is at {load_deployment(folder).audience}/console/.")
    serve(settings)
