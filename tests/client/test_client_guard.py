"""The guard refuses what falls below the client's own promise, and adds up what it has given."""

import json
import math
import threading
from dataclasses import replace

import pytest
from client_support import HandClock, ask_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.client.conscience import LocalConscience
from hedgerow.client.consent import Consent, Consents
from hedgerow.client.guard import Guard, cost_of
from hedgerow.client.store import Store
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.privacy.accounting import analytic_epsilon
from hedgerow.privacy.charges import Charge
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.secure.session import sid

ALL = Consents({p: Consent(p, "ann", 0.0, "1") for p in ("train", "measure", "recommend")})


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    made = Store(tmp_path, clock)
    for purpose in ALL.given:
        made.consents.give(purpose, "ann", "1")
    yield made
    made.close()


def refusal(guard, ask, terms, store, consents=ALL):
    """Return the code with which a guard refuses; None if it does not."""
    try:
        guard.check(ask, terms, consents, store.journal)
    except ProtocolError as error:
        return error.code
    return None


@pytest.mark.parametrize("secure", ["split", "pairwise"])
@pytest.mark.parametrize("purpose", ["step", "norms", "evaluation"])
def test_the_default_goes_along_with_the_default_policy(store, secure, purpose):
    assert refusal(Guard(), *ask_of(secure=secure, purpose=purpose), store) is None


@pytest.mark.parametrize("secure", ["split", "pairwise"])
@pytest.mark.parametrize(
    ("code", "guard", "ask"),
    [
        ("weak-minimum", Guard(minimum=99), {}),
        ("weak-epsilon", Guard(epsilon=3.9), {}),
        ("weak-epsilon", Guard(), {"epsilon": 10.1}),
        ("no-epsilon", Guard(), {"epsilon": None, "multiplier": 0.0, "delta": 0.0}),
        ("weak-delta", Guard(delta=1e-7), {}),
        ("weak-delta", Guard(), {"delta": 2e-5}),
        ("weak-unit", Guard(unit="silo"), {}),
        ("weak-unit", Guard(), {"unit": "silo"}),
        ("weak-persons", Guard(clients_per_person=2), {}),
        ("weak-persons", Guard(clients_per_person=3), {"clients_per_person": 2}),
        (None, Guard(clients_per_person=2), {"clients_per_person": 2}),
        (None, Guard(), {"clients_per_person": 2}),
        ("weak-noise", Guard(), {"multiplier": 0.0}),
        ("false-promise", Guard(), {"multiplier": 0.5}),
        ("false-promise", Guard(epsilon=None), {"multiplier": 0.5}),
        ("other-model", Guard(models=("als", "sequence")), {}),
        ("other-purpose", Guard(purposes=("measure",)), {}),
        ("other-purpose", Guard(purposes=("measure",)), {"purpose": "norms"}),
        ("other-purpose", Guard(purposes=("train",)), {"purpose": "evaluation"}),
        ("other-purpose", Guard(), {"purpose": "profiling"}),
        ("too-often", Guard(per_day=0), {}),
        (None, Guard(epsilon=None), {"epsilon": None, "multiplier": 0.0, "delta": 0.0}),
        (None, Guard(unit="silo"), {"unit": "silo"}),
        (None, Guard(models=("popularity",)), {}),
    ],
)
def test_what_falls_below_is_refused(store, secure, code, guard, ask):
    assert refusal(guard, *ask_of(secure=secure, **ask), store) == code


def test_sums_of_too_few_are_refused(store):
    assert refusal(Guard(), *ask_of(minimum=19), store) == "weak-minimum"
    assert refusal(Guard(minimum=19), *ask_of(minimum=19), store) is None


def test_what_only_masks_between_clients_need(store):
    weak = {"secure": "pairwise", "adversaries": 0.1}
    assert refusal(Guard(), *ask_of(**weak), store) in {"weak-threshold", "weak-noise"}
    assert refusal(Guard(modes=("split",)), *ask_of(secure="pairwise"), store) == "weak-mode"
    assert refusal(Guard(modes=("pairwise",)), *ask_of(), store) == "weak-mode"
    curious = {"secure": "pairwise", "semi_malicious": False}
    assert refusal(Guard(), *ask_of(**curious), store) == "weak-consistency"
    bold = Guard(semi_malicious=False, consistency=False)
    assert refusal(bold, *ask_of(**curious), store) is None
    # A complete graph is private for any share, but the noise would be sized for fewer liars.
    few = {"secure": "pairwise", "clients": 30, "adversaries": 0.19, "dropouts": 0.1}
    assert refusal(Guard(), *ask_of(**few), store) == "weak-noise"


@pytest.mark.parametrize("purpose", ["step", "norms", "evaluation"])
def test_nothing_goes_without_consent(store, purpose):
    ask, terms = ask_of(purpose=purpose)
    needed = "measure" if purpose == "evaluation" else "train"
    others = Consents({p: c for p, c in ALL.given.items() if p != needed})
    assert refusal(Guard(), ask, terms, store, others) == "no-consent"
    assert refusal(Guard(), ask, terms, store, Consents()) == "no-consent"
    alone = Consents({needed: ALL.given[needed]})
    assert refusal(Guard(), ask, terms, store, alone) is None


def test_integers_of_another_length_than_the_clip_are_refused(store):
    ask, terms = ask_of()
    wrong = Quantizer(2.0, ask.setting.quantizer.scale, 40)
    bent = replace(ask, setting=replace(ask.setting, quantizer=wrong))
    assert refusal(Guard(), bent, terms, store) == "bad-ask"


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, "4", None, True, [1]])
def test_numbers_that_are_none_are_refused_in_a_sentence(store, value):
    ask, terms = ask_of()
    noise = replace(ask.noise, multiplier=value)
    bent = replace(ask, setting=replace(ask.setting, noise=noise))
    assert refusal(Guard(), bent, terms, store) == "weak-noise"
    assert refusal(Guard(), replace(ask, delta=value), terms, store) == "bad-ask"


@pytest.mark.parametrize("secure", ["split", "pairwise"])
def test_a_run_that_keeps_its_promise_is_gone_along_with_to_its_end(store, secure):
    charges = (Charge(kind="a"), Charge(kind="a"), Charge(bound=1.0, kind="b"))
    policy = ask_of(secure=secure)[0].policy
    plan = plan_noise(policy, charges, 100, 100)
    conscience = LocalConscience(Guard(epsilon=4.0, delta=plan.delta), store)
    for number, release in enumerate(plan.releases):
        ask, terms = ask_of(
            secure=secure,
            multiplier=release.multiplier,
            release=f"run/{number}",
            delta=plan.delta,
        )
        conscience.agree(ask, terms)
        conscience.claim(ask, sid(terms))
    assert len(plan.releases) == 4
    assert 3.9 < store.journal.spent(plan.delta) <= 4.0
    ask, terms = ask_of(secure=secure, release="run/more", multiplier=9.0, delta=plan.delta)
    with pytest.raises(ProtocolError, match="together would cost") as caught:
        conscience.agree(ask, terms)
    assert caught.value.code == "spent"


@given(st.lists(st.floats(0.6, 60.0), min_size=1, max_size=12), st.floats(0.5, 10.0))
@settings(max_examples=25)
def test_whatever_is_asked_no_more_is_given_than_the_guard_says(
    tmp_path_factory, multipliers, epsilon
):
    store, delta = Store(tmp_path_factory.mktemp("agent")), 1e-6
    guard = Guard(epsilon=epsilon, delta=delta)
    taken = []
    for number, multiplier in enumerate(multipliers):
        alone = analytic_epsilon(multiplier, delta)
        ask, terms = ask_of(
            multiplier=multiplier, release=f"r{number}", delta=delta, epsilon=min(epsilon, 9.0)
        )
        together = analytic_epsilon(sum(z**-2 for z in [*taken, multiplier]) ** -0.5, delta)
        code = refusal(guard, ask, terms, store)
        if abs(together / epsilon - 1) < 1e-5 or abs(alone / min(epsilon, 9.0) - 1) < 1e-5:
            continue
        assert (code is None) == (together <= epsilon and alone <= min(epsilon, 9.0))
        if code is None:
            cost = cost_of(ask)
            store.journal.claim(ask.release, b"s", task="shop", purpose="step", cost=cost)
            taken.append(multiplier)
    store.close()


def test_another_name_of_a_task_is_no_other_budget(store):
    guard, taken = Guard(epsilon=2.0, delta=1e-6), 0
    for number in range(500):
        name = f"task-{number}"
        ask, terms = ask_of(multiplier=9.0, epsilon=2.0, release=f"{name}/0/0", task=name)
        if refusal(guard, ask, terms, store) is None:
            LocalConscience(guard, store).claim(ask, sid(terms))
            taken += 1
    most = max(n for n in range(1, 500) if analytic_epsilon(9.0 / math.sqrt(n), 1e-6) <= 2.0)
    assert taken == most < 20
    assert store.journal.spent(1e-6) <= 2.0


def test_a_client_takes_part_in_the_tasks_that_it_agreed_to(store):
    guard = Guard(tasks=("shop", "books"))
    assert refusal(guard, *ask_of(), store) is None
    assert refusal(guard, *ask_of(task="books"), store) is None
    assert refusal(guard, *ask_of(task="shop-2"), store) == "other-task"
    assert refusal(Guard(), *ask_of(task="shop-2"), store) is None


def test_noise_beyond_all_use_is_refused(store):
    assert refusal(Guard(), *ask_of(multiplier=1e4), store) is None
    assert refusal(Guard(), *ask_of(multiplier=1e4 * (1 + 1e-9)), store) == "too-much-noise"
    exact = {"epsilon": None, "delta": 0.0}
    assert refusal(Guard(epsilon=None), *ask_of(multiplier=1.0, **exact), store) == "bad-ask"


def test_the_same_release_is_counted_once_a_day(store, clock):
    guard = Guard(per_day=2)
    for release in ("a", "b"):
        ask, terms = ask_of(release=release, multiplier=40.0)
        LocalConscience(guard, store).claim(ask, sid(terms))
    assert refusal(guard, *ask_of(release="c", multiplier=40.0), store) == "too-often"
    assert refusal(guard, *ask_of(release="b", multiplier=40.0), store) is None
    clock.now += 86_400.0
    assert refusal(guard, *ask_of(release="c", multiplier=40.0), store) is None


class TestConscience:
    def code(self, call, *arguments):
        with pytest.raises(ProtocolError) as caught:
            call(*arguments)
        return caught.value.code

    def test_a_report_is_made_in_one_session_only(self, store):
        conscience = LocalConscience(Guard(), store)
        ask, terms = ask_of()
        for _ in range(2):
            conscience.claim(ask, sid(terms))
        assert self.code(conscience.claim, ask, sid(ask.terms(1))) == "answered-before"
        assert [a.stage for a in store.journal.answers()] == ["reported"]

    def test_masks_may_be_tried_again_until_a_vector_is_sent(self, store):
        conscience = LocalConscience(Guard(), store)
        ask, _ = ask_of(secure="pairwise")
        first, second, third = (sid(ask.terms(attempt)) for attempt in range(3))
        conscience.claim(ask, first)
        conscience.claim(ask, second)
        conscience.commit(ask, second)
        assert self.code(conscience.claim, ask, third) == "answered-before"
        assert self.code(conscience.commit, ask, first) == "answered-before"
        assert self.code(conscience.record, ask, first, b"x") == "answered-before"
        conscience.record(ask, second, b"x")
        conscience.record(ask, second, b"x")
        assert self.code(conscience.record, ask, second, b"y") == "already-answered"
        assert store.journal.record(ask.release, second) == b"x"

    def test_a_withdrawal_stops_a_round_under_way(self, store):
        conscience = LocalConscience(Guard(), store)
        ask, terms = ask_of(secure="pairwise")
        conscience.claim(ask, sid(terms))
        store.consents.withdraw("train", "ann")
        assert self.code(conscience.commit, ask, sid(terms)) == "no-consent"
        assert self.code(conscience.agree, ask, terms) == "no-consent"
        assert [a.stage for a in store.journal.answers()] == ["started"]

    def test_of_many_rounds_at_a_time_none_overspends(self, store):
        conscience = LocalConscience(Guard(epsilon=2.0, delta=1e-6), store)
        taken = []

        def take(number):
            ask, terms = ask_of(release=f"r{number}", multiplier=4.0, epsilon=2.0)
            try:
                conscience.claim(ask, sid(terms))
            except ProtocolError as error:
                assert error.code == "spent"  # noqa: PT017 - either is right, in each thread
            else:
                taken.append(number)

        threads = [threading.Thread(target=take, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        most = max(n for n in range(1, 9) if analytic_epsilon(4.0 / math.sqrt(n), 1e-6) <= 2.0)
        assert len(taken) == most
        assert store.journal.spent(1e-6) <= 2.0


def test_the_floor_is_the_guard(store):
    guard = Guard(minimum=7, adversaries=0.1, dropouts=0.3, modes=("split",), consistency=False)
    floor = guard.floor()
    assert (floor.minimum, floor.adversaries, floor.dropouts) == (7, 0.1, 0.3)
    assert (floor.modes, floor.consistency, floor.semi_malicious) == (("split",), False, True)


def test_it_is_the_same_when_it_is_written_down():
    guard = Guard(modes=("split",), epsilon=None, models=("als",), per_day=3)
    assert Guard.from_json(json.loads(json.dumps(guard.to_json()))) == guard
    assert Guard.from_json({}) == Guard()
    assert Guard.from_json({"epsilon": 2}).epsilon == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"modes": ["none"]},
        {"modes": "split"},
        {"modes": [["split"]]},
        {"purposes": ["recommend"]},
        {"models": ["gpt"]},
        {"unit": "country"},
        {"minimum": 1},
        {"minimum": 20.0},
        {"minimum": True},
        {"per_day": -1},
        {"exact_runs": -1},
        {"exact_runs": 1.0},
        {"tasks": "shop"},
        {"tasks": [1]},
        {"clients_per_person": 0},
        {"clients_per_person": 1.0},
        {"unit": "silo", "clients_per_person": 2},
        {"adversaries": -0.1},
        {"adversaries": 0.6, "dropouts": 0.4},
        {"dropouts": "0.1"},
        {"semi_malicious": 1},
        {"consistency": None},
        {"epsilon": 0},
        {"epsilon": math.inf},
        {"epsilon": "4"},
        {"delta": 0},
        {"delta": 1},
        {"delta": math.nan},
        {"surprise": 1},
    ],
)
def test_a_guard_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError):
        Guard.from_json(wrong)
