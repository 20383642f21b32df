"""``hedgerow serve``: the coordinator, or the helper of split mode."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hedgerow.errors import ConfigError


class RoleName(StrEnum):
    """Which of the two servers."""

    COORDINATOR = "coordinator"
    HELPER = "helper"


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
            "by default a file beside the keys.",
        ),
    ] = None,
    blobs: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_BLOBS", help="Folder or s3://bucket/prefix; by default a folder."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(envvar="HEDGEROW_PUBLIC_URL", help="Under which clients reach the server."),
    ] = None,
    helper: Annotated[
        str | None, typer.Option(envvar="HEDGEROW_HELPER", help="URL of the helper of split mode.")
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
    """Run the coordinator, or with --role helper the second server of split mode.

    Needs no configuration: keys come from FOLDER, and everything else is kept beside them. Stop it
    with Ctrl-C or SIGTERM; it may also be killed at any time.
    """
    try:
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
        url=url,
        helper=helper,
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
        console.print(f"Its console is at {settings.audience}/console/.")
    serve(settings)
