"""Tables become arrays as a plain loop would make them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hedgerow.data.encoding import encode
from hedgerow.data.interactions import Interactions

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["b", "a", "ü", "10", "9"]),
        st.sampled_from(["x", "y", "z"]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=30,
)


@given(ROWS, st.sampled_from([pl.String, pl.Categorical]))
def test_it_is_what_a_loop_would_do(rows, kind):
    schema = {"user_id": kind, "item_id": kind, "timestamp": pl.Int64}
    found = encode(pl.DataFrame(rows, schema=schema, orient="row"))
    distinct = {row: number for number, row in reversed(list(enumerate(rows)))}
    wanted = sorted(distinct.values(), key=lambda n: (rows[n][0], rows[n][2], n))
    assert found.users.to_list() == sorted({u for u, _, _ in rows})
    assert found.items.to_list() == sorted({i for _, i, _ in rows})
    assert found.rows.tolist() == wanted
    assert [found.items[int(i)] for i in found.item_numbers] == [rows[n][1] for n in wanted]
    lengths = [sum(rows[n][0] == u for n in wanted) for u in found.users]
    assert (found.indptr[1:] - found.indptr[:-1]).tolist() == lengths
    assert found.duplicates == len(rows) - len(wanted)


def test_whole_numbers_are_ordered_by_size():
    table = pl.DataFrame({"user_id": [10, 9, 100], "item_id": [2, 11, 2], "timestamp": [1, 1, 1]})
    found = encode(table)
    assert found.users.to_list() == ["9", "10", "100"]
    assert found.items.to_list() == ["2", "11"]
    assert_array_equal(found.item_numbers, [1, 0, 0])


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical])
def test_duplicates_are_dropped_with_a_note(kind):
    table = pl.DataFrame(
        {
            "user_id": ["a", "a", "a", "b", "a"],
            "item_id": ["x", "x", "x", "x", "y"],
            "timestamp": [1, 1, 2, 1, 1],
            "weight": [5.0, 6.0, 7.0, 8.0, 9.0],
        },
        schema_overrides={"user_id": kind},
    )
    log = Interactions.read(table)
    assert log.notes == ("1 duplicate rows left out",)
    assert log.block.weights.tolist() == [5, 9, 7, 8]
