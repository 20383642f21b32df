"""A server among liars: what it refuses does its sum no harm."""

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import TRUSTING, Room, population, refused, terms_of, through

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.messages import (
    Advert,
    Consent,
    Delivery,
    Masked,
    Opening,
    Reveal,
    Shares,
    Survivors,
    advert_to_sign,
    upload_to_sign,
)
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.receipt import issue
from hedgerow.privacy.secure.session import sid
from hedgerow.privacy.secure.wire import from_wire, to_wire


def test_a_whole_round_shrugs_off_what_it_refuses():
    room = Room(terms_of(6))
    server = room.server
    with refused("wrong-phase"):
        server.opening(0)
    adverts = {who: client.advertise() for who, client in room.clients.items()}
    for who, advert in adverts.items():
        room.places[who] = server.join(advert)
    assert server.join(adverts[2]) == room.places[2]
    server.close_adverts()
    with refused("wrong-phase"):
        server.join(adverts[2])
    with refused("unknown-client"):
        server.opening(6)
    shares = {
        who: client.share(server.opening(room.places[who])) for who, client in room.clients.items()
    }
    with refused("bad-shares"):
        server.share(0, Shares(shares[0].sealed[:-1]))
    with refused("unknown-client"):
        server.share(-1, shares[0])
    for who, share in shares.items():
        server.share(room.places[who], share)
    with refused("already-shared"):
        server.share(room.places[1], shares[0])
    server.close_shares()
    masked = {
        who: client.mask(server.delivery(room.places[who]), room.words(who))
        for who, client in room.clients.items()
    }
    with refused("not-a-sender"):
        server.upload(6, masked[0])
    with refused("bad-signature"):
        server.upload(room.places[1], masked[0])
    with refused("bad-signature"):
        server.upload(room.places[0], Masked(masked[0].words[:-1] + b"!", masked[0].signature))
    with refused("wrong-phase"):
        server.reveal(0, Reveal(b""))
    for who, upload in [*masked.items(), *masked.items()]:
        server.upload(room.places[who], upload)
    survivors = server.close_uploads()
    with refused("wrong-phase"):
        server.upload(room.places[0], masked[0])
    reveals = {who: client.reveal(survivors) for who, client in room.clients.items()}
    with refused("bad-reveal"):
        server.reveal(room.places[0], Reveal(reveals[0].shares[:-16]))
    with refused("bad-share"):
        server.reveal(room.places[0], Reveal(b"\xff" * len(reveals[0].shares)))
    for who, reveal in reveals.items():
        server.reveal(room.places[who], reveal)
    with refused("already-revealed"):
        server.reveal(room.places[0], reveals[1])
    assert (server.finish().sums == room.total()).all()
    with refused("wrong-phase"):
        server.finish()


def signed_by(room, who, packed):
    """A vector of somebody's making, signed as it should be."""
    view = room.server._roster.view
    message = upload_to_sign(view, room.places[who], hashlib.sha256(packed).digest())
    return Masked(packed, room.people.identities[who].sign(message))


def test_a_second_vector_of_a_client_is_refused_and_the_sum_stays():
    room = Room(terms_of(6)).join().share()
    for who, client in room.clients.items():
        masked = client.mask(room.server.delivery(room.places[who]), room.words(who))
        room.server.upload(room.places[who], masked)
        with refused("already-uploaded"):
            room.server.upload(room.places[who], signed_by(room, who, bytes(24)))
    survivors = room.server.close_uploads()
    assert (room.finish(survivors).sums == room.total()).all()


@pytest.mark.parametrize("packed", [b"", bytes(23), bytes(25)])
def test_a_vector_of_another_length_is_refused(packed):
    room = Room(terms_of(6)).join().share()
    with refused("bad-upload"):
        room.server.upload(room.places[0], signed_by(room, 0, packed))


def test_bits_beyond_the_last_word_are_refused():
    room = Room(terms_of(6, bits=19)).join().share()
    size = room.ring.nbytes(6)
    with refused("bad-upload"):
        room.server.upload(room.places[0], signed_by(room, 0, bytes(size - 1) + b"\xff"))


def test_a_vector_that_counts_for_two_opens_no_sum():
    room = Room(terms_of(6)).join().share()
    for who, client in room.clients.items():
        masked = client.mask(room.server.delivery(room.places[who]), room.words(who))
        if who == 3:
            words = room.ring.unpack(masked.words, 6).copy()
            words[-1] += 1
            masked = signed_by(room, who, room.ring.pack(words))
        room.server.upload(room.places[who], masked)
    with refused("bad-sum"):
        room.finish(room.server.close_uploads())


@pytest.mark.parametrize(("vanished", "code"), [([5], "bad-secret"), ([], "bad-sum")])
def test_wrong_shares_open_no_sum(vanished, code):
    room = Room(terms_of(6)).join().share()
    survivors = room.upload(vanished)
    for who, client in room.clients.items():
        wrong = bytearray(client.reveal(survivors).shares)
        others = room.server._roster.graph.neighbours(room.places[who])
        if who != 5:
            wrong[16 * others.index(room.places[5])] ^= 1
        room.server.reveal(room.places[who], Reveal(bytes(wrong)))
    with refused(code):
        room.server.finish()


def test_adverts_with_used_keys_are_refused():
    room = Room(terms_of(6))
    first = room.clients[0].advertise()
    room.server.join(first)
    again = Room(terms_of(6), seed="again").clients[0].advertise()
    with refused("already-joined"):
        room.server.join(again)
    identity = room.people.identities[1]
    key = identity.certificate.key
    for channel, mask in [(first.channel, b"x" * 32), (b"x" * 32, first.channel), (b"x" * 32,) * 2]:
        signature = identity.sign(advert_to_sign(sid(room.terms), key, channel, mask))
        with refused("repeated-key"):
            room.server.join(Advert(identity.certificate, channel, mask, signature))


def test_the_roster_takes_no_more_than_its_terms():
    terms, people = terms_of(4), population(6)
    server = Server(terms, people.authority, people.aggregator)
    clients = [
        Client(terms, TRUSTING, identity, people.authority, journal=lambda _: None)
        for identity in people.identities
    ]
    for client in clients[:4]:
        server.join(client.advertise())
    with refused("roster-full"):
        server.join(clients[4].advertise())


def test_too_few_at_each_close_ends_the_session():
    room = Room(terms_of(6, minimum=5), present=range(4))
    with refused("too-few-clients"):
        room.join()
    with refused("wrong-phase"):
        room.server.close_adverts()
    room = Room(terms_of(6, minimum=5)).join()
    del room.clients[0], room.clients[1]
    with refused("too-few-clients"):
        room.share()
    room = Room(terms_of(6, minimum=5)).join().share()
    with refused("too-few-contributors"):
        room.upload(vanished=[0, 1])


def test_too_few_shares_open_no_sum():
    room = Room(terms_of(6, threshold=4)).join().share()
    survivors = room.upload()
    for who in (0, 1, 2):
        del room.clients[who]
    with refused("too-few-shares"):
        room.finish(survivors)


def test_who_made_no_shares_is_sent_none_and_sends_no_vector():
    room = Room(terms_of(6)).join()
    late = room.clients.pop(2)
    late.share(room.server.opening(room.places[2]))
    room.share()
    with refused("not-a-sender"):
        room.server.delivery(room.places[2])
    with refused("not-a-sender"):
        room.server.upload(room.places[2], signed_by(room, 2, bytes(24)))
    assert (room.finish(room.upload()).sums == room.total()).all()


def test_silos_that_do_not_agree_open_no_sum():
    room = Room(terms_of(6, threshold=4, consistency=True)).join().share()
    survivors = room.upload(vanished=[5])
    consents = {who: client.consent(survivors) for who, client in room.clients.items()}
    with refused("bad-signature"):
        room.server.consent(room.places[1], consents[0])
    with refused("not-a-survivor"):
        room.server.consent(room.places[5], consents[0])
    for who in (0, 1, 2):
        room.server.consent(room.places[who], consents[who])
    with refused("too-few-consents"):
        room.server.agreement(room.places[3])


MESSAGES = [
    Opening(2, bytes(32), bytes(32), 0, bytes(32), (b"advert",), (bytes(32),)),
    Shares(bytes(96)),
    Delivery(b"\1", bytes(48)),
    Masked(bytes(24), bytes(64)),
    Survivors(b"\3", b"\4"),
    Consent(bytes(64)),
    Reveal(bytes(32)),
]


@settings(max_examples=200)
@given(
    st.sampled_from(MESSAGES),
    st.integers(0, 1 << 16),
    st.integers(0, 255),
    st.sampled_from(["change", "cut", "insert"]),
)
def test_malformed_bytes_are_refused_or_another_message(message, at, byte, how):
    data = bytearray(to_wire(message))
    at %= len(data)
    if how == "change":
        data[at] = byte
    elif how == "cut":
        del data[at:]
    else:
        data.insert(at, byte)
    code, read = outcome(lambda: from_wire(type(message), bytes(data)))
    assert code in {"bad-encoding", "bad-message"} or to_wire(read) == bytes(data)


def outcome(call):
    """The code of a refusal, or what is returned."""
    try:
        return None, call()
    except ProtocolError as error:
        return error.code, None


@settings(max_examples=60)
@given(st.sampled_from(["shares", "masked", "reveal"]), st.binary(max_size=300))
def test_any_bytes_leave_the_sum_as_it_was(kind, junk):
    server = _room_at(kind).server
    take, message = {
        "shares": (server.share, Shares(junk)),
        "masked": (server.upload, Masked(junk, (junk * 64 + bytes(64))[:64])),
        "reveal": (server.reveal, Reveal(junk)),
    }[kind]
    with pytest.raises(ProtocolError):
        take(0, message)


_rooms = {}


def _room_at(kind):
    """One room for each phase; refusals change nothing, so it can be had again and again."""
    if kind not in _rooms:
        room = Room(terms_of(5)).join()
        if kind != "shares":
            room.share()
        if kind == "reveal":
            room.upload()
        _rooms[kind] = room
    return _rooms[kind]


def test_the_receipt_counts_a_client_in():
    room = Room(terms_of(6)).join().share()
    survivors = room.upload(vanished=[4])
    outcome = room.finish(survivors)
    server = room.people.aggregator.public_key().public_bytes_raw()
    place = room.places[0]
    check = room.clients[0].check_receipt
    receipt, inclusion = through(outcome.receipt), through(outcome.inclusions[place])
    check(receipt, inclusion, server)
    assert receipt.contributors == 5
    assert place in outcome.contributors
    wrong = dataclasses.replace(receipt, contributors=6)
    with refused("bad-signature"):
        check(wrong, inclusion, server)
    with refused("bad-signature"):
        check(receipt, inclusion, room.people.authority)
    other = outcome.inclusions[room.places[1]]
    with refused("bad-receipt"):
        check(receipt, other, server)
    uploads = {place: room.clients[0]._stage.digest}
    again, proofs = issue(room.people.aggregator, b"another session".ljust(32), bytes(32), uploads)
    with refused("bad-receipt"):
        check(again, proofs[place], server)


def test_uploads_look_uniform_whatever_is_in_them():
    """Each of the 65,536 values of a 16-bit ring, the top one too, comes as often as it should."""
    words = 1 << 18
    room = Room(terms_of(4, words=words + 1, bits=16, threshold=3, minimum=3)).join().share()
    counts = np.zeros(1 << 16, np.int64)
    zeros = np.zeros(words, np.uint16)
    for who, client in room.clients.items():
        masked = client.mask(room.server.delivery(room.places[who]), zeros)
        counts += np.bincount(np.frombuffer(masked.words, "<u2")[:-1], minlength=1 << 16)
    expected = words * len(room.clients) / (1 << 16)
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = (1 << 16) - 1
    assert abs(chi_square - freedom) < 5 * np.sqrt(2 * freedom)
    assert counts[-1] > 0 < counts[0]
