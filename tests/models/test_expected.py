"""The check of public states, and what any state that passes it can lead to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipes import RECIPES
from support import catalog_of, states_of, structured_block, with_weights

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError, ProtocolError
from hedgerow.federation.ask import EVALUATION, NORMS, STEP, step_of
from hedgerow.federation.setting import Noise, Setting
from hedgerow.federation.terms import client_words
from hedgerow.models import limits
from hedgerow.models.als import ALS
from hedgerow.models.base import State
from hedgerow.models.blend import Blend
from hedgerow.models.expected import COUNT, SMALLEST, VALUE, check_state, settled
from hedgerow.models.factorization import Factorization
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.randomness import Stream

ITEMS = 9


def refused(recipe, arrays, number=0, items=ITEMS):
    try:
        check_state(recipe, State(arrays, number), items)
    except ProtocolError as error:
        return error.code == "bad-model"
    return False


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2 * VALUE, 1e-40, -SMALLEST / 2])
@pytest.mark.parametrize("place", [0, -1])
def test_a_single_value_is_enough(value, place):
    recipe = ALS(dimension=3)
    arrays = dict(recipe.start(catalog_of(ITEMS), 0).arrays)
    assert not refused(recipe, arrays)
    vectors = arrays["vectors"].copy()
    vectors.flat[place] = value
    assert refused(recipe, {**arrays, "vectors": vectors})


@pytest.mark.parametrize("value", [0.0, -0.0, SMALLEST, -SMALLEST, VALUE, -VALUE])
def test_the_bounds_themselves_are_good(value):
    recipe = ALS(dimension=3)
    arrays = dict(recipe.start(catalog_of(ITEMS), 0).arrays)
    assert not refused(recipe, {**arrays, "vectors": np.full((ITEMS, 3), value, np.float32)})


def test_all_of_a_large_array_is_looked_at():
    recipe, items = ALS(dimension=64), 20_000
    arrays = dict(recipe.start(catalog_of(items), 0).arrays)
    assert not refused(recipe, arrays, items=items)
    arrays["vectors"][-1, -1] = np.nan
    assert refused(recipe, arrays, items=items)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, ">f4", np.complex64])
def test_numbers_of_another_type_are_refused(dtype):
    recipe = ALS(dimension=3)
    arrays = recipe.start(catalog_of(ITEMS), 0).arrays
    assert refused(recipe, {**arrays, "vectors": arrays["vectors"].astype(dtype)})


def test_widths_that_follow_from_noise_agree():
    recipe = PrivateSequence(dimension=5)
    vectors, wider = np.ones((ITEMS, 3), np.float32), np.ones((ITEMS, 4), np.float32)
    arrays = {"popularity": np.ones(ITEMS, np.float32), "seed": np.array(3)}
    assert not refused(recipe, {**arrays, "vectors1": wider}, 1)
    arrays |= {"vectors1": vectors, "vectors2": wider}
    assert not refused(recipe, {**arrays, "weights1": vectors}, 2)
    assert refused(recipe, {**arrays, "weights1": wider}, 2)
    for width in (0, 6):
        many = np.ones((ITEMS, width), np.float32)
        assert refused(recipe, {**arrays, "vectors1": many, "weights1": many}, 2)


@pytest.mark.parametrize("number", [-1, 2, 10**9])
def test_a_round_that_there_is_not_is_refused(number):
    assert refused(Popularity(), {"counts": np.zeros(ITEMS)}, number)


@pytest.mark.parametrize("items", [0, limits.ITEMS + 1])
def test_so_many_items_are_refused(items):
    assert refused(Popularity(), {"counts": np.zeros(items)}, items=items)


@pytest.mark.parametrize("seed", [-1, 2**53])
def test_a_seed_that_a_browser_cannot_hold_is_refused(seed):
    state = Factorization(dimension=2).start(catalog_of(ITEMS), 0)
    arrays = {**state.arrays, "seed": np.array(seed)}
    assert refused(Factorization(dimension=2), arrays)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_is_settled_is_accepted_and_stays_as_it_is(recipe):
    for state in states_of(recipe, structured_block(n_items=ITEMS)):
        spoilt = {
            name: array * np.float64(1e20) if array.dtype.kind == "f" else array
            for name, array in state.arrays.items()
        }
        spoilt = {name: array.astype(state.arrays[name].dtype) for name, array in spoilt.items()}
        once = settled(recipe, replace(state, arrays=spoilt), ITEMS)
        check_state(recipe, once, ITEMS)
        again = settled(recipe, once, ITEMS)
        for name, array in once.arrays.items():
            np.testing.assert_array_equal(array, again.arrays[name])


TOO_LARGE = [
    lambda: ALS(dimension=limits.DIMENSION + 1),
    lambda: ALS(rounds=limits.ROUNDS + 1),
    lambda: ALS(regularization=1e-12),
    lambda: ALS(unobserved=1e6),
    lambda: Factorization(local_epochs=limits.LOCAL_EPOCHS + 1),
    lambda: Factorization(fold_in_epochs=limits.FOLD_IN_EPOCHS + 1),
    lambda: Factorization(local_rate=1e3),
    lambda: Factorization(server_rate=1e3),
    lambda: Factorization(local_rate=1.0, proximal=2.5),
    lambda: PrivateSequence(dimension=limits.DIMENSION + 1),
    lambda: Sequence(dimensions=(8,) * 9, decays=(0.5,) * 9),
    lambda: Sequence(dimensions=(limits.DIMENSION + 1,), decays=(0.5,)),
    lambda: Sequence(fourier=limits.FEATURES),
    lambda: Sequence(vector_rounds=limits.VECTOR_ROUNDS + 1),
    lambda: Sequence(repeat_gain=1e4),
    lambda: Transitions(window=limits.WINDOW + 1),
    lambda: Blend((Popularity(),) * 9),
    lambda: Blend((Popularity(),) * 8, resolution=20),
]


@pytest.mark.parametrize("make", TOO_LARGE)
def test_hyper_parameters_have_an_end(make):
    with pytest.raises(ConfigError, match=r"must be at most|must lie between"):
        make()


LEVELS = (0.0, SMALLEST, 1e-9, 1e-3, 1.0, 1e3, VALUE, COUNT)

STATES = {
    name: states_of(recipe, structured_block(n_items=ITEMS)) for name, recipe in RECIPES.items()
}

histories = st.lists(st.integers(0, ITEMS - 1), max_size=30)


@st.composite
def states(draw, name, number):
    """Any state that passes the check, of values of very different sizes."""
    recipe, honest = RECIPES[name], STATES[name][number]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays = dict(honest.arrays)
    for key, expected in recipe.expects(ITEMS, number).items():
        if expected.dtype == "int64":
            arrays[key] = np.array(draw(st.sampled_from([0, 1, int(expected.high)])))
            continue
        levels = [level for level in LEVELS if level <= expected.high]
        chosen = draw(st.lists(st.sampled_from(levels), min_size=1, max_size=3))
        sizes = random.choice(chosen, arrays[key].shape)
        signs = random.choice([1 if expected.low >= 0 else -1, 1], arrays[key].shape)
        arrays[key] = (sizes * signs).astype(expected.dtype)
    state = State(arrays, number)
    check_state(recipe, state, ITEMS)
    return state


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", STATES)
@settings(max_examples=60)
@given(data=st.data())
def test_any_state_that_passes_leads_to_bounded_terms_or_to_none(name, data):
    recipe = RECIPES[name]
    purpose = data.draw(st.sampled_from([STEP, NORMS, EVALUATION]))
    last = len(recipe.charges) - (purpose != EVALUATION)
    state = data.draw(states(name, data.draw(st.integers(0, last))))
    block = Block.of([data.draw(histories)], ITEMS)
    if data.draw(st.booleans()):
        block = with_weights(block)
    fold = LastOut().test(block)
    step = step_of(recipe, state, purpose, private=True, k=10, repeats=False)
    setting = Setting.of(
        Policy(epsilon=4.0, secure="split"),
        Noise("any", 1.0, 4.0),
        step.schema.size,
        [(100, 100)],
        bytes(32),
    )
    try:
        words = client_words(step, fold, setting, Stream.seeded)
    except ValueError:
        # Then the client sends its share of the noise alone.
        return
    # Servers make the noise, so these are the terms and nothing else.
    values = setting.ring.decode(words)
    assert sum(int(value) ** 2 for value in values) <= setting.quantizer.largest_square
