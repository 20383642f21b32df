"""Shamir's sharing beside the package ``shamirs``, and what fewer shares tell: nothing."""

import os

import pytest
import shamirs
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.shamir import PRIME


def little(value):
    return value.to_bytes(16, "little")


def number(data):
    return int.from_bytes(data, "little")


def test_the_prime_is_the_largest_of_128_bits():
    def is_prime(candidate):
        """Miller and Rabin's test; wrong for a composite with a chance below 4**-40."""
        odd, twos = candidate - 1, 0
        while odd % 2 == 0:
            odd, twos = odd // 2, twos + 1
        for base in range(2, 42):
            power = pow(base, odd, candidate)
            if power in {1, candidate - 1}:
                continue
            for _ in range(twos - 1):
                power = pow(power, 2, candidate)
                if power == candidate - 1:
                    break
            else:
                return False
        return True

    assert is_prime(PRIME)
    assert not any(is_prime(n) for n in range(PRIME + 1, 2**128))


@st.composite
def sharings(draw):
    shares = draw(st.integers(1, 40))
    threshold = draw(st.integers(1, shares))
    places = draw(st.permutations(range(1, shares + 1)))[:threshold]
    secrets = draw(st.lists(st.integers(0, PRIME - 1), min_size=1, max_size=3))
    return shares, threshold, places, secrets


@given(sharings())
def test_any_threshold_of_shares_recovers(sharing):
    shares, threshold, places, secrets = sharing
    made = shamir.split([little(s) for s in secrets], shares, threshold)
    factors = shamir.weights(places, shares)
    for i, secret in enumerate(secrets):
        mine = [made[x - 1][16 * i : 16 * i + 16] for x in places]
        assert number(shamir.combine(mine, factors)) == secret
        oracle = [shamirs.share(x, number(s), PRIME) for x, s in zip(places, mine, strict=True)]
        assert shamirs.interpolate(oracle, threshold=threshold) == secret


@given(st.integers(0, PRIME - 1), st.integers(1, 30))
def test_shares_of_the_oracle_are_recovered(secret, threshold):
    made = shamirs.shares(secret, quantity=30, modulus=PRIME, threshold=threshold)[-threshold:]
    factors = shamir.weights([share.index for share in made], 30)
    assert number(shamir.combine([little(share.value) for share in made], factors)) == secret


def test_large_neighbourhoods():
    made = shamir.split([little(7)], 1_078, 781)
    places = list(range(200, 981))
    recovered = shamir.combine([made[x - 1] for x in places], shamir.weights(places, 1_078))
    assert number(recovered) == 7


def test_one_share_short_fits_every_secret():
    """For each candidate there is one more share with which the others recover it."""
    made = [number(s) for s in shamir.split([little(123)], 5, 4)]
    factors = shamir.weights([1, 2, 3, 4], 5)
    for candidate in (0, 123, PRIME - 1):
        rest = sum(s * f for s, f in zip(made[:3], factors[:3], strict=True))
        fourth = (candidate - rest) * pow(factors[3], -1, PRIME) % PRIME
        mixed = [little(s) for s in [*made[:3], fourth]]
        assert number(shamir.combine(mixed, factors)) == candidate


def test_values_at_or_above_the_prime_are_drawn_again():
    draws = iter([little(PRIME), b"\xff" * 16, little(PRIME - 1)])
    assert number(shamir.secret(lambda _: next(draws))) == PRIME - 1


def test_secrets_are_of_128_bits():
    drawn = [number(shamir.secret()) for _ in range(200)]
    assert len({value & 0xFFFFFFFF for value in drawn}) > 190
    assert len({value >> 96 for value in drawn}) > 190


@pytest.mark.parametrize("wrong", [little(PRIME), b"\xff" * 16, b"short", bytes(17)])
def test_what_is_no_element_is_refused(wrong):
    with pytest.raises(ProtocolError) as refused:
        shamir.combine([wrong], [1])
    assert refused.value.code == "bad-share"
    with pytest.raises(ValueError, match="below the prime"):
        shamir.split([wrong], 3, 2, os.urandom)


@pytest.mark.parametrize(("shares", "threshold"), [(3, 4), (3, 0), (0, 0)])
def test_thresholds_that_cannot_be_met(shares, threshold):
    with pytest.raises(ValueError, match="cannot be asked"):
        shamir.split([little(1)], shares, threshold)


@pytest.mark.parametrize("places", [[1, 1], [0, 1], [1, 4]])
def test_places_that_are_none(places):
    with pytest.raises(ValueError, match="distinct"):
        shamir.weights(places, 3)
