"""Sums and their public shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.statistics import BYTES_PER_VALUE, Field, Rows, Schema, Statistics, total

SCHEMA = Schema(
    {
        "gram": Field((4, 4), symmetric=True),
        "matrix": Field((2, 3)),
        "vector": Field((5,)),
        "count": Field(),
        "nothing": Field((0, 3)),
    }
)


def test_sizes_are_what_travels():
    assert SCHEMA.fields["gram"].size == 4 + 3 + 2 + 1
    assert SCHEMA.fields["count"].size == 1
    assert SCHEMA.fields["nothing"].size == 0
    assert SCHEMA.size == 10 + 6 + 5 + 1
    assert SCHEMA.nbytes == SCHEMA.size * BYTES_PER_VALUE
    assert Schema({}).size == 0


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 2, 2)])
def test_a_symmetric_field_is_square(shape):
    with pytest.raises(ValueError, match="square"):
        Field(shape, symmetric=True)


finite = st.floats(-1e6, 1e6, width=32)


@given(arrays(np.float64, SCHEMA.size, elements=finite))
def test_flattening_undoes_unflattening(vector):
    statistics = SCHEMA.unflatten(vector)
    assert {name: a.shape for name, a in statistics.items()} == {
        name: f.shape for name, f in SCHEMA.fields.items()
    }
    assert_array_equal(statistics["gram"], statistics["gram"].T)
    assert_array_equal(SCHEMA.flatten(statistics), vector)


@given(arrays(np.float64, (4, 4), elements=finite))
def test_unflattening_undoes_flattening(matrix):
    schema = Schema({"gram": Field((4, 4), symmetric=True), "count": Field()})
    statistics = Statistics({"gram": matrix + matrix.T, "count": np.array(3.0)})
    flat = schema.flatten(statistics)
    again = schema.unflatten(flat)
    assert_array_equal(again["gram"], statistics["gram"])
    assert_array_equal(again["count"], 3.0)
    assert again["count"].shape == ()


def test_the_upper_triangle_travels_row_by_row():
    vector = np.arange(3.0)
    gram = Schema({"gram": Field((2, 2), symmetric=True)}).unflatten(vector)["gram"]
    assert_array_equal(gram, [[0, 1], [1, 2]])


def test_an_empty_schema_has_an_empty_vector():
    assert Schema({}).flatten(Statistics()).shape == (0,)
    assert len(Schema({}).unflatten(np.zeros(0))) == 0


@pytest.mark.parametrize("length", [0, SCHEMA.size - 1, SCHEMA.size + 1])
def test_a_vector_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match=f"{SCHEMA.size} values"):
        SCHEMA.unflatten(np.zeros(length))


def test_a_matrix_instead_of_a_vector_is_refused():
    with pytest.raises(ValueError, match="shape"):
        SCHEMA.unflatten(np.zeros((SCHEMA.size, 1)))


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"vector has shape \(4,\)"):
        Schema({"vector": Field((5,))}).flatten(Statistics({"vector": np.zeros(4)}))


def test_zeros_are_the_sum_over_nobody():
    zeros = SCHEMA.zeros()
    assert_array_equal(SCHEMA.flatten(zeros), np.zeros(SCHEMA.size))
    some = SCHEMA.unflatten(np.arange(SCHEMA.size, dtype=float))
    assert_array_equal(SCHEMA.flatten(zeros + some), np.arange(SCHEMA.size))
    assert SCHEMA.zeros(np.float32)["gram"].dtype == np.float32


@given(
    arrays(np.float64, (3, SCHEMA.size), elements=finite),
    st.floats(-10, 10),
)
def test_adding_and_scaling_are_those_of_the_vectors(vectors, factor):
    one, two, three = (SCHEMA.unflatten(v) for v in vectors)
    assert_array_equal(SCHEMA.flatten(one + two), vectors[0] + vectors[1])
    assert_array_equal(SCHEMA.flatten(one.scaled(factor)), vectors[0] * factor)
    assert_allclose(SCHEMA.flatten(total([one, two, three])), vectors.sum(0), atol=1e-6)


def test_a_total_leaves_its_parts_alone():
    parts = [Statistics({"x": np.ones(2), "n": np.asarray(1.0)}) for _ in range(3)]
    result = total(iter(parts))
    assert_array_equal(result["x"], [3, 3])
    assert result["n"] == 3
    for part in parts:
        assert_array_equal(part["x"], [1, 1])
        assert part["n"] == 1


def test_a_total_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        total([])


def test_statistics_are_a_mapping():
    statistics = Statistics({"a": np.zeros(1), "b": np.zeros(2)})
    assert list(statistics) == ["a", "b"]
    assert len(statistics) == 2
    assert "a" in statistics
    assert "c" not in statistics


def test_rows_give_norms_and_weighted_sums():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((6, SCHEMA.size)).astype(np.float32)
    weights = rng.uniform(0, 1, 6)
    rows = Rows(SCHEMA, matrix)
    assert len(rows) == 6
    naive_norms = [np.sqrt(sum(float(x) ** 2 for x in row)) for row in matrix]
    assert_allclose(rows.norms(), naive_norms, rtol=1e-6)
    naive = sum(w * row.astype(float) for w, row in zip(weights, matrix, strict=True))
    assert_allclose(SCHEMA.flatten(rows.sum(weights)), naive, rtol=1e-5, atol=1e-6)


def test_no_rows_sum_to_zero():
    rows = Rows(SCHEMA, np.zeros((0, SCHEMA.size)))
    assert rows.norms().shape == (0,)
    assert_array_equal(SCHEMA.flatten(rows.sum(np.zeros(0))), np.zeros(SCHEMA.size))
