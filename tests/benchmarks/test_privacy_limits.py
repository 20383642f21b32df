"""What is left of a claim towards clients in league, against the accountant by hand."""

import numpy as np
import privacy_limits
import pytest

from hedgerow.data.shop import Shop
from hedgerow.data.split import Fold
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.privacy import skellam
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.policy import Policy


def left(adversaries, curious):
    policy = Policy(
        epsilon=8.0, secure="pairwise", minimum=3, adversaries=adversaries, dropouts=0.0
    )
    plan = plan_noise(policy, PrivateSequence().charges, 3000, 3)
    return privacy_limits.in_league(plan, 3, adversaries, curious)


def test_three_banks_keep_their_promise_with_one_of_them_in_league():
    assert left(0.3, 1) == pytest.approx(8.0, rel=0.01)
    assert left(0.3, 1) <= 8.0
    assert skellam.share(1.0, 3, 0.3, 0.0).honest == 2


def test_and_would_not_if_nobody_were_reckoned_with():
    assert left(0.0, 0) <= 8.0
    assert left(0.0, 1) == pytest.approx(10.3, abs=0.1)
    assert left(0.0, 2) == pytest.approx(15.9, abs=0.1)


def test_rounding_moves_little_and_counts_of_ones_not_at_all():
    log = Shop(customers=40, products=48, seed=1).interactions().distinct()
    data = Fold(log.block, log.block.where(log.block.ages < 0))
    for model, most in (("popularity", 1e-12), ("private_sequence", 1e-5)):
        steps = list(privacy_limits.kinds(model, log, data))
        assert steps
        found = [privacy_limits.moved(step, data) for step in steps]
        assert np.max(found) < most
