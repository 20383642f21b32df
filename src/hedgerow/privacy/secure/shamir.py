"""Shamir's secret sharing of 16-byte secrets (Communications of the ACM 22(11), 1979).

Over the largest prime below 2**128, so that a share travels in 16 bytes; a secret is the seed from
which longer keys are derived.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import lru_cache

from hedgerow.errors import ProtocolError

PRIME = 2**128 - 159
SHARE_BYTES = 16

Random = Callable[[int], bytes]

_REDUCE_EVERY = 32


def secret(random: Random = os.urandom) -> bytes:
    """Return a uniform secret, drawn again until it is below the prime."""
    while int.from_bytes(drawn := random(SHARE_BYTES), "little") >= PRIME:
        pass
    return drawn


def split(
    values: Sequence[bytes], shares: int, threshold: int, random: Random = os.urandom
) -> tuple[bytes, ...]:
    """Return shares of some secrets at 1, 2, ..., any ``threshold`` of which recover them.

    Parameters
    ----------
    values
        Secrets as `secret` draws them, 16 bytes each.
    shares
        How many to make of each.
    threshold
        How many recover; fewer tell nothing.
    random
        Where the coefficients come from.

    Returns
    -------
    tuple[bytes, ...]
        At each place the shares of all secrets, one after another.

    Raises
    ------
    ValueError
        A secret is no element of the field, or the threshold cannot be met.
    """
    if not 1 <= threshold <= shares < PRIME:
        raise ValueError(f"{threshold} of {shares} shares cannot be asked for")
    constants = [int.from_bytes(value, "little") for value in values]
    if any(len(v) != SHARE_BYTES for v in values) or max(constants) >= PRIME:
        raise ValueError("a secret is 16 bytes, little-endian, below the prime")
    drawn = [
        [_element(secret(random)) for _ in range(threshold - 1)] + [constant]
        for constant in constants
    ]
    # Horner's rule costs Python about the same for one polynomial as for several side by side in
    # one integer, in lanes wide enough for what builds up between reductions.
    lane = 8 * SHARE_BYTES + _REDUCE_EVERY * shares.bit_length() + 8
    columns = [_side_by_side(column, lane) for column in zip(*drawn, strict=True)]
    return tuple(_evaluate(columns, x, len(values), lane) for x in range(1, shares + 1))


def weights(places: Sequence[int], shares: int) -> list[int]:
    """Return what each share is worth in the secret: Lagrange's polynomials at 0.

    Of all ``shares`` places, those that are missing are the fewer as a rule. A weight is the one
    that the place has when none is missing, times ``(m - x) / m`` for every missing ``m``: products
    of small integers, and one inverse for all.

    Parameters
    ----------
    places
        Distinct places of shares, from 1 to ``shares``.
    shares
        How many were made.

    Raises
    ------
    ValueError
        A place repeats or lies outside.
    """
    present = set(places)
    if len(present) != len(places) or not present <= set(range(1, shares + 1)):
        raise ValueError(f"places are distinct and from 1 to {shares}")
    full = _full_weights(shares)
    missing = [m for m in range(1, shares + 1) if m not in present]
    common = pow(math.prod(missing), -1, PRIME)
    return [full[x - 1] * math.prod([m - x for m in missing]) * common % PRIME for x in places]


def combine(shares: Sequence[bytes], factors: Sequence[int]) -> bytes:
    """Return the secret of as many shares as its threshold, given their `weights`.

    Raises
    ------
    ProtocolError
        ``bad-share``: one is no element of the field.
    """
    total = sum(_element(s) * factor for s, factor in zip(shares, factors, strict=True)) % PRIME
    return total.to_bytes(SHARE_BYTES, "little")


def check(share: bytes) -> None:
    """Refuse what cannot be a share.

    Raises
    ------
    ProtocolError
        ``bad-share``: it is no element of the field.
    """
    _element(share)


def _element(share: bytes) -> int:
    value = int.from_bytes(share, "little")
    if len(share) != SHARE_BYTES or value >= PRIME:
        raise ProtocolError("bad-share", "A share of a secret is not below the prime.")
    return value


def _side_by_side(elements: Sequence[int], lane: int) -> int:
    return sum(element << (lane * i) for i, element in enumerate(elements))


def _evaluate(descending: Sequence[int], x: int, count: int, lane: int) -> bytes:
    """Return the values of polynomials in lanes by Horner's rule, reducing only now and then."""
    value, low = 0, (1 << lane) - 1
    elements = [0] * count
    for start in range(0, len(descending), _REDUCE_EVERY):
        for coefficient in descending[start : start + _REDUCE_EVERY]:
            value = value * x + coefficient
        elements = [(value >> (lane * i) & low) % PRIME for i in range(count)]
        value = _side_by_side(elements, lane)
    return b"".join(element.to_bytes(SHARE_BYTES, "little") for element in elements)


@lru_cache(maxsize=16)
def _full_weights(shares: int) -> list[int]:
    """Return the weights when no share is missing: the product of ``m / (m - x)`` over others."""
    top = math.factorial(shares)
    found = []
    for x in range(1, shares + 1):
        below = x * math.factorial(x - 1) * math.factorial(shares - x) * (-1) ** (x - 1)
        found.append(top * pow(below, -1, PRIME) % PRIME)
    return found
