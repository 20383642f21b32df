"""``hedgerow demo``: the whole story on the synthetic shop, with nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli import options as o
from hedgerow.errors import ConfigError


def demo(
    *,
    customers: Annotated[int, typer.Option(min=100, max=100_000, help="Of the shop.")] = 5_000,
    products: Annotated[int, typer.Option(min=48, max=5_000, help="Of the shop.")] = 800,
    branches: Annotated[
        int, typer.Option(min=1, max=16, help="Silos of many customers, of uneven size.")
    ] = 8,
    devices: Annotated[int, typer.Option(min=30, max=2_000, help="Of one customer each.")] = 300,
    epsilon: Annotated[float, typer.Option(help="Privacy that training may spend.")] = 8.0,
    vanish: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of devices that vanish from each round.")
    ] = 0.1,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the coordinator, or of the shop; 0: any.")
    ] = 0,
    seed: o.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the report and the model.")] = Path(
        "hedgerow-demo"
    ),
    storefront: Annotated[
        bool,
        typer.Option(
            "--storefront",
            help="Open the shop to your browser, and let it take part until Ctrl-C.",
        ),
    ] = False,
) -> None:
    """Make a shop, let its branches and customers' devices learn together, and say what came of it.

    Starts a coordinator and a helper, the agents of the branches and the devices as processes of
    this computer, which speak HTTPS. Everything is stopped at the end, or with Ctrl-C. With
    --storefront they speak plain HTTP, as browsers do not know the demonstration's authority.
    """
    try:
        from hedgerow.cli.demo_story import Wanted, tell

        if storefront:
            from hedgerow.cli.demo_storefront import keep_shop as tell
    except ImportError as error:
        raise ConfigError(
            f"The demonstration needs an extra ({error.name}): pip install 'hedgerow[server]'."
        ) from error
    tell(Wanted(customers, products, branches, devices, epsilon, vanish, port, seed, out))
