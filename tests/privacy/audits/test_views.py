"""What servers can take away from sums: in honest sessions noise and masks, and no words."""

import numpy as np
import pytest

from hedgerow.privacy.audits import uniformity
from hedgerow.privacy.audits.pairwise_view import pairwise_view
from hedgerow.privacy.audits.split_view import split_view
from hedgerow.privacy.audits.verdict import LEVEL
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.pairwise import recovery, revealing, uploading
from hedgerow.privacy.secure.pairwise.masking import Mask
from hedgerow.privacy.secure.parameters import Assumptions
from hedgerow.privacy.secure.session import SPLIT, Floor, Terms, pairwise_terms
from hedgerow.privacy.secure.split import client, helper

CLIENTS, WORDS, BITS = 6, 3000, 22
RING = Ring(BITS)
FLOOR = Floor(2, adversaries=0.2, dropouts=0.2, semi_malicious=False)


def common(**parts):
    return {
        "task": "view",
        "round": 0,
        "words": WORDS + 1,
        "bits": BITS,
        "clients": CLIENTS,
        "minimum": 2,
        "model": bytes(32),
        "config": bytes(32),
        **parts,
    }


def split_terms():
    own = {"attempt": 0, "neighbours": 0, "threshold": 0, "consistency": False}
    return Terms(mode=SPLIT, **common(**own))


def between_clients(*, consistency=False):
    assumptions = Assumptions(0.2, 0.2, semi_malicious=False)
    return pairwise_terms(assumptions=assumptions, **common(consistency=consistency))


def vectors():
    drawn = np.random.default_rng(0)
    return [drawn.integers(-9, 10, WORDS) for _ in range(CLIENTS)]


def words(values):
    return [RING.encode(value) for value in values]


def noise(value):
    return lambda count: np.full(count, value)


def test_each_server_of_two_knows_all_but_the_others_noise():
    values = vectors()
    view = split_view(split_terms(), FLOOR, words(values), (noise(100), noise(1000)))
    np.testing.assert_array_equal(view.opened, np.sum(values, axis=0) + 1100)
    np.testing.assert_array_equal(view.before, np.sum(values, axis=0) + 1000)
    np.testing.assert_array_equal(view.words, np.sum(values, axis=0))
    assert len(view.masks) == CLIENTS
    assert uniformity.bits(view.masks, RING).p > 1e-3
    assert uniformity.repeats(view.masks, RING).p == 1


@pytest.mark.parametrize("consistency", [False, True])
def test_a_curious_server_is_left_with_masks(consistency):
    values = vectors()
    view = pairwise_view(between_clients(consistency=consistency), FLOOR, words(values))
    np.testing.assert_array_equal(view.opened, np.sum(values[:-1], axis=0))
    assert view.broken == ()
    for masks in (view.masks, [view.late]):
        assert uniformity.bits(masks, RING).p > 1e-3
        assert uniformity.repeats(masks, RING).p == 1


def test_a_split_mask_on_some_bits_is_seen(monkeypatch):
    mask = client.mask
    for module in (client, helper):
        monkeypatch.setattr(module, "mask", lambda *given: mask(*given) & np.uint32(0xFFFF))
    view = split_view(split_terms(), FLOOR, words(vectors()), (noise(0), noise(0)))
    assert uniformity.bits(view.masks, RING).p < LEVEL


def test_without_pair_masks_the_server_is_left_with_words(monkeypatch):
    masks = uploading._masks
    monkeypatch.setattr(uploading, "_masks", lambda *given: [next(iter(masks(*given)))])
    view = pairwise_view(between_clients(), FLOOR, words(vectors()))
    assert uniformity.bits(view.masks, RING).p < LEVEL
    assert not any(RING.decode(mask).any() for mask in view.masks)
    assert view.opened is None


def test_without_self_masks_the_late_are_bare(monkeypatch):
    for module in (uploading, recovery):
        monkeypatch.setattr(module, "self_mask", lambda *_: Mask(bytes(32), adds=True))
    views = [pairwise_view(between_clients(), FLOOR, words(vectors())) for _ in range(2)]
    assert uniformity.repeats([view.late for view in views], RING).p < LEVEL


def test_secrets_that_too_few_shares_recover_are_found(monkeypatch):
    split = shamir.split
    monkeypatch.setattr(
        shamir, "split", lambda values, n, _threshold, random: split(values, n, 1, random)
    )
    view = pairwise_view(between_clients(), FLOOR, words(vectors()))
    assert "recover a secret" in view.broken[0]


def test_a_client_that_answers_twice_is_found(monkeypatch):
    monkeypatch.setattr(revealing.Answered, "again", lambda _self, _survivors: None)
    view = pairwise_view(between_clients(), FLOOR, words(vectors()))
    assert "two sets of survivors" in view.broken[0]
