"""Bad rows: refused with a count, a column and a cure, or left out with a note."""

import datetime as dt
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.data.validation import LONGEST_ID, clean
from hedgerow.errors import DataError


def table(**columns):
    rows = len(next(iter(columns.values())))
    good = {
        "user_id": [f"u{i}" for i in range(rows)],
        "item_id": [f"i{i}" for i in range(rows)],
        "timestamp": list(range(rows)),
    }
    return pl.DataFrame(good | columns, strict=False)


def stamps(values, **options):
    cleaned, _ = clean(table(timestamp=values), drop_invalid=False, **options)
    return cleaned["timestamp"].to_list()


FUTURE = int(time.time()) + 10 * 86_400

BAD = {
    "null user": ({"user_id": [None, "b", None]}, "2 of 3 rows have no user_id", "fill column"),
    "null item": ({"item_id": ["a", None, "c"]}, "1 of 3 rows have no item_id", "'item_id'"),
    "null number": ({"user_id": [1, None, 3]}, "1 of 3 rows have no user_id", "'user_id'"),
    "NaN id": ({"user_id": [1.0, float("nan"), 3.0]}, "1 of 3 rows have no user_id", "'user_id'"),
    "blank id": ({"item_id": ["", "  ", "c"]}, "2 of 3 rows have no item_id", "'item_id'"),
    "long user": ({"user_id": ["a" * 300, "b", "c"]}, "1 of 3 rows have a user_id", "check"),
    "long item": ({"item_id": ["a" * 300] * 3}, "3 of 3 rows have a item_id", "'item_id'"),
    "negative": ({"timestamp": [-1, 5, -7]}, "2 of 3 rows have a negative timestamp", "seconds"),
    "before 1970": ({"timestamp": ["1950-01-01", "2020-01-01"]}, "1 of 2", "timestamp"),
    "future": ({"timestamp": [FUTURE, 5]}, "1 of 2 rows have a timestamp in the future", "clock"),
    "far dates": ({"timestamp": ["2999-01-01", "2020-01-01"]}, "1 of 2", "future"),
    "NaN stamp": ({"timestamp": [float("nan"), 1.0]}, "1 of 2 rows have no readable timestamp", ""),
    "null stamp": ({"timestamp": [None, 1]}, "1 of 2 rows have no readable timestamp", "seconds"),
    "infinite": ({"timestamp": [float("inf"), 1.0]}, "1 of 2", "no readable timestamp"),
    "no date": ({"timestamp": ["soon", "2020-01-01"]}, "1 of 2", "no readable timestamp"),
    "no number": ({"timestamp": ["soon", "17"]}, "1 of 2", "no readable timestamp"),
    "negative weight": ({"weight": [-1.0, 1.0]}, "1 of 2 rows have a negative weight", "0 or more"),
    "null weight": ({"weight": [None, 1.0]}, "1 of 2 rows have no finite weight", "'weight'"),
    "text weight": ({"weight": ["many", "1"]}, "1 of 2 rows have no finite weight", "'weight'"),
    "NaN value": ({"value": [float("nan"), 1.0]}, "1 of 2 rows have no finite value", "'value'"),
    "infinite value": ({"value": [float("inf"), 1.0]}, "1 of 2", "no finite value"),
}
bad = pytest.mark.parametrize("name", BAD)


@bad
def test_bad_rows_are_refused_with_count_column_and_cure(name):
    columns, *parts = BAD[name]
    with pytest.raises(DataError) as caught:
        clean(table(**columns), drop_invalid=False)
    for part in (*parts, "--drop-invalid"):
        assert part in str(caught.value)


@bad
def test_bad_rows_are_left_out_with_a_note(name):
    columns, count, *_ = BAD[name]
    n = int(count.split()[0])
    rows = len(next(iter(columns.values())))
    if n == rows:
        with pytest.raises(DataError, match="Every row"):
            clean(table(**columns), drop_invalid=True)
        return
    cleaned, notes = clean(table(**columns), drop_invalid=True)
    assert cleaned.height == rows - n
    assert len(notes) == 1
    assert notes[0].startswith(f"{n} rows with")


def test_several_kinds_of_bad_rows_are_counted_apart():
    faulty = table(user_id=[None, "b", "c", "d"], timestamp=[1, -2, 3, None])
    cleaned, notes = clean(faulty, drop_invalid=True)
    assert cleaned["user_id"].to_list() == ["c"]
    assert len(notes) == 3


@pytest.mark.parametrize("rows", [[], None])
def test_a_table_without_rows_is_refused(rows):
    schema = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}
    with pytest.raises(DataError, match="no interaction"):
        clean(pl.DataFrame(rows, schema=schema), drop_invalid=True)


WRONG_KINDS = {
    "lists as ids": {"user_id": [[1], [2]]},
    "structs as ids": {"item_id": [{"a": 1}, {"a": 2}]},
    "objects as ids": {"user_id": pl.Series([1, "b"], dtype=pl.Object)},
    "bytes as ids": {"user_id": [b"\xff\xfe", b"a"]},
    "booleans as time": {"timestamp": [True, False]},
    "nothing as time": {"timestamp": pl.Series([None, None])},
    "objects as time": {"timestamp": pl.Series([1, "b"], dtype=pl.Object)},
    "bytes as time": {"timestamp": [b"\xff", b"a"]},
    "lists as time": {"timestamp": [[1], [2]]},
    "durations as time": {"timestamp": [dt.timedelta(1), dt.timedelta(2)]},
    "hours of the day as time": {"timestamp": [dt.time(1), dt.time(2)]},
    "booleans as weight": {"weight": [True, False]},
    "lists as weight": {"weight": [[1], [2]]},
    "dates as value": {"value": [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]},
}


@pytest.mark.parametrize("name", WRONG_KINDS)
def test_columns_of_a_wrong_kind_are_refused_by_name(name):
    columns = WRONG_KINDS[name]
    with pytest.raises(DataError, match=next(iter(columns))):
        clean(table(**columns), drop_invalid=False)


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        ([3, 1], [3, 1]),
        ([3.0, 1.0], [3, 1]),
        ([1.5, 2.0], ["1.5", "2.0"]),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], ["2020-01-01", "2020-01-02"]),
        ([True, False], ["true", "false"]),
        (["é" * LONGEST_ID, " b "], ["é" * LONGEST_ID, " b "]),
    ],
    ids=str,
)
def test_ids_are_whole_numbers_or_text(ids, wanted):
    cleaned, _ = clean(table(item_id=ids), drop_invalid=False)
    assert cleaned["item_id"].to_list() == wanted


SECONDS = [1_700_000_000, 1_700_000_001, 1_600_000_000]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("kind", [int, float, str])
def test_any_unit_of_time_becomes_seconds(unit, kind):
    assert stamps([kind(s * unit) for s in SECONDS]) == SECONDS


def test_one_odd_timestamp_does_not_change_the_unit_of_all():
    with pytest.raises(DataError, match=r"1 of 4 rows have a timestamp in the future"):
        stamps([*SECONDS, SECONDS[0] * 1000])


def test_small_numbers_may_stand_for_an_order():
    assert stamps([0, 3, 1]) == [0, 3, 1]
    assert stamps([0.0, 3.0, 1.0]) == [0, 3, 1]


def seconds(*moment, offset=0):
    zone = dt.timezone(dt.timedelta(hours=offset))
    return int(dt.datetime(*moment, tzinfo=zone).timestamp())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-02-29", seconds(2024, 2, 29)),
        ("2024-02-29 13:14:15", seconds(2024, 2, 29, 13, 14, 15)),
        ("2024-02-29T13:14:15", seconds(2024, 2, 29, 13, 14, 15)),
        ("2024-02-29T13:14:15.250", seconds(2024, 2, 29, 13, 14, 15)),
        ("2024-02-29T13:14:15Z", seconds(2024, 2, 29, 13, 14, 15)),
        ("2024-02-29T13:14:15+02:00", seconds(2024, 2, 29, 13, 14, 15, offset=2)),
        ("2024-02-29T13:14", seconds(2024, 2, 29, 13, 14)),
        ("2024-02-29 13:14", seconds(2024, 2, 29, 13, 14)),
    ],
)
def test_iso_texts_become_seconds(text, wanted):
    assert stamps([text]) == [wanted]


def test_dates_become_seconds():
    moment = dt.datetime(2024, 2, 29, 13, 14, 15)  # noqa: DTZ001
    for unit in ("ms", "us", "ns"):
        column = pl.Series("timestamp", [moment], pl.Datetime(unit))
        assert stamps(column) == [seconds(2024, 2, 29, 13, 14, 15)]
    berlin = pl.Series([moment]).dt.replace_time_zone("Europe/Berlin")
    assert stamps(berlin) == [seconds(2024, 2, 29, 13, 14, 15, offset=1)]
    assert stamps([dt.date(2024, 2, 29)]) == [seconds(2024, 2, 29)]


def test_a_clock_that_is_a_little_fast_is_forgiven():
    now = int(time.time())
    assert stamps([now + 3600]) == [now + 3600]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None, "", "z" * 300]),
            st.sampled_from(["x", "y", None]),
            st.sampled_from([0, 1, 2, -3, None, FUTURE]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([pl.String, pl.Categorical]),
)
def test_what_is_left_is_exactly_the_good_rows(rows, kind):
    good = [
        (u, i, t)
        for u, i, t in rows
        if u and len(u) < 300 and i and t is not None and 0 <= t < FUTURE
    ]
    schema = {"user_id": kind, "item_id": kind, "timestamp": pl.Int64}
    source = pl.DataFrame(rows, schema=schema, orient="row")
    if not good:
        with pytest.raises(DataError):
            clean(source, drop_invalid=True)
        return
    cleaned, _ = clean(source, drop_invalid=True)
    assert cleaned.rows() == good
