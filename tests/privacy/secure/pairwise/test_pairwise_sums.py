"""The masked sum is the plain sum, whoever vanishes; or it is named why there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import Room, play, population, seeded, terms_of

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.pairwise.drive import Costs, Step, run
from hedgerow.privacy.secure.parameters import Assumptions
from hedgerow.privacy.secure.session import Floor, pairwise_terms

STEPS = [None, Step.ADVERT, Step.SHARES, Step.VECTOR, Step.REVEAL]
SIZES = st.integers(4, 9)


@st.composite
def sessions(draw):
    clients = draw(SIZES)
    terms = terms_of(
        clients,
        bits=draw(st.sampled_from([16, 19, 32, 64])),
        words=draw(st.integers(2, 9)),
        minimum=draw(st.integers(2, clients - 1)),
        threshold=draw(st.integers((clients + 1) // 2, clients - 1)),
    )
    steps = draw(st.lists(st.sampled_from(STEPS + [None] * 8), min_size=9, max_size=9))
    vanish = {who: step for who, step in enumerate(steps[:clients]) if step is not None}
    return terms, vanish, draw(st.permutations(range(clients))), draw(st.integers(1, 2))


def staying(clients, vanish, step):
    """How many send what belongs to a step."""
    return sum(vanish.get(who, Step.REVEAL + 1) > step for who in range(clients))


@settings(max_examples=80)
@given(sessions())
def test_the_sum_is_exact_or_too_few_are_left(session):
    terms, vanish, order, times = session
    # In a complete graph everyone is needed by everyone alike: a secret takes `threshold` others.
    needed = max(terms.minimum, terms.threshold + 1)
    left = [staying(terms.clients, vanish, step) for step in STEPS[1:]]
    possible = min(left[:3]) >= needed and left[3] >= terms.threshold + 1
    room = Room(terms, present=range(terms.clients))
    contributors = [w for w in range(terms.clients) if vanish.get(w, 9) > Step.VECTOR]
    if not possible:
        with pytest.raises(ProtocolError) as refused:
            play(room, vanish, order, times)
        assert refused.value.code.startswith("too-few-")
        return
    outcome = play(room, vanish, order, times)
    np.testing.assert_array_equal(outcome.sums, room.values[contributors].sum(axis=0))
    assert sorted(outcome.contributors) == sorted(room.places[who] for who in contributors)
    for who, client in room.clients.items():
        inclusion = outcome.inclusions[room.places[who]]
        client.check_receipt(
            outcome.receipt, inclusion, room.people.aggregator.public_key().public_bytes_raw()
        )


@pytest.mark.parametrize(("neighbours", "threshold"), [(6, 4), (10, 7)])
def test_a_sparse_graph_gives_the_exact_sum(neighbours, threshold):
    room = Room(terms_of(24, neighbours=neighbours, threshold=threshold))
    survivors = room.join().share().upload(vanished=[3, 17])
    assert (room.finish(survivors).sums == room.total()).all()


def test_silos_sign_for_the_survivors_first():
    people = population(7)
    terms = terms_of(7, consistency=True, threshold=4)
    rng = np.random.default_rng(0)
    values = rng.integers(-500, 500, (7, 5))
    outcome = run(
        terms,
        Floor(minimum=2, adversaries=0.0, dropouts=0.0, consistency=True),
        people,
        lambda who: Ring(32).encode(values[who]),
        vanish={2: Step.VECTOR, 5: Step.REVEAL},
        random=seeded("silos"),
    )
    assert (outcome.sums == values[[0, 1, 3, 4, 5, 6]].sum(axis=0)).all()


def test_what_goes_up_is_hardly_more_than_the_vector():
    """Step by step in the layout's sizes, for k=12 neighbours and 20,000 words of 20 bits."""
    clients, words = 16, 20_000
    terms = terms_of(clients, neighbours=12, threshold=8, words=words + 1, bits=20)
    costs = Costs()
    run(
        terms,
        Floor(minimum=2, adversaries=0.0, dropouts=0.0),
        population(clients),
        lambda who: Ring(20).encode(np.full(words, who)),
        random=seeded("bytes"),
        costs=costs,
    )
    packed = Ring(20).nbytes(words + 1)
    framing = 700
    assert max(costs.up.values()) <= packed + 12 * (48 + 16) + framing
    assert costs.server > 0 < costs.clients


def test_the_terms_that_are_computed_work_out():
    assumed = Assumptions(adversaries=0.2, dropouts=0.2, semi_malicious=True)
    terms = pairwise_terms(
        task="t",
        round=0,
        words=4,
        bits=32,
        clients=12,
        minimum=6,
        model=bytes(32),
        config=bytes(32),
        assumptions=assumed,
    )
    floor = Floor(minimum=6, adversaries=0.2, dropouts=0.2)
    room = Room(terms, floor=floor)
    survivors = room.join().share().upload(vanished=[0, 1])
    assert (room.finish(survivors).sums == room.total()).all()


def test_workers_take_in_shards_of_the_uploads():
    room = Room(terms_of(6)).join().share()
    workers = [room.server.intake(range(3)), room.server.intake(range(3, 6))]
    for who, client in room.clients.items():
        masked = client.mask(room.server.delivery(room.places[who]), room.words(who))
        workers[who // 3].accept(room.places[who], masked)
        with pytest.raises(ProtocolError, match="made no shares"):
            workers[1 - who // 3].accept(room.places[who], masked)
    for worker in workers:
        room.server.merge(worker)
    with pytest.raises(ProtocolError, match="one client"):
        room.server.merge(workers[0])
    assert (room.finish(room.server.close_uploads()).sums == room.total()).all()
