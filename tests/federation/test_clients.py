"""Who holds which users, and who takes part."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hedgerow.errors import ConfigError
from hedgerow.federation.clients import Clients, Participation

shares = st.sampled_from([0.01, 0.1, 0.34, 0.5, 0.99, 1.0])
dropouts = st.sampled_from([0.0, 0.1, 0.5, 0.95])
settings = (st.integers(1, 60), st.integers(0, 5), shares, dropouts, st.integers(0, 3))


def test_every_user_is_a_device():
    clients = Clients.devices(pl.Series(["a", "b", "c"]))
    assert len(clients) == 3
    assert clients.owner.tolist() == [0, 1, 2]
    assert clients.kind == "devices"
    assert clients.users_of(np.array([True, False, True])).tolist() == [1, 0, 1]


@pytest.mark.parametrize("values", [["b", "a", None, "b"], [2, 1, None, 2]])
def test_silos_by_column(values):
    clients = Clients.by_column(pl.DataFrame({"place": values}), "place")
    assert sorted(clients.names) == sorted({str(v) for v in values if v} | {"unknown"})
    assert [clients.names[int(o)] for o in clients.owner] == [
        str(v) if v else "unknown" for v in values
    ]
    assert clients.kind == "silos"
    everyone = clients.users_of(np.ones(len(clients), np.bool_))
    assert everyone.tolist() == [1, 1, 1, 1]


def test_an_unknown_column_is_named_with_those_there():
    with pytest.raises(ConfigError, match=r"'place'.*have: age, sex"):
        Clients.by_column(pl.DataFrame({"age": [1], "sex": ["F"]}), "place")
    with pytest.raises(ConfigError, match="have: none"):
        Clients.by_column(pl.DataFrame(), "place")


@given(st.integers(1, 80), st.data(), st.sampled_from([0.01, 0.5, 5.0, 1000.0]))
def test_dirichlet_silos_all_have_someone(users, data, concentration):
    silos = data.draw(st.integers(1, users))
    clients = Clients.dirichlet(users, silos, concentration, seed=3)
    assert len(clients) == silos
    assert len(clients.owner) == users
    assert np.bincount(clients.owner, minlength=silos).min() >= 1
    assert clients.owner.max() < silos
    assert_array_equal(clients.owner, Clients.dirichlet(users, silos, concentration, 3).owner)


def test_small_concentration_is_uneven():
    sizes = [
        np.bincount(Clients.dirichlet(5000, 10, c, 0).owner, minlength=10).max()
        for c in (0.1, 1000.0)
    ]
    assert sizes[0] > 1500
    assert sizes[1] < 700


@pytest.mark.parametrize(("silos", "concentration"), [(0, 1), (6, 1), (2, 0), (2, -1), (2, np.nan)])
def test_impossible_silos_are_refused(silos, concentration):
    with pytest.raises(ConfigError):
        Clients.dirichlet(5, silos, concentration, 0)


@given(*settings)
def test_a_step_on_the_last_state_asks_one_cohort(clients, step, share, dropout, seed):
    participation = Participation(share, dropout, seed)
    (cohort,) = participation.cohorts(clients, step, additive=False)
    assert cohort.asked.sum() == max(1, round(share * clients))
    assert not (cohort.present & ~cohort.asked).any()
    if not dropout:
        assert_array_equal(cohort.present, cohort.asked)


@given(*settings)
def test_an_additive_step_asks_everyone_once_and_the_lost_once_more(
    clients, step, share, dropout, seed
):
    cohorts = Participation(share, dropout, seed).cohorts(clients, step, additive=True)
    size = max(1, round(share * clients))
    first = -(-clients // size)
    assert_array_equal(sum(c.asked.astype(int) for c in cohorts[:first]), np.ones(clients))
    assert all(c.asked.sum() <= size for c in cohorts[:first])
    lost = ~np.any([c.present for c in cohorts[:first]], axis=0)
    if dropout and lost.any():
        (again,) = cohorts[first:]
        assert_array_equal(again.asked, lost)
    else:
        assert len(cohorts) == first
        assert not lost.any()
    # Nobody counts twice.
    assert sum(c.present.astype(int) for c in cohorts).max() <= 1


@given(*settings, st.booleans())
def test_the_draw_is_repeatable(clients, step, share, dropout, seed, additive):
    participation = Participation(share, dropout, seed)
    one, other = (participation.cohorts(clients, step, additive=additive) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a.asked, b.asked)
        assert_array_equal(a.present, b.present)


def test_rounds_and_seeds_draw_anew():
    drawn = {
        tuple(
            np.flatnonzero(Participation(0.1, 0, seed).cohorts(500, step, additive=False)[0].asked)
        )
        for seed in (0, 1)
        for step in (0, 1, 2)
    }
    assert len(drawn) == 6


def test_dropouts_are_as_many_as_said():
    participation = Participation(0.5, 0.2)
    present = sum(
        participation.cohorts(1000, step, additive=False)[0].present.sum() for step in range(40)
    )
    asked = 40 * 500
    assert present / asked == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / asked))


def test_everyone_is_asked_as_often_as_everyone_else():
    participation = Participation(0.1)
    counts = sum(
        participation.cohorts(50, step, additive=False)[0].asked.astype(int) for step in range(400)
    )
    assert counts.sum() == 2000
    assert abs(counts - 40).max() < 5 * np.sqrt(36)


@pytest.mark.parametrize(("share", "dropout"), [(0, 0), (1.1, 0), (-1, 0), (1, 1), (1, -0.1)])
def test_impossible_participation_is_refused(share, dropout):
    with pytest.raises(ConfigError):
        Participation(share, dropout)
