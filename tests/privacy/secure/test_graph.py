"""The graph of neighbours, beside a plain walk around the ring."""

import hashlib

import numpy as np
import pytest

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import graph
from hedgerow.privacy.secure.bitmap import from_bitmap, members_of, to_bitmap

VIEW = hashlib.sha256(b"view").digest()
SHAPES = [(2, 1), (5, 4), (6, 5), (7, 4), (9, 8), (30, 6), (101, 100)]


@pytest.mark.parametrize(("clients", "degree"), SHAPES)
def test_neighbours_are_the_nearest_on_the_ring(clients, degree):
    built = graph.build(VIEW, clients, degree)
    ring = built.order.tolist()
    assert sorted(ring) == list(range(clients))
    for position in range(clients):
        at = ring.index(position)
        others = built.neighbours(position)
        if degree == clients - 1:
            expected = set(range(clients)) - {position}
        else:
            reach = [*range(-degree // 2, 0), *range(1, degree // 2 + 1)]
            expected = {ring[(at + step) % clients] for step in reach}
        assert len(others) == degree
        assert set(others) == expected


@pytest.mark.parametrize(("clients", "degree"), SHAPES)
def test_the_mirror_tells_which_neighbour_one_is_of_ones_neighbour(clients, degree):
    built = graph.build(VIEW, clients, degree)
    for position in range(clients):
        for i, other in enumerate(built.neighbours(position)):
            assert built.neighbours(other)[built.mirror[i]] == position


def test_the_order_is_random_and_the_views():
    orders = {
        tuple(graph.build(hashlib.sha256(bytes([i])).digest(), 4, 3).order) for i in range(250)
    }
    assert len(orders) == 24


def test_every_pair_is_as_likely():
    """Of 12 clients with 4 neighbours each, any two are tied with a chance of 4/11."""
    views, ties = 3_000, np.zeros((12, 12))
    for i in range(views):
        built = graph.build(hashlib.sha256(i.to_bytes(4, "big")).digest(), 12, 4)
        for position in range(12):
            ties[position, built.neighbours(position)] += 1
    chance = 4 / 11
    deviation = np.abs(ties[np.triu_indices(12, 1)] / views - chance)
    assert deviation.max() < 4.5 * np.sqrt(chance * (1 - chance) / views)
    assert (np.diag(ties) == 0).all()


@pytest.mark.parametrize("size", [1, 7, 8, 9, 20])
def test_bitmaps(size):
    members = members_of(range(0, size, 3), size)
    data = to_bitmap(members)
    assert data[0] & 1
    np.testing.assert_array_equal(from_bitmap(data, size), members)
    for wrong in (data + b"\0", data[:-1], data[:-1] + bytes([data[-1] | 128])):
        if wrong != data and not (size % 8 == 0 and len(wrong) == len(data)):
            with pytest.raises(ProtocolError) as refused:
                from_bitmap(wrong, size)
            assert refused.value.code == "bad-bitmap"
