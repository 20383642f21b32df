"""Going on from a checkpoint, bit for bit; and damaged or foreign files."""

import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file
from support import assert_same_arrays, catalog_of, random_block, structured_block, with_weights

from hedgerow.data.split import LastOut
from hedgerow.errors import CheckpointError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.checkpoint import KIND, Checkpoint, fingerprint
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import Watch, train
from hedgerow.models.base import State
from hedgerow.models.registry import MODELS, make
from hedgerow.recommender import Recommender

N_ITEMS = 14
DATA = LastOut().test(structured_block(users=60, n_items=N_ITEMS))
CATALOG = catalog_of(N_ITEMS)
DEVICES = Clients.devices(pl.Series(range(len(DATA))))
WATCH = Watch(
    EvaluationProtocol(k=3, sampled=0, replicates=0),
    Yardstick(np.ones(N_ITEMS), np.eye(N_ITEMS, dtype=np.float32)),
)
OPTIONS = {
    "als": {"dimension": 4, "rounds": 5},
    "factorization": {"dimension": 4, "rounds": 5, "server": "adam"},
    "sequence": {"dimensions": (4, 3), "decays": (0.5, 0.8), "fourier": 5, "vector_rounds": 3},
}
PATIENCE = {"unwatched": None, "watched": WATCH, "patient": replace(WATCH, patience=2)}


def timeless(rounds):
    return [replace(r, seconds=0.0) for r in rounds]


def check_resuming(recipe, share, watch, folder):
    """Resume a run after each of its steps, and require that it ends as if never interrupted."""
    settings = {"participation": Participation(share, 0.1, seed=3), "seed": 7, "watch": watch}
    checkpoint = Checkpoint(folder / "run.safetensors", "mine")
    copies = {}

    def keep(happened):
        # The file is of the step before; a step of several cohorts writes it once.
        if checkpoint.path.is_file() and (done := checkpoint.load()[0].round) not in copies:
            copies[done] = shutil.copy(checkpoint.path, folder / f"{done}.safetensors")

    whole = train(
        recipe, Serial(DATA), CATALOG, DEVICES, checkpoint=checkpoint, on_round=keep, **settings
    )
    copies[len(copies) + 1] = checkpoint.path
    assert len(copies) >= min(2, len(recipe.charges))
    for done, path in copies.items():
        resumed = train(
            recipe,
            Serial(DATA),
            CATALOG,
            DEVICES,
            checkpoint=Checkpoint(path, "mine"),
            resume=True,
            **settings,
        )
        assert timeless(resumed.rounds) == timeless(whole.rounds), f"resumed after step {done}"
        assert resumed.state.round == whole.state.round
        assert_same_arrays(resumed.state.arrays, whole.state.arrays)


@pytest.mark.parametrize("watch", PATIENCE.values(), ids=PATIENCE)
@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("name", list(MODELS))
def test_a_run_resumed_after_any_step_ends_in_the_same_bits(name, share, watch, tmp_path):
    recipe = make(name, OPTIONS.get(name))
    if name == "blend":
        parts = tuple(make(n, OPTIONS[n]) for n in ("factorization", "sequence"))
        recipe = replace(recipe, components=parts)
    check_resuming(recipe, share, watch, tmp_path)


def test_patience_counts_steps_not_cohorts_after_resuming(tmp_path):
    """A step asks several cohorts one after another; waiting for them is one step's wait."""
    parts = (
        make("transitions"),
        make("popularity"),
        make("factorization", OPTIONS["factorization"]),
    )
    recipe = replace(make("blend"), components=parts)
    check_resuming(recipe, 0.3, replace(WATCH, patience=5), tmp_path)


def test_states_come_back_bit_for_bit(tmp_path):
    arrays = {
        "matrix": np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "strided": np.arange(10)[::2],
        "scalar": np.array(7),
        "empty": np.zeros((0, 3)),
        "odd": np.array([np.nan, np.inf, -0.0]),
    }
    state = State(arrays, 4, {"momentum": np.arange(3.0), "scalar": np.array(2.5)})
    checkpoint = Checkpoint(tmp_path / "deep" / "down" / "run.safetensors", "mine")
    checkpoint.save(state, State(arrays, 2), [{"number": 1}])
    loaded, best, notes = checkpoint.load()
    assert_same_arrays(loaded.arrays, arrays)
    assert_same_arrays(loaded.server, state.server)
    assert_same_arrays(best.arrays, arrays)
    assert (loaded.round, best.round, notes) == (4, 2, [{"number": 1}])
    checkpoint.save(State({}, 5), None, [])
    loaded, best, notes = checkpoint.load()
    assert (loaded.round, best, notes) == (5, None, [])


@pytest.fixture
def saved(tmp_path):
    checkpoint = Checkpoint(tmp_path / "run.safetensors", "mine")
    checkpoint.save(State({"vectors": np.arange(50.0)}, 1), None, [])
    return checkpoint


def refuse(checkpoint, *parts):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load()
    for part in (*parts, str(checkpoint.path)):
        assert part in str(caught.value)


def test_no_checkpoint(tmp_path):
    refuse(Checkpoint(tmp_path / "none", "mine"), "no checkpoint", "--resume")
    refuse(Checkpoint(tmp_path, "mine"), "no checkpoint")


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, -1, -200])
def test_a_truncated_checkpoint(saved, keep):
    content = saved.path.read_bytes()
    saved.path.write_bytes(content[:keep])
    refuse(saved, "damaged", "make it again")


@pytest.mark.parametrize("at", [0, 3, 8, 9, 20])
def test_a_damaged_head(saved, at):
    content = bytearray(saved.path.read_bytes())
    content[at] ^= 0xFF
    saved.path.write_bytes(content)
    refuse(saved)


def test_bytes_at_random(saved):
    for seed in range(5):
        noise = np.random.default_rng(seed).integers(0, 256, 300, dtype=np.uint8)
        saved.path.write_bytes(noise.tobytes())
        refuse(saved, "damaged")


def test_of_other_data_or_settings(saved):
    refuse(replace(saved, fingerprint="other"), "other data or other settings")


def test_a_file_of_another_kind(saved):
    save_file({"vectors": np.zeros(3)}, saved.path)
    refuse(saved, "is no hedgerow checkpoint")
    save_file(
        {"vectors": np.zeros(3)}, saved.path, metadata={"kind": "hedgerow checkpoint, version 0"}
    )
    refuse(saved, "is no hedgerow checkpoint")
    recipe = make("popularity")
    Recommender(recipe, recipe.start(CATALOG, 0), CATALOG).save(saved.path)
    refuse(saved, "is no hedgerow checkpoint")


def test_a_file_that_says_no_more_than_its_format(saved):
    save_file({"vectors": np.zeros(3)}, saved.path, metadata={"kind": KIND})
    refuse(saved)


def test_a_crash_while_writing_leaves_the_last_checkpoint(saved):
    """What a crash leaves is a partial file beside the good one, and the next save mends it."""
    for partial in (saved.path.with_suffix(".partial"), saved.path.with_suffix(".safetensors.x")):
        partial.write_bytes(b"half")
    assert saved.load()[0].round == 1
    saved.save(State({"vectors": np.arange(50.0)}, 2), None, [])
    assert saved.load()[0].round == 2


IDS = (pl.Series(["u", "v"]), pl.Series(["a", "b"]))


def test_the_fingerprint_tells_runs_apart():
    owner = DEVICES.owner
    other = LastOut().test(random_block(users=20, n_items=N_ITEMS))
    weighted = replace(DATA, history=with_weights(DATA.history))
    recipes = [make("als"), make("als", {"dimension": 5}), make("factorization")]
    cases = [
        (DATA, owner, IDS, recipes[0], Participation()),
        (DATA, owner, IDS, recipes[1], Participation()),
        (DATA, owner, IDS, recipes[2], Participation()),
        (DATA, owner, IDS, recipes[0], Participation(0.5)),
        (DATA, owner // 2, IDS, recipes[0], Participation()),
        (DATA, owner, IDS, recipes[0]),
        (other, owner, IDS, recipes[0], Participation()),
        (weighted, owner, IDS, recipes[0], Participation()),
        (replace(DATA, targets=DATA.history), owner, IDS, recipes[0], Participation()),
        (DATA, owner, (IDS[0], pl.Series(["z"] * N_ITEMS)), recipes[0], Participation()),
    ]
    assert len({fingerprint(*case) for case in cases}) == len(cases)
    assert fingerprint(*cases[0]) == fingerprint(
        LastOut().test(structured_block(users=60, n_items=N_ITEMS)),
        owner,
        IDS,
        make("als"),
        Participation(),
    )
