"""A client among liars: it sends nothing that would give away more than the sum."""

import dataclasses

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rooms import TRUSTING, Room, population, refused, seeded, terms_of, through

from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.bitmap import from_bitmap, members_of, to_bitmap
from hedgerow.privacy.secure.identity import Identity, certify, public
from hedgerow.privacy.secure.messages import (
    Advert,
    Agreement,
    Delivery,
    Opening,
    Survivors,
    advert_to_sign,
    consent_to_sign,
)
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.revealing import Answered
from hedgerow.privacy.secure.pairwise.sharing import open_box
from hedgerow.privacy.secure.parameters import Assumptions, choose
from hedgerow.privacy.secure.roster import Roster
from hedgerow.privacy.secure.session import Floor, sid
from hedgerow.privacy.secure.wire import from_wire, to_wire


def bits(positions, size):
    return to_bitmap(members_of(positions, size))


def uploaded(clients=7, vanished=(6,), **changes):
    room = Room(terms_of(clients, **changes)).join().share()
    return room, room.upload(vanished)


# The roster


def test_keys_of_another_session_are_refused():
    room, other = Room(terms_of(5)), Room(terms_of(5, attempt=1))
    with refused("bad-signature"):
        room.server.join(other.clients[0].advertise())


def test_a_client_outside_the_enrolled_is_refused():
    room, stranger = Room(terms_of(5)), Room(terms_of(4))
    with refused("bad-certificate"):
        room.server.join(stranger.clients[0].advertise())


def forge(room, opening, index, advert):
    """The opening with another advert in it, in a tree that holds it."""
    graph_order = list(room.server._roster.graph.neighbours(opening.position))
    adverts = list(room.server._roster.adverts)
    adverts[graph_order[index]] = advert
    roster = Roster(room.terms, adverts, b"b" * 32)
    assert to_wire(adverts[opening.position]) not in roster.opening(opening.position).neighbours
    return roster.opening(opening.position)


def joined(**changes):
    room = Room(terms_of(6, **changes)).join()
    return room, room.clients[0], room.server.opening(room.places[0])


def test_the_server_cannot_enrol_clients_itself():
    room, client, opening = joined()
    made_up = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    certificate = certify(room.people.aggregator, [public(made_up)])[0]
    sybil = Client(
        room.terms,
        TRUSTING,
        Identity(made_up, certificate),
        public(room.people.aggregator),
        journal=lambda _: None,
        random=seeded("sybil"),
    )
    with refused("bad-certificate"):
        client.share(forge(room, opening, 2, sybil.advertise()))


def test_the_server_cannot_swap_a_clients_keys():
    room, client, opening = joined()
    victim = from_wire(Advert, opening.neighbours[1])
    with refused("bad-signature"):
        client.share(forge(room, opening, 1, dataclasses.replace(victim, mask=b"k" * 32)))


def test_one_enrolled_client_cannot_stand_for_two():
    room, client, opening = joined()
    with refused("repeated-key"):
        client.share(forge(room, opening, 1, from_wire(Advert, opening.neighbours[2])))


def test_two_clients_cannot_have_a_key_in_common():
    room, client, opening = joined()
    identity = room.people.identities[3]
    stolen = from_wire(Advert, opening.neighbours[2])
    place = list(room.server._roster.graph.neighbours(opening.position)).index(room.places[3])
    if place == 2:
        stolen = from_wire(Advert, opening.neighbours[3])
    session, key = sid(room.terms), identity.certificate.key
    signature = identity.sign(advert_to_sign(session, key, b"c" * 32, stolen.mask))
    with refused("repeated-key"):
        client.share(
            forge(
                room,
                opening,
                place,
                Advert(identity.certificate, b"c" * 32, stolen.mask, signature),
            )
        )


def test_a_key_that_makes_no_secret_is_refused():
    room, client, opening = joined()
    identity = room.people.identities[3]
    place = list(room.server._roster.graph.neighbours(opening.position)).index(room.places[3])
    session, key = sid(room.terms), identity.certificate.key
    signature = identity.sign(advert_to_sign(session, key, bytes(32), b"m" * 32))
    advert = Advert(identity.certificate, bytes(32), b"m" * 32, signature)
    with refused("bad-key"):
        client.share(forge(room, opening, place, advert))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: {"position": (o.position + 1) % o.clients}, "bad-proof"),
        (lambda o: {"position": o.clients}, "bad-proof"),
        (lambda o: {"clients": o.clients - 1}, "bad-roster"),
        (lambda o: {"clients": o.clients + 1}, "bad-roster"),
        (lambda o: {"clients": 1}, "bad-roster"),
        (lambda o: {"root": b"r" * 32}, "bad-proof"),
        (lambda o: {"proof": o.proof[:-32]}, "bad-proof"),
        (lambda o: {"proof": o.proof + bytes(32)}, "bad-proof"),
        (lambda o: {"neighbours": o.neighbours[:-1]}, "bad-roster"),
        (lambda o: {"neighbours": o.neighbours[1:] + o.neighbours[:1]}, "bad-proof"),
    ],
)
def test_an_opening_that_does_not_fit_is_refused(change, code):
    _, client, opening = joined()
    with refused(code):
        client.share(dataclasses.replace(opening, **change(opening)))


def test_the_server_cannot_choose_somebodys_neighbours():
    room = Room(terms_of(12, neighbours=4, threshold=3)).join()
    whole = {p: room.server.opening(p) for p in range(12)}
    mine = whole[0]
    theirs = next(o for o in whole.values() if set(o.neighbours) != set(mine.neighbours))
    chosen = dataclasses.replace(mine, neighbours=theirs.neighbours, proofs=theirs.proofs)
    who = next(who for who, place in room.places.items() if place == 0)
    with refused("bad-proof"):
        room.clients[who].share(chosen)


def test_a_roster_that_shrinks_below_the_threshold_is_refused():
    floor = Floor(minimum=2, adversaries=0.3, dropouts=0.0)
    room = Room(terms_of(10, threshold=7), floor=floor, present=range(7))
    with refused("too-few-clients"):
        room.join()


def test_clients_shown_different_rosters_do_not_open_each_others_boxes():
    """Same adverts, another beacon: nothing that one half shares is of use to the other."""
    rooms = [Room(terms_of(6), beacon=bytes([i]) * 32).join() for i in range(2)]
    sealed = [room.clients[0].share(room.server.opening(room.places[0])).sealed for room in rooms]
    box = {}
    for room, boxes in zip(rooms, sealed, strict=True):
        room.clients[1].share(room.server.opening(room.places[1]))
        at = room.server._roster.graph.neighbours(room.places[0]).index(room.places[1])
        box[room] = boxes[48 * at : 48 * at + 48]
    receiver = rooms[0].clients[1]._stage
    at = receiver.others.index(rooms[0].places[0])
    ends = (sid(rooms[0].terms), rooms[0].places[0], rooms[0].places[1])
    key = receiver.boxes[32 * at : 32 * at + 32]
    assert len(open_box(box[rooms[0]], key, *ends)) == 32
    with refused("bad-tag"):
        open_box(box[rooms[1]], key, *ends)


def test_clients_shown_different_rosters_do_not_share_masks():
    sent = []
    for beacon in (b"a" * 32, b"b" * 32):
        room = Room(terms_of(6), beacon=beacon).join().share()
        delivery = room.server.delivery(room.places[0])
        sent.append(Ring(32).unpack(room.clients[0].mask(delivery, room.words(0)).words, 6))
    assert (sent[0] != sent[1]).all()


# The boxes


def delivered(**changes):
    room = Room(terms_of(6, **changes)).join().share()
    return room, room.clients[0], room.server.delivery(room.places[0])


def test_a_box_of_another_session_does_not_open():
    _, _, other = delivered(attempt=1)
    room, client, _ = delivered()
    with refused("bad-tag"):
        client.mask(other, room.words(0))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: {"sealed": d.sealed[48:96] + d.sealed[:48] + d.sealed[96:]}, "bad-tag"),
        (lambda d: {"sealed": bytes([d.sealed[0] ^ 1]) + d.sealed[1:]}, "bad-tag"),
        (lambda d: {"sealed": d.sealed[:-1]}, "bad-delivery"),
        (lambda d: {"shared": d.shared + b"\0"}, "bad-bitmap"),
        (lambda d: {"shared": bytes([d.shared[0] | 128])}, "bad-bitmap"),
        (lambda d: {"shared": b"\3", "sealed": d.sealed[:96]}, "too-few-neighbours"),
    ],
)
def test_a_delivery_that_does_not_fit_ends_the_session(change, code):
    room, client, delivery = delivered()
    with refused(code):
        client.mask(dataclasses.replace(delivery, **change(delivery)), room.words(0))
    with refused("wrong-step"):
        client.mask(delivery, room.words(0))


def test_a_vector_is_masked_once():
    room, client, delivery = delivered()
    client.mask(delivery, room.words(0))
    with refused("wrong-step"):
        client.mask(delivery, room.words(0))


# The survivors


@pytest.mark.parametrize(
    ("alive", "dead", "code"),
    [
        ([0, 1, 2, 3, 4, 5], [5, 6], "alive-and-dead"),
        ([0, 1, 2, 3, 4, 5], [0, 6], "alive-and-dead"),
        ([1, 2, 3, 4, 5], [0, 6], "not-among-survivors"),
        ([1, 2, 3, 4, 5, 6], [], "not-among-survivors"),
        ([0, 1, 2, 3, 4, 5], [], "missing-neighbour"),
        ([0, 1, 2, 3], [4, 5, 6], "too-few-neighbours"),
        ([0], [1, 2, 3, 4, 5, 6], "too-few-contributors"),
    ],
)
def test_survivors_that_would_betray_somebody_get_no_answer(alive, dead, code):
    room, truth = uploaded(threshold=4, minimum=3)
    client = next(c for who, c in room.clients.items() if room.places[who] == 0)
    with refused(code):
        client.reveal(Survivors(bits(alive, 7), bits(dead, 7)))
    assert not room.records
    with refused("wrong-step"):
        client.reveal(truth)


@pytest.mark.parametrize("wrong", [b"", b"\x7f\0", b"\xff"])
def test_survivors_that_are_no_bitmap_get_no_answer(wrong):
    room, truth = uploaded()
    with refused("bad-bitmap"):
        room.clients[0].reveal(Survivors(wrong, truth.dead))


def test_one_answer_a_session_recorded_before_it_is_sent():
    room, truth = uploaded()
    client = room.clients[0]
    answer = client.reveal(truth)
    assert [from_wire(Answered, r) for r in room.records] == [
        Answered(sid(room.terms), from_wire(Answered, room.records[0]).request, answer.shares)
    ]
    assert client.reveal(truth) == answer
    assert len(room.records) == 1
    other = Survivors(bits([0, 1, 2, 3, 4], 7), bits([5, 6], 7))
    with refused("already-answered"):
        client.reveal(other)
    assert client.reveal(truth) == answer


def test_after_a_crash_the_journal_answers_the_same_and_nothing_else():
    room, truth = uploaded()
    answer = room.clients[0].reveal(truth)
    record = from_wire(Answered, room.records[0])
    assert record.again(truth) == answer
    with refused("already-answered"):
        record.again(Survivors(truth.dead, truth.alive))


def test_a_journal_that_fails_keeps_the_answer_in():
    room, truth = uploaded()

    def full(_):
        raise OSError("disk full")

    room.clients[0]._journal = full
    with pytest.raises(OSError, match="full"):
        room.clients[0].reveal(truth)
    with refused("wrong-step"):
        room.clients[0].reveal(truth)


def test_nobody_gives_both_secrets_of_one_client():
    """Over all that a server can get, each holder tells one share of each neighbour."""
    room, truth = uploaded()
    alive = from_bitmap(truth.alive, 7)
    for client in room.clients.values():
        kept = client._stage
        told = client.reveal(truth).shares
        pieces = [told[i : i + 16] for i in range(0, len(told), 16)]
        assert len(pieces) == len(kept.held)
        for at, (other, piece) in enumerate(zip(kept.held, pieces, strict=True)):
            both = kept.shares[32 * at : 32 * at + 32]
            assert piece == (both[:16] if alive[other] else both[16:])
        assert client._stage.answer.shares == told


@pytest.mark.parametrize("told_alive", range(8))
def test_a_server_that_tells_two_stories_gets_one_secret_at_most(told_alive):
    """A third of the clients help it; some of the others hear that a client lives, the rest not."""
    helpers, victim = [0, 1, 2, 3], 4
    chosen = choose(12, Assumptions(adversaries=1 / 3, dropouts=0.1))
    terms = terms_of(12, threshold=chosen.threshold)
    room = Room(terms, floor=Floor(minimum=2, dropouts=0.1)).join().share()
    secret = room.clients[victim]._stage
    room.upload()
    got = {"self": {}, "mask": {}}
    for turn, who in enumerate(w for w in room.clients if w != victim and w not in helpers):
        lives = turn < told_alive
        alive = [p for w, p in room.places.items() if w != victim or lives]
        dead = [] if lives else [room.places[victim]]
        kept = room.clients[who]._stage
        told = room.clients[who].reveal(Survivors(bits(alive, 12), bits(dead, 12))).shares
        at = kept.held.index(room.places[victim])
        got["self" if lives else "mask"][who] = told[16 * at : 16 * at + 16]
    for who in helpers:
        kept = room.clients[who]._stage
        at = kept.held.index(room.places[victim])
        got["self"][who] = kept.shares[32 * at : 32 * at + 16]
        got["mask"][who] = kept.shares[32 * at + 16 : 32 * at + 32]
    order = room.server._roster.graph.neighbours(room.places[victim])
    recovered = set()
    for what, shares in got.items():
        if len(shares) >= terms.threshold:
            some = list(shares)[: terms.threshold]
            factors = shamir.weights([order.index(room.places[w]) + 1 for w in some], 11)
            seed = shamir.combine([shares[w] for w in some], factors)
            assert seed == (secret.self_seed if what == "self" else secret.mask_seed)
            recovered.add(what)
    assert len(recovered) <= 1
    assert recovered == {"mask"} or told_alive > 7 - (terms.threshold - len(helpers))


def test_one_that_vanished_before_it_shared_may_be_listed_dead():
    room = Room(terms_of(7)).join()
    del room.clients[4]
    for who, client in room.clients.items():
        room.server.share(room.places[who], client.share(room.server.opening(room.places[who])))
    room.server.close_shares()
    truth = room.upload()
    place = room.places[4]
    assert not from_bitmap(truth.dead, 7)[place]
    survivors = Survivors(truth.alive, bits([place], 7))
    assert (room.finish(survivors).sums == room.total()).all()


# Silos sign for the survivors


def consented():
    room = Room(terms_of(7, threshold=4, consistency=True)).join().share()
    truth = room.upload(vanished=[6])
    for who, client in room.clients.items():
        room.server.consent(room.places[who], through(client.consent(truth)))
    agreements = {who: room.server.agreement(room.places[who]) for who in room.clients}
    return room, truth, agreements


def test_without_an_agreement_a_silo_does_not_answer():
    room, truth, _ = consented()
    with refused("no-agreement"):
        room.clients[0].reveal(truth)


def test_a_silo_answers_only_for_what_it_signed():
    """Not even where all others signed for something else."""
    room, truth, _ = consented()
    other = Survivors(bits(from_places(room, range(5)), 7), bits(from_places(room, [5, 6]), 7))
    view = room.server._roster.view
    order = room.server._roster.graph.neighbours(room.places[0])
    signers = sorted(order.index(place) for place in from_places(room, range(1, 5)))
    people = {place: room.people.identities[who] for who, place in room.places.items()}
    signatures = [people[order[i]].sign(consent_to_sign(view, other)) for i in signers]
    with refused("no-agreement"):
        room.clients[0].reveal(other, Agreement(bits(signers, 6), b"".join(signatures)))
    with refused("wrong-step"):
        room.clients[1].consent(other)
    assert truth != other


def from_places(room, clients):
    """The positions of clients."""
    return [room.places[who] for who in clients]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda a: Agreement(a.signers, a.signatures[:-64]), "no-agreement"),
        (lambda a: Agreement(b"\7", a.signatures[: 3 * 64]), "no-agreement"),
        (lambda a: Agreement(a.signers, bytes(len(a.signatures))), "bad-signature"),
        (
            lambda a: Agreement(
                a.signers, a.signatures[64:128] + a.signatures[:64] + a.signatures[128:]
            ),
            "bad-signature",
        ),
    ],
)
def test_an_agreement_needs_enough_true_signatures(change, code):
    room, truth, agreements = consented()
    with refused(code):
        room.clients[0].reveal(truth, change(agreements[0]))


def test_signatures_of_those_listed_dead_do_not_count():
    room, truth, agreements = consented()
    others = room.server._roster.graph.neighbours(room.places[0])
    gone = others.index(room.places[6])
    signers = from_bitmap(agreements[0].signers, 6).copy()
    signers[gone] = True
    padded = Agreement(to_bitmap(signers), agreements[0].signatures + bytes(64))
    with refused("no-agreement"):
        room.clients[0].reveal(truth, padded)


# The steps in order, and the masks


def test_steps_come_in_their_order():
    room = Room(terms_of(6))
    client = room.clients[0]
    nothing = Opening(6, bytes(32), bytes(32), 0, b"", (), ())
    for step in (
        lambda: client.share(nothing),
        lambda: client.mask(Delivery(b"", b""), room.words(0)),
        lambda: client.consent(Survivors(b"", b"")),
        lambda: client.reveal(Survivors(b"", b"")),
        lambda: client.check_receipt(None, None, b""),
    ):
        with refused("wrong-step"):
            step()
    assert len(client.advertise().mask) == 32
    with refused("wrong-step"):
        client.advertise()


def test_a_vector_of_another_shape_is_a_mistake_of_the_caller():
    _, client, delivery = delivered()
    with pytest.raises(ValueError, match="a vector has"):
        client.mask(delivery, np.zeros(9, np.uint32))


@pytest.mark.parametrize(
    "changes", [{"attempt": 1}, {"round": 4}, {"model": b"M" * 32}, {"config": b"C" * 32}]
)
def test_no_mask_serves_two_sessions(changes):
    """With the very same secrets drawn, another session gives other keys and other masks."""
    rooms = [Room(terms_of(6)), Room(terms_of(6, **changes))]
    sent = []
    for room in rooms:
        room.join().share()
        delivery = room.server.delivery(room.places[0])
        packed = room.clients[0].mask(delivery, room.words(0)).words
        sent.append(Ring(32).unpack(packed, 6))
    assert (rooms[0].values == rooms[1].values).all()
    assert (sent[0] != sent[1]).all()


def test_clients_shown_different_models_make_no_sum():
    """The server cannot take the uploads of one model into the sum of another."""
    room, other = (
        Room(terms_of(6)).join().share(),
        Room(terms_of(6, model=b"M" * 32)).join().share(),
    )
    foreign = other.clients[2]
    masked = foreign.mask(other.server.delivery(other.places[2]), other.words(2))
    with refused("bad-signature"):
        room.server.upload(room.places[2], masked)


def test_a_client_keeps_nothing_of_its_own_after_its_upload():
    room, _ = uploaded()
    kept = dataclasses.asdict(room.clients[0]._stage)
    assert set(kept) == {
        "view",
        "clients",
        "position",
        "others",
        "identities",
        "held",
        "shares",
        "digest",
    }


@pytest.mark.parametrize(
    ("floor", "code"),
    [
        (Floor(minimum=3, adversaries=0.0, dropouts=0.0), "weak-minimum"),
        (Floor(minimum=2, adversaries=0.5, dropouts=0.0), "weak-threshold"),
        (Floor(minimum=2, adversaries=0.0, dropouts=0.0, modes=("split",)), "weak-mode"),
        (Floor(minimum=2, adversaries=0.0, dropouts=0.0, consistency=True), "weak-consistency"),
    ],
)
def test_terms_below_the_floor_are_refused_at_once(floor, code):
    with refused(code):
        Room(terms_of(6), floor=floor)


def test_split_terms_are_not_for_this_client():
    terms = terms_of(6, mode="split", neighbours=0, threshold=0)
    with refused("weak-mode"):
        Client(
            terms,
            TRUSTING,
            population(6).identities[0],
            population(6).authority,
            journal=lambda _: None,
        )
