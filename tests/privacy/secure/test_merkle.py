"""Merkle trees beside RFC 9162's own recursive definition."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.merkle import Tree, leaf, root_of


def naive(entries):
    """Section 2.1.1, word for word."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + naive(entries[:k]) + naive(entries[k:])).digest()


ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


@given(ENTRIES)
def test_roots_and_proofs(entries):
    tree = Tree([leaf(entry) for entry in entries])
    assert tree.root == naive(entries)
    for position, entry in enumerate(entries):
        proof = tree.proof(position)
        assert root_of(leaf(entry), position, len(entries), proof) == tree.root


@given(ENTRIES, st.data())
def test_another_entry_or_place_gives_another_root(entries, data):
    entries = sorted(set(entries))
    tree = Tree([leaf(entry) for entry in entries])
    position = data.draw(st.integers(0, len(entries) - 1))
    proof = tree.proof(position)
    assert root_of(leaf(b"something else"), position, len(entries), proof) != tree.root
    for other in set(range(len(entries))) - {position}:
        with contextlib.suppress(ProtocolError):
            assert root_of(leaf(entries[position]), other, len(entries), proof) != tree.root


@pytest.mark.parametrize(("position", "proof"), [(-1, 32), (2, 32), (0, 0), (0, 31), (0, 64)])
def test_what_is_no_proof_is_refused(position, proof):
    with pytest.raises(ProtocolError) as refused:
        root_of(leaf(b"a"), position, 2, bytes(proof))
    assert refused.value.code == "bad-proof"


def test_a_tree_of_nothing():
    with pytest.raises(ValueError, match="at least one"):
        Tree([])
