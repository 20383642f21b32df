"""Split mode: the exact sum over exactly the agreed reports, or one named reason why not."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.errors import ProtocolError
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.receipt import check_receipt
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT, Floor, Terms, sid
from hedgerow.privacy.secure.split import noise as noises
from hedgerow.privacy.secure.split.client import make_report, mask
from hedgerow.privacy.secure.split.coordinator import Coordinator
from hedgerow.privacy.secure.split.drive import Costs, Deployment, run
from hedgerow.privacy.secure.split.helper import Helper
from hedgerow.privacy.secure.split.messages import (
    AgreedSet,
    Collect,
    Forward,
    MaskSum,
    Refusal,
    Report,
    Seed,
    SignedMaskSum,
    SignedVerdicts,
    Verdicts,
    binding,
    report_id,
    request_of,
    set_root,
    signing,
)
from hedgerow.privacy.secure.split.sealing import seal
from hedgerow.privacy.secure.split.used import UsedInMemory
from hedgerow.privacy.secure.wire import from_wire, to_wire

CLIENTS = 6
WORDS = 9
FLOOR = Floor(minimum=2)


def stream(*name):
    """The same bytes every time."""
    source = Stream.seeded(*name)
    return lambda count: bytes(source.bytes(count))


DEPLOYMENT = Deployment.enrol(CLIENTS, stream("keys"))
OTHER = Deployment.enrol(CLIENTS, stream("others"))
TERMS = Terms(SPLIT, "test", 3, 0, WORDS, 32, CLIENTS, 3, 0, 0, False, bytes(32), bytes(32))


def values(client, terms=TERMS):
    bound = 1 << (terms.bits - 5)
    rng = np.random.default_rng(client)
    return rng.integers(-bound, bound, terms.words - 1)


def words(client, terms=TERMS):
    return Ring(terms.bits).encode(values(client, terms))


def plain_sum(clients, terms=TERMS):
    return sum((values(c, terms) for c in clients), np.zeros(terms.words - 1, np.int64))


def report(client, terms=TERMS, attempt="", deployment=DEPLOYMENT):
    return make_report(
        terms,
        deployment.servers,
        deployment.identities[client],
        words(client, terms),
        floor=FLOOR,
        random=stream("seed", client, attempt),
    )


def take(coordinator, report):
    """Hand in a report in the name of the client whose it says it is."""
    coordinator.receive(report, report.signed.certificate.key)


@dataclass
class Pair:
    """Both servers of a session; what they keep for other sessions may be given."""

    coordinator: Coordinator
    helper: Helper

    @classmethod
    def of(cls, terms=TERMS, *, deployment=DEPLOYMENT, used=None, noise=(noises.none, noises.none)):
        used = used or (UsedInMemory(), UsedInMemory())
        coordinator = Coordinator(
            terms,
            deployment.servers,
            deployment.authority,
            deployment.coordinator_key,
            used=used[0],
            noise=noise[0],
        )
        helper = Helper(
            terms,
            deployment.servers,
            deployment.authority,
            deployment.helper_keys,
            used=used[1],
            floor=FLOOR,
            noise=noise[1],
        )
        return cls(coordinator, helper)

    def judge(self):
        verdicts = None
        while (forward := self.coordinator.forward()) is not None:
            answer = self.helper.judge(forward)
            self.coordinator.settle(answer)
            verdicts = answer.verdicts
        return verdicts

    def give(self, *reports):
        for each in reports:
            take(self.coordinator, each)
        return self.judge()

    def open(self):
        return self.coordinator.open(self.helper.sum_masks(self.coordinator.collect()))


def code(job: Callable[[], object]):
    with pytest.raises(ProtocolError) as problem:
        job()
    assert str(problem.value).endswith(".")
    return problem.value.code


def by_helper(verdicts, key=None):
    """Verdicts with a signature, by default the helper's."""
    signer = DEPLOYMENT.helper_keys.signing if key is None else key
    return SignedVerdicts(verdicts, signer.sign(signing(verdicts)))


def resigned(sent, client=0, deployment=DEPLOYMENT, **changes):
    """The report with its envelope changed, and signed again by its client."""
    envelope = replace(sent.signed.envelope, **changes)
    signature = deployment.identities[client].sign(signing(envelope))
    return replace(sent, signed=replace(sent.signed, envelope=envelope, signature=signature))


# --- the sum -------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    bits=st.sampled_from([16, 19, 27, 32, 45, 64]),
    length=st.integers(2, 20),
    dropped=st.sets(st.integers(0, CLIENTS - 1), max_size=CLIENTS),
    minimum=st.integers(2, CLIENTS),
)
def test_the_sum_is_exact_or_too_few(bits, length, dropped, minimum):
    terms = replace(TERMS, bits=bits, words=length, minimum=minimum)
    asked = []

    def vectors(client):
        asked.append(client)
        return words(client, terms)

    costs = Costs()

    def job():
        return run(terms, FLOOR, DEPLOYMENT, vectors, vanish=dropped, costs=costs)

    present = [c for c in range(CLIENTS) if c not in dropped]
    if len(present) < minimum:
        assert code(job) == "too-few-contributors"
    else:
        outcome = job()
        np.testing.assert_array_equal(outcome.sums, plain_sum(present, terms))
        assert outcome.receipt.contributors == len(outcome.contributors) == len(present)
        assert list(costs.up) == present
        assert min(costs.up.values()) > Ring(bits).nbytes(length)
    assert asked == present


def test_both_servers_add_their_noise_once():
    drawn = []

    def noise(offset):
        def draw(count):
            drawn.append(count)
            return np.arange(count) * offset - 3

        return draw

    outcome = run(
        TERMS, FLOOR, DEPLOYMENT, words, coordinator_noise=noise(100), helper_noise=noise(-7)
    )
    expected = plain_sum(range(CLIENTS)) + np.arange(WORDS - 1) * 93 - 6
    np.testing.assert_array_equal(outcome.sums, expected)
    assert drawn == [WORDS - 1] * 2


def test_noise_of_another_shape_is_the_programs_fault():
    pair = Pair.of(noise=(noises.none, lambda count: np.zeros(count + 1, np.int64)))
    pair.give(*map(report, range(3)))
    with pytest.raises(ValueError, match="noise"):
        pair.open()


def test_what_the_servers_see_is_uniform():
    # A 16-bit ring and one word: all masked values of one plain value, as its seed varies.
    terms = replace(TERMS, words=2, bits=16)
    identity, zero = DEPLOYMENT.identities[0], np.zeros(1, np.uint16)
    seen = np.array(
        [mask(terms, stream("uniform", i)(32)).astype(np.int64)[0] >> 12 for i in range(3200)]
    )
    counts = np.bincount(seen, minlength=16)
    chi_squared = ((counts - 200) ** 2 / 200).sum()
    assert chi_squared < 37.7  # the 99.9th percentile of 15 degrees of freedom
    one = make_report(terms, DEPLOYMENT.servers, identity, zero, floor=FLOOR)
    two = make_report(terms, DEPLOYMENT.servers, identity, zero, floor=FLOOR)
    assert one.masked != two.masked


def test_masks_differ_by_session_and_seed():
    seeds = [bytes(32), bytes(31) + b"\1"]
    sessions = [TERMS, replace(TERMS, attempt=1), replace(TERMS, model=b"m" * 32)]
    masks = {mask(terms, seed).tobytes() for seed in seeds for terms in sessions}
    assert len(masks) == 6


def test_every_contributor_can_check_its_receipt():
    pair = Pair.of()
    reports = [report(c) for c in range(5)]
    pair.give(*reports)
    outcome = pair.open()
    for each in reports:
        envelope = each.signed.envelope
        inclusion = outcome.inclusions[envelope.report]
        server, session = DEPLOYMENT.servers.coordinator, sid(TERMS)
        check_receipt(outcome.receipt, inclusion, server, session, envelope.digest)
        other = report(5).signed.envelope.digest
        wrong = partial(check_receipt, outcome.receipt, inclusion, server, session, other)
        assert code(wrong) == "bad-receipt"


def test_replicas_merge():
    replicas = [Pair.of() for _ in range(3)]
    for pair in replicas[1:]:
        pair.helper = replicas[0].helper
    for client in range(CLIENTS):
        take(replicas[client % 3].coordinator, report(client))
    assert code(replicas[1].coordinator.tally) == "unjudged"
    assert code(replicas[0].coordinator.collect) == "unjudged"
    for pair in replicas:
        pair.judge()
    first = replicas[0].coordinator
    first.absorb(replicas[1].coordinator.tally())
    assert code(lambda: first.absorb(replicas[1].coordinator.tally())) == "duplicate-report"
    first.absorb(replicas[2].coordinator.tally())
    np.testing.assert_array_equal(replicas[0].open().sums, plain_sum(range(CLIENTS)))


# --- one client, one report, one sum -----------------------------------------------------------


def test_repeats_and_lost_answers_change_nothing():
    pair = Pair.of()
    reports = [report(c) for c in range(4)]
    for each in reports + reports[::-1]:
        take(pair.coordinator, each)
    forward = pair.coordinator.forward()
    assert pair.helper.judge(forward) == pair.helper.judge(forward)
    pair.judge()
    pair.give(reports[2])
    collect = pair.coordinator.collect()
    answer = pair.helper.sum_masks(collect)
    assert pair.helper.sum_masks(collect) == answer
    np.testing.assert_array_equal(pair.coordinator.open(answer).sums, plain_sum(range(4)))
    assert code(lambda: pair.coordinator.open(answer)) == "replayed"


def test_a_second_report_of_a_client_is_refused_by_both():
    pair = Pair.of()
    pair.give(*map(report, range(4)))
    again = report(2, attempt="again")
    assert code(lambda: take(pair.coordinator, again)) == "duplicate-report"
    verdicts = pair.helper.judge(Forward(sid(TERMS), (again.signed,))).verdicts
    assert [r.code for r in verdicts.refused] == ["duplicate-report"]
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(4)))


@pytest.mark.parametrize("server", ["both", "helper", "coordinator"])
@pytest.mark.parametrize("terms", [TERMS, replace(TERMS, attempt=1)])
def test_a_report_is_in_one_sum_whatever_the_attempt_or_restart(server, terms):
    used = UsedInMemory(), UsedInMemory()
    first = Pair.of(used=used)
    first.give(*map(report, range(4)))
    first.open()
    remembered = {
        "both": used,
        "helper": (UsedInMemory(), used[1]),
        "coordinator": (used[0], UsedInMemory()),
    }[server]
    second = Pair.of(terms, used=remembered)
    if server == "helper":
        verdicts = second.give(*(report(c, terms, "again") for c in range(1, 6)))
        assert [r.code for r in verdicts.refused] == ["replayed"] * 3
    else:
        for client in range(1, 4):
            again = report(client, terms, "again")
            assert code(lambda sent=again: take(second.coordinator, sent)) == "replayed"
        second.give(report(4, terms), report(5, terms))
    assert code(second.coordinator.collect) == "too-few-contributors"


def test_of_two_sessions_at_once_that_share_a_report_one_is_opened():
    used = UsedInMemory(), UsedInMemory()
    attempts = [TERMS, replace(TERMS, attempt=1)]
    pairs = [Pair.of(terms, used=used) for terms in attempts]
    for pair, terms, clients in zip(pairs, attempts, [range(5), range(1, 6)], strict=True):
        pair.give(*(report(c, terms) for c in clients))
    np.testing.assert_array_equal(pairs[0].open().sums, plain_sum(range(5)))
    assert code(pairs[1].open) == "replayed"
    # and the next round is another matter
    terms = replace(TERMS, round=4)
    third = Pair.of(terms, used=used)
    third.give(*(report(c, terms) for c in range(5)))
    np.testing.assert_array_equal(third.open().sums, plain_sum(range(5)))


def test_the_helper_gives_one_sum_over_one_set():
    pair = Pair.of()
    pair.give(*map(report, range(5)))
    pair.helper.sum_masks(pair.coordinator.collect())
    other = Pair.of()
    other.give(*map(report, range(4)))
    assert code(lambda: pair.helper.sum_masks(other.coordinator.collect())) == "already-given"
    assert code(lambda: pair.helper.judge(Forward(sid(TERMS), (report(5).signed,)))) == "closed"
    assert code(lambda: take(pair.coordinator, report(5))) == "closed"
    assert code(lambda: pair.coordinator.absorb(other.coordinator.tally())) == "closed"
    late = by_helper(Verdicts(sid(TERMS), bytes(32), (), ()))
    assert code(lambda: pair.coordinator.settle(late)) == "closed"


@pytest.mark.parametrize("coordinators", [range(4), range(1, 6), range(6)])
def test_sets_that_differ_are_not_opened(coordinators):
    pair = Pair.of()
    pair.give(*map(report, range(5)))
    other = Pair.of()
    other.give(*map(report, coordinators))
    assert code(lambda: pair.helper.sum_masks(other.coordinator.collect())) == "bad-set"
    # no harm is done: the right set is still opened
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(5)))


def test_the_same_reports_with_other_words_are_another_set():
    pair, other = Pair.of(), Pair.of()
    pair.give(*map(report, range(3)))
    other.give(report(0), report(1), report(2, attempt="again"))
    assert code(lambda: pair.helper.sum_masks(other.coordinator.collect())) == "bad-set"
    answer = other.helper.sum_masks(other.coordinator.collect())
    pair.coordinator.collect()
    assert code(lambda: pair.coordinator.open(answer)) == "bad-set"


def test_both_servers_keep_the_minimum():
    pair = Pair.of()
    pair.give(report(0), report(1))
    assert code(pair.coordinator.collect) == "too-few-contributors"
    weaker = Pair.of(replace(TERMS, minimum=2))
    agreed = AgreedSet(sid(TERMS), 2, bytes(32))
    collect = Collect(agreed, DEPLOYMENT.coordinator_key.sign(signing(agreed)))
    assert code(lambda: pair.helper.sum_masks(collect)) == "too-few-contributors"
    assert code(lambda: weaker.helper.sum_masks(collect)) == "too-few-contributors"


def test_no_more_reports_than_the_terms_allow():
    terms = replace(TERMS, clients=3)
    pair = Pair.of(terms)
    pair.give(*(report(c, terms) for c in range(3)))
    assert code(lambda: take(pair.coordinator, report(3, terms))) == "too-many"
    verdicts = pair.helper.judge(Forward(sid(terms), (report(3, terms).signed,))).verdicts
    assert verdicts.refused == (Refusal(report(3, terms).signed.envelope.report, "too-many"),)


# --- hostile clients -----------------------------------------------------------------------------


def test_a_report_comes_from_its_own_client():
    pair, someone = Pair.of(), DEPLOYMENT.identities[1].certificate.key
    assert code(lambda: pair.coordinator.receive(report(0), someone)) == "not-yours"
    pair.give(*map(report, range(3)))
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(3)))


def test_the_helper_refuses_what_is_not_signed_and_the_coordinator_takes_it_out():
    good, pair = report(0), Pair.of()
    unsigned = replace(good, signed=replace(good.signed, signature=bytes(64)))
    verdicts = pair.give(unsigned)
    assert [refusal.code for refusal in verdicts.refused] == ["bad-signature"]
    pair.give(*map(report, range(3)))
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(3)))


def test_both_servers_refuse_who_is_not_enrolled():
    good = report(0)
    stranger = report(0, deployment=OTHER)
    borrowed = replace(
        good, signed=replace(good.signed, certificate=DEPLOYMENT.identities[1].certificate)
    )
    cases = {
        "bad-certificate": stranger,
        "bad-report-id": borrowed,
        "other-session": report(0, replace(TERMS, attempt=1)),
    }
    pair = Pair.of()
    for expected, sent in cases.items():
        assert code(lambda sent=sent: take(pair.coordinator, sent)) == expected
        forward = Forward(sid(TERMS), (sent.signed,))
        assert pair.helper.judge(forward).verdicts.refused[0].code == expected
    # the honest ones go on
    pair.give(*map(report, range(3)))
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(3)))


def test_malformed_words_are_refused():
    good = report(0)
    pair = Pair.of(replace(TERMS, bits=27))
    odd = report(0, replace(TERMS, bits=27))
    assert code(lambda: take(Pair.of().coordinator, replace(good, masked=b""))) == "bad-masked"
    for masked in (b"", odd.masked + b"\0", odd.masked[:-1], odd.masked[:-1] + b"\xff"):
        sent = resigned(replace(odd, masked=masked), digest=hashlib.sha256(masked).digest())
        assert code(lambda sent=sent: take(pair.coordinator, sent)) == "bad-masked"


def seed_message(session, name):
    return to_wire(Seed(session, name, bytes(32)))


def test_seeds_that_do_not_open_are_left_out_by_both():
    servers, session, name = (
        DEPLOYMENT.servers,
        sid(TERMS),
        report_id(TERMS, DEPLOYMENT.identities[0].certificate.key),
    )
    bound = binding(session, name, servers)
    other_session, other_name = sid(replace(TERMS, round=4)), b"n" * 32
    message = seed_message(session, name)
    wrong = {
        "rubbish": bytes(100),
        "another recipient": seal(message, OTHER.servers.sealing, bound),
        "another session's": report(0, replace(TERMS, attempt=1)).signed.envelope.sealed,
        "bound to another session": seal(
            message, servers.sealing, binding(other_session, name, servers)
        ),
        "bound to another report": seal(
            message, servers.sealing, binding(session, other_name, servers)
        ),
        "bound to other servers": seal(
            message, servers.sealing, binding(session, name, OTHER.servers)
        ),
        "about another session": seal(seed_message(other_session, name), servers.sealing, bound),
        "about another report": seal(seed_message(session, other_name), servers.sealing, bound),
        "another client's": report(1).signed.envelope.sealed,
        "no seed": seal(b"no seed", servers.sealing, bound),
        "another message": seal(to_wire(Refusal(name, "x")), servers.sealing, bound),
    }
    for sealed in wrong.values():
        pair = Pair.of()
        verdicts = pair.give(*map(report, range(1, 4)), resigned(report(0), sealed=sealed))
        assert [r.report for r in verdicts.refused] == [name]
        assert verdicts.refused[0].code in {"cannot-open", "bad-encoding", "bad-message"}
        np.testing.assert_array_equal(pair.open().sums, plain_sum(range(1, 4)))


def test_a_refused_client_may_send_a_better_report():
    pair = Pair.of()
    pair.give(*map(report, range(1, 4)), resigned(report(0), sealed=bytes(100)))
    pair.give(report(0))
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(4)))


def test_a_mask_of_another_seed_voids_the_sum():
    # A client that masks with one seed and seals another makes rubbish, which must not pass.
    sealed = report(0, attempt="again").signed.envelope.sealed
    pair = Pair.of()
    pair.give(*map(report, range(1, 4)), resigned(report(0), sealed=sealed))
    assert code(pair.open) == "bad-count"


# --- hostile servers -----------------------------------------------------------------------------


def test_verdicts_must_be_about_what_waits():
    pair = Pair.of()
    for client in range(3):
        take(pair.coordinator, report(client))
    given = pair.helper.judge(pair.coordinator.forward())
    good, names = given.verdicts, given.verdicts.accepted
    for accepted, refused in (
        ((*names, b"x" * 32), ()),
        ((*names, names[0]), ()),
        (names, (Refusal(names[0], "cannot-open"),)),
        (names, (Refusal(b"x" * 32, "cannot-open"),)),
    ):
        odd = by_helper(replace(good, accepted=accepted, refused=refused))
        assert code(lambda odd=odd: pair.coordinator.settle(odd)) == "bad-verdicts"
    elsewhere = by_helper(replace(good, session=bytes(32)))
    assert code(lambda: pair.coordinator.settle(elsewhere)) == "other-session"
    pair.coordinator.settle(given)
    assert code(lambda: pair.coordinator.settle(given)) == "bad-verdicts"
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(3)))


def test_verdicts_that_the_helper_did_not_sign_are_refused():
    """Who stands between the servers could otherwise say which reports are in the sum."""
    pair = Pair.of()
    for client in range(4):
        take(pair.coordinator, report(client))
    given = pair.helper.judge(pair.coordinator.forward())
    out = given.verdicts.accepted[0]
    changed = replace(
        given.verdicts,
        accepted=given.verdicts.accepted[1:],
        refused=(Refusal(out, "cannot-open"),),
    )
    forged = (
        replace(given, verdicts=changed),
        SignedVerdicts(changed, bytes(64)),
        by_helper(changed, DEPLOYMENT.coordinator_key),
        by_helper(changed, OTHER.helper_keys.signing),
    )
    for answer in forged:
        assert code(lambda answer=answer: pair.coordinator.settle(answer)) == "bad-signature"
    # nothing was taken out by what was refused
    pair.coordinator.settle(given)
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(4)))


def test_verdicts_count_for_the_question_that_they_answer_and_for_no_other():
    pair = Pair.of()
    spoilt = resigned(report(0), sealed=bytes(100))
    take(pair.coordinator, spoilt)
    refusing = pair.helper.judge(pair.coordinator.forward())
    pair.coordinator.settle(refusing)
    # The client sends a better one: the old verdict would throw it out again.
    take(pair.coordinator, report(0))
    assert code(lambda: pair.coordinator.settle(refusing)) == "bad-verdicts"
    pair.coordinator.forward()
    assert code(lambda: pair.coordinator.settle(refusing)) == "bad-verdicts"
    pair.give(*map(report, range(1, 4)))
    np.testing.assert_array_equal(pair.open().sums, plain_sum(range(4)))


def test_another_session_s_verdicts_and_other_signed_messages_are_no_verdicts():
    pair, again = Pair.of(), Pair.of(replace(TERMS, attempt=1))
    take(pair.coordinator, report(0))
    take(again.coordinator, report(0, replace(TERMS, attempt=1)))
    forward, other = pair.coordinator.forward(), again.coordinator.forward()
    elsewhere = again.helper.judge(other)
    assert code(lambda: pair.coordinator.settle(elsewhere)) == "other-session"
    renamed = replace(elsewhere, verdicts=replace(elsewhere.verdicts, session=forward.session))
    assert code(lambda: pair.coordinator.settle(renamed)) == "bad-signature"
    agreed = AgreedSet(forward.session, 1, bytes(32))
    signature = DEPLOYMENT.helper_keys.signing.sign(signing(agreed))
    honest = pair.helper.judge(forward)
    borrowed = replace(honest, signature=signature)
    assert code(lambda: pair.coordinator.settle(borrowed)) == "bad-signature"
    pair.coordinator.settle(honest)


def test_a_helper_that_refuses_everyone_or_hides_verdicts_stops_the_sum():
    pair = Pair.of()
    for client in range(4):
        take(pair.coordinator, report(client))
    verdicts = pair.helper.judge(pair.coordinator.forward()).verdicts
    pair.coordinator.settle(by_helper(replace(verdicts, accepted=verdicts.accepted[:3])))
    assert code(pair.coordinator.collect) == "unjudged"
    name = verdicts.accepted[3]
    forward = pair.coordinator.forward()
    refusal = Verdicts(sid(TERMS), request_of(forward), (), (Refusal(name, "made-up"),))
    pair.coordinator.settle(by_helper(refusal))
    assert code(pair.open) == "bad-set"


def test_only_the_two_servers_are_heard():
    pair = Pair.of()
    pair.give(*map(report, range(3)))
    collect = pair.coordinator.collect()
    forged = Collect(collect.agreed, OTHER.coordinator_key.sign(signing(collect.agreed)))
    assert code(lambda: pair.helper.sum_masks(forged)) == "bad-signature"
    answer = pair.helper.sum_masks(collect)
    forged = SignedMaskSum(answer.sum, OTHER.helper_keys.signing.sign(signing(answer.sum)))
    assert code(lambda: pair.coordinator.open(forged)) == "bad-signature"
    assert code(lambda: pair.helper.judge(Forward(bytes(32), (report(0).signed,)))) == (
        "other-session"
    )


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        (bytes(4 * WORDS), "bad-count"),
        (bytes(4 * WORDS - 1), "bad-masks"),
        (b"", "bad-masks"),
    ],
)
def test_a_wrong_sum_of_masks_is_void(masks, expected):
    pair = Pair.of()
    pair.give(*map(report, range(3)))
    wrong = MaskSum(pair.coordinator.collect().agreed, masks)
    signature = DEPLOYMENT.helper_keys.signing.sign(signing(wrong))
    assert code(lambda: pair.coordinator.open(SignedMaskSum(wrong, signature))) == expected


def test_a_sum_is_opened_after_it_was_asked_for():
    pair = Pair.of()
    pair.give(*map(report, range(3)))
    other = Pair.of()
    other.give(*map(report, range(3)))
    answer = other.helper.sum_masks(other.coordinator.collect())
    assert code(lambda: pair.coordinator.open(answer)) == "bad-set"


# --- floors --------------------------------------------------------------------------------------


def test_terms_below_the_floor_are_refused():
    strict = Floor(minimum=4)
    pairwise = Terms(PAIRWISE, "test", 3, 0, WORDS, 32, 6, 3, 5, 4, False, bytes(32), bytes(32))
    for terms, floor, expected in (
        (TERMS, strict, "weak-minimum"),
        (TERMS, replace(FLOOR, modes=(PAIRWISE,)), "weak-mode"),
        (pairwise, FLOOR, "weak-mode"),
    ):

        def client(terms=terms, floor=floor):
            identity = DEPLOYMENT.identities[0]
            make_report(terms, DEPLOYMENT.servers, identity, words(0), floor=floor)

        def helper(terms=terms, floor=floor):
            Helper(
                terms,
                DEPLOYMENT.servers,
                DEPLOYMENT.authority,
                DEPLOYMENT.helper_keys,
                used=UsedInMemory(),
                floor=floor,
                noise=noises.none,
            )

        assert code(client) == expected
        assert code(helper) == expected
    assert code(lambda: Pair.of(pairwise)) == "weak-mode"


@pytest.mark.parametrize("wrong", [np.zeros(WORDS, np.uint32), np.zeros(WORDS - 1, np.int64)])
def test_a_vector_of_another_length_or_type_is_the_programs_fault(wrong):
    identity = DEPLOYMENT.identities[0]
    with pytest.raises(ValueError, match="words of type uint32"):
        make_report(TERMS, DEPLOYMENT.servers, identity, wrong, floor=FLOOR)


# --- damaged messages ----------------------------------------------------------------------------


class Link:
    """Carries messages as bytes, and damages one of them."""

    def __init__(self, which, damage):
        self._left = which
        self._damage = damage

    def carry(self, message):
        data = to_wire(message)
        self._left -= 1
        return from_wire(type(message), self._damage(data) if self._left == -1 else data)


def session_over(link):
    """A session of five clients; returns who is in the sum, and the sum."""
    pair, arrived = Pair.of(), []
    for client in range(5):
        try:
            take(pair.coordinator, link.carry(report(client)))
        except ProtocolError:
            continue
        arrived.append(client)
    verdicts = pair.helper.judge(link.carry(pair.coordinator.forward()))
    pair.coordinator.settle(link.carry(verdicts))
    collect = link.carry(pair.coordinator.collect())
    opened = pair.coordinator.open(link.carry(pair.helper.sum_masks(collect)))
    names = {report_id(TERMS, DEPLOYMENT.identities[c].certificate.key): c for c in arrived}
    return [names[r] for r in pair.coordinator.tally().digests], opened


def exact_or_refused(link):
    try:
        members, opened = session_over(link)
    except ProtocolError as problem:
        return bool(problem.code) and str(problem).endswith(".")
    return len(members) >= 3 and (opened.sums == plain_sum(members)).all()


@settings(max_examples=150)
@given(which=st.integers(0, 8), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_leaves_the_sum_exact_or_refused(which, place, bit):
    def flip(data):
        damaged = bytearray(data)
        damaged[int(place * len(data))] ^= 1 << bit
        return bytes(damaged)

    assert exact_or_refused(Link(which, flip))


@settings(max_examples=50)
@given(which=st.integers(0, 8), place=st.floats(0, 1, exclude_max=True))
def test_a_cut_message_is_refused(which, place):
    assert exact_or_refused(Link(which, lambda data: data[: int(place * len(data))]))


@settings(max_examples=40)
@given(
    order=st.permutations(list(range(CLIENTS)) * 2),
    kept=st.integers(0, 2 * CLIENTS),
    batches=st.integers(1, 4),
)
def test_any_order_and_repetition_gives_the_exact_sum(order, kept, batches):
    pair, arrived = Pair.of(), order[:kept]
    for turn, client in enumerate(arrived):
        take(pair.coordinator, from_wire(Report, to_wire(report(client))))
        if turn % batches == 0:
            pair.judge()
    pair.judge()
    if len(set(arrived)) < TERMS.minimum:
        assert code(pair.coordinator.collect) == "too-few-contributors"
    else:
        np.testing.assert_array_equal(pair.open().sums, plain_sum(set(arrived)))


def test_the_set_is_hashed_whatever_its_order():
    digests = {bytes([i]) * 32: bytes([i + 1]) * 32 for i in range(5)}
    session = sid(TERMS)
    root = set_root(session, digests)
    assert set_root(session, dict(reversed(digests.items()))) == root
    others = [
        set_root(bytes(32), digests),
        set_root(session, dict(list(digests.items())[1:])),
        set_root(session, digests | {bytes([1]) * 32: bytes(32)}),
    ]
    assert root not in others
