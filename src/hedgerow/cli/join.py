"""``hedgerow join``: the agent of a device or a silo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli import options as o
from hedgerow.cli.hidden import HOW, revealed
from hedgerow.cli.join_request import Agreement, Contact, Data, Duty, Files, Joining
from hedgerow.errors import ConfigError

PURPOSES = ("train", "measure", "recommend")


def join(
    folder: Annotated[Path, typer.Argument(help="The agent's own folder; made at first.")],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_URL",
            help="The coordinator's URL, at first; by default that of --deployment.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_TOKEN",
            help=f"The single-use enrolment token, at first; {HOW}",
            callback=revealed,
        ),
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option(
            help="deployment.json with the servers' public keys, handed over by whoever runs "
            "the deployment, at first."
        ),
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_FINGERPRINT",
            help="Instead of --deployment: the text that its operator reads to you; the keys "
            "come from the coordinator and have to match it.",
        ),
    ] = None,
    guard: Annotated[
        Path | None,
        typer.Option(help="JSON file with what this client insists on, at first."),
    ] = None,
    ca: Annotated[
        str | None, typer.Option(envvar="HEDGEROW_CA", help="Who vouches for TLS, PEM file.")
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(help="This client's TLS certificate, PEM file.")
    ] = None,
    certificate_key: Annotated[str | None, typer.Option(help="Its key, PEM file.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="A silo's interactions: CSV, Parquet or a database URL; a device takes its user's "
            f"in from a file; {HOW}",
            callback=revealed,
        ),
    ] = None,
    query: o.Query = None,
    columns: o.ColumnNames = None,
    drop_invalid: o.DropInvalid = False,
    consent: Annotated[
        str | None,
        typer.Option(help=f"Note consent to purposes, by commas: {', '.join(PURPOSES)}."),
    ] = None,
    withdraw: Annotated[str | None, typer.Option(help="Withdraw consent, by commas.")] = None,
    consent_by: Annotated[
        str, typer.Option(help="Who agrees or withdraws.")
    ] = "operator of the agent",
    consent_text: Annotated[str, typer.Option(help="Version of the text agreed to.")] = "1",
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="A task to take part in; may be given several times, is remembered, and the sums "
            "of all are on one account. Other tasks are refused."
        ),
    ] = None,
    any_task: Annotated[
        bool,
        typer.Option("--any-task", help="Take part in whatever task the coordinator has."),
    ] = False,
    recommend: Annotated[
        str | None, typer.Option(help="Keep this task's live model, to recommend here.")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="HOST:PORT on which to recommend to this network; needs --recommend."),
    ] = None,
    listen_token: Annotated[
        str | None,
        typer.Option(
            envvar="HEDGEROW_LISTEN_TOKEN",
            help=f"Which callers of --listen show; {HOW}",
            callback=revealed,
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Contribute once, or find nothing to do, and stop.")
    ] = False,
) -> None:
    """Take part in a federation with the data that are here, which stay here.

    The first time it takes --token, --deployment (or --fingerprint) and --task, and makes FOLDER;
    later FOLDER is enough. It asks for nothing but outgoing HTTPS, also through a proxy, and may be
    stopped or killed at any time.
    """
    if listen is not None and recommend is None:
        raise ConfigError("To recommend with --listen, name with --recommend whose task's model.")
    if task and any_task:
        raise ConfigError(
            "Name the tasks with --task, or take part in whatever there is: --any-task."
        )
    agreement = Agreement(
        tuple(task or ()),
        any_task,
        _purposes(consent),
        _purposes(withdraw),
        consent_by,
        consent_text,
    )
    chosen = Joining(
        folder,
        Contact(url, token, deployment, fingerprint, guard),
        Files(ca, certificate, certificate_key),
        Data(data, query, o.pairs(columns, "--columns"), drop_invalid),
        agreement,
        Duty(recommend, listen, listen_token, once),
    )
    from hedgerow.cli.joining import run

    run(chosen)


def _purposes(text: str | None) -> tuple[str, ...]:
    found = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    odd = sorted(set(found) - set(PURPOSES))
    if odd:
        raise ConfigError(f"Consent is to {', '.join(PURPOSES)}, not to {', '.join(odd)}.")
    return found
