"""Training runs to audit: the same users, canaries and policy, and noise of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hedgerow.data.catalog import Catalog
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold
from hedgerow.federation.audit.attacks import fold_of
from hedgerow.federation.audit.canaries import Canaries
from hedgerow.federation.audit.recording import Recorder
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import Round, train
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy


@dataclass(frozen=True)
class Training:
    """What all runs of an audit have in common.

    Parameters
    ----------
    recipe
        What is trained.
    catalog, clients, data
        On whom: the users, and after them the canaries that are included.
    pipeline
        What the first run's terms pass.
    seed
        For everything random but keys and masks.
    """

    recipe: Recipe
    catalog: Catalog
    clients: Clients
    data: Fold
    pipeline: Pipeline
    seed: int

    @classmethod
    def of(
        cls, log: Interactions, recipe: Recipe, policy: Policy, canaries: Canaries, seed: int
    ) -> Training:
        """Plan the noise of all runs.

        Raises
        ------
        PolicyError
            No run can keep its policy.
        """
        names = [f"canary {number}" for number in np.flatnonzero(canaries.included)]
        clients = Clients.devices(
            pl.concat([log.users.cast(pl.String), pl.Series(names, dtype=pl.String)])
        )
        pipeline = Pipeline.of(
            policy,
            recipe.charges,
            clients,
            ledger=Ledger(),
            run="audit",
            account="audit",
            seed=seed,
        )
        return cls(
            recipe, log.catalog, clients, fold_of(canaries.beside(log.block)), pipeline, seed
        )

    def run(self, draw: int = 0, on_round: Callable[[Round], None] | None = None) -> Recorder:
        """Train, and record all sums.

        Parameters
        ----------
        draw
            Which run: all that is random in the promise is drawn anew for each.
        on_round
            Called after each round.
        """
        pipeline = self.pipeline
        if draw:
            pipeline = replace(pipeline, run=f"{pipeline.run} {draw}", ledger=Ledger())
        recorder = Recorder(pipeline)
        with Serial(self.data) as workers:
            train(
                self.recipe,
                workers,
                self.catalog,
                self.clients,
                pipeline=recorder,
                seed=self.seed,
                on_round=on_round,
            )
        return recorder
