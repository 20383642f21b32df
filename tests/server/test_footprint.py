"""A coordinator holds no library that it does not need: they would be half of its memory."""

import json
import subprocess
import sys

from processes import environment

from hedgerow.server.security import parties
from hedgerow.server.settings import Settings
from hedgerow.server.storage.database import Database

HEAVY = {"polars", "scipy.special", "scipy.linalg", "scipy.sparse", "scipy.stats", "alembic"}

COORDINATOR = """
import json, sys
from pathlib import Path

import numpy as np

import hedgerow.cli.main, hedgerow.cli.serve
from hedgerow.federation.ask import STEP, step_of
from hedgerow.models.registry import make
from hedgerow.privacy import gaussian
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.releases import epsilon_spent
from hedgerow.privacy.secure.parameters import Assumptions, choose
from hedgerow.server.assembly import application
from hedgerow.server.settings import Settings


class Items:
    features = None

    def __len__(self):
        return 50


with application(Settings(Path(sys.argv[1]), plain=True)):
    recipe = make("factorization")
    state = recipe.start(Items(), 0)
    for secure in ("pairwise", "split"):
        policy = Policy(epsilon=2.0, secure=secure, clip=1.0)
        plan = plan_noise(policy, recipe.charges, 200, 200)
        epsilon_spent(plan.releases, plan.delta)
    step = step_of(recipe, state, STEP, private=True, k=10, repeats=False)
    values = gaussian.integers(Stream.secret(), step.schema.size, 1000.0)
    step.update(step.schema.unflatten(values.astype(np.float64)))
    choose(200, Assumptions())
    print(json.dumps(sorted(sys.modules)))
"""
"""What a coordinator does from its start to the end of a round, as far as it computes anything."""


def test_a_coordinator_computes_without_tables_or_scientific_libraries(tmp_path):
    parties.make_rehearsal(tmp_path, "http://127.0.0.1:8443")
    # The tables are there already, as at every start but the first.
    Database.open(Settings(tmp_path).database_url).close()
    done = subprocess.run(
        [sys.executable, "-c", COORDINATOR, tmp_path],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "hedgerow.server.app" in loaded
    assert not HEAVY & loaded
