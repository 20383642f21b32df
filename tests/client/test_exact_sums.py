"""Two exact sums that differ by one client tell what it sent; a guard goes along with one run."""

import numpy as np
import pytest
from support import catalog_of, random_block

from hedgerow.client.conscience import LocalConscience
from hedgerow.client.guard import Guard
from hedgerow.client.store import Store
from hedgerow.data.split import Fold
from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask, run_of
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.setting import Noise, Setting
from hedgerow.federation.terms import client_words
from hedgerow.models.registry import make
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.session import sid

N_ITEMS, CLIENTS = 30, 24
DATA = random_block(users=CLIENTS, n_items=N_ITEMS)
RECIPE = make("popularity")
STEP = OnHistory(RECIPE.step(RECIPE.start(catalog_of(N_ITEMS), 0)))


def asked(release, purpose="step"):
    policy = Policy(secure="split", minimum=20)
    noise = Noise(release, 10.0, 0.0)
    setting = Setting.of(policy, noise, STEP.schema.size, [(CLIENTS, CLIENTS)], bytes(32))
    task = release.split("/")[0]
    return Ask(task, purpose, "popularity", 0, 10, repeats=False, held_out=False, setting=setting)


def fold_of(client):
    one = DATA[client : client + 1]
    return Fold(one, one.where(one.ages < 0))


def opened(consciences, ask):
    """Return the sum over those that go along, as the coordinator opens it."""
    total = np.zeros(STEP.schema.size, np.int64)
    for client, conscience in consciences.items():
        conscience.agree(ask, ask.terms(0))
        conscience.claim(ask, sid(ask.terms(0)))
        words = client_words(
            STEP, fold_of(client), ask.setting, lambda what: Stream.seeded(ask.release, what)
        )
        total += ask.setting.ring.decode(words)
    return ask.setting.opened(total, len(consciences))[0]


@pytest.fixture
def stores(tmp_path):
    made = [Store(tmp_path / str(client)) for client in range(CLIENTS)]
    for store in made:
        store.consents.give("train", "ann", "1")
        store.consents.give("measure", "ann", "1")
    yield made
    for store in made:
        store.close()


def everybody(stores, guard):
    return {client: LocalConscience(guard, store) for client, store in enumerate(stores)}


def test_two_models_and_one_revocation_give_a_clients_items_unless_the_second_is_refused(stores):
    bold = everybody(stores, Guard(epsilon=None, exact_runs=2))
    first = opened(bold, asked("shop/0/0"))
    revoked = 7
    del bold[revoked]
    second = opened(bold, asked("shop/1/0"))
    told = np.flatnonzero(np.rint(first - second)[:N_ITEMS])
    assert set(told) == set(DATA[revoked : revoked + 1].items.tolist())
    # Other names do not help, nor does another task.
    careful = everybody(stores, Guard(epsilon=None))
    for release in ("shop/1/0", "other/0/0", "other"):
        with pytest.raises(ProtocolError, match="Two runs with exact sums") as refused:
            opened(careful, asked(release))
        assert refused.value.code == "second-exact-run"


def test_the_default_goes_along_with_all_sums_of_one_run(stores):
    careful = {0: LocalConscience(Guard(epsilon=None), stores[0])}
    for release, purpose in (
        ("shop/0/0/norms", "norms"),
        ("shop/0/0", "step"),
        ("shop/0/1", "step"),
        ("shop/0/e0", "evaluation"),
    ):
        ask = asked(release, purpose)
        for _ in range(2):
            careful[0].claim(ask, sid(ask.terms(0)))
    # A sum that is said to have failed may have been opened.
    with pytest.raises(ProtocolError) as refused:
        careful[0].claim(asked("shop/0/1~1"), b"s")
    assert refused.value.code == "second-exact-run"


def test_none_at_all_may_be_gone_along_with(stores):
    never = LocalConscience(Guard(epsilon=None, exact_runs=0), stores[0])
    with pytest.raises(ProtocolError) as refused:
        never.claim(asked("shop/0/0"), b"s")
    assert refused.value.code == "second-exact-run"


@pytest.mark.parametrize(
    ("release", "run"),
    [
        ("shop/0/2", "shop/0"),
        ("shop/0/2/norms", "shop/0"),
        ("shop/0/e1", "shop/0"),
        ("shop/0/2~1", "shop/0~1"),
        ("shop/0/2/norms~2", "shop/0~2"),
        ("anything", "anything"),
        ("", ""),
    ],
)
def test_a_release_is_named_after_its_run(release, run):
    assert run_of(release) == run
