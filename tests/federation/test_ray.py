"""The Ray executor agrees with the serial one; needs the ray extra."""

import importlib.util

import numpy as np
import pytest
from numpy.testing import assert_allclose
from support import catalog_of, random_block

from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError, DataError
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Serial
from hedgerow.federation.ray_executor import Ray
from hedgerow.models.registry import make

DATA = LastOut().test(random_block(users=30))
HAVE_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAVE_RAY, reason="needs ray: pip install 'hedgerow[ray]'")


@pytest.mark.skipif(HAVE_RAY, reason="ray is installed, so that nothing is missing")
def test_without_ray_the_extra_is_named():
    with pytest.raises(ConfigError, match=r"pip install 'hedgerow\[ray\]'"), Ray(DATA, 2):
        pass


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_ray_agrees_with_one_process_and_passes_errors_on():
    class Bad:
        def contributions(self, data):
            raise DataError("cannot answer")

    with Ray(DATA, 2) as workers:
        for name in ("popularity", "als", "factorization"):
            recipe = make(name)
            step = OnHistory(recipe.step(recipe.start(catalog_of(13), 0)))
            for weights in (np.ones(len(DATA)), np.arange(len(DATA)) % 2.0):
                ours, theirs = Serial(DATA).sum(step, weights), workers.sum(step, weights)
                for field, array in ours.items():
                    assert_allclose(theirs[field], array, rtol=1e-4, atol=1e-5)
        with pytest.raises(DataError, match="cannot answer"):
            workers.sum(Bad(), np.ones(len(DATA)))
