"""Which column holds what."""

import pytest

from hedgerow.data.columns import ALIASES, Columns
from hedgerow.errors import DataError


def test_our_own_names_are_found():
    present = ["weight", "value", "timestamp", "item_id", "user_id", "other"]
    assert Columns().resolve(present) == {r: r for r in present if r != "other"}


@pytest.mark.parametrize(("role", "alias"), [(r, a) for r, names in ALIASES.items() for a in names])
def test_every_alias_is_found(role, alias):
    plain = {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp"}
    present = [name for name in plain if name != role] + [alias]
    assert Columns().resolve(present)[role] == alias


@pytest.mark.parametrize("name", ["CustomerID", "Customer ID", "customer_id", "CUSTOMER_ID"])
def test_case_blanks_and_underscores_do_not_matter(name):
    assert Columns().resolve([name, "StockCode", "Invoice Date"]) == {
        "user_id": name,
        "item_id": "StockCode",
        "timestamp": "Invoice Date",
    }


def test_the_exact_name_comes_before_an_alias():
    found = Columns().resolve(["user", "user_id", "item", "ts", "timestamp"])
    assert found["user_id"] == "user_id"
    assert found["timestamp"] == "timestamp"


def test_named_columns_come_before_guesses():
    columns = Columns(user_id="who", item_id="what", timestamp="when", weight="w", value="v")
    present = ["user_id", "item_id", "timestamp", "who", "what", "when", "w", "v"]
    assert columns.resolve(present) == {
        "user_id": "who",
        "item_id": "what",
        "timestamp": "when",
        "weight": "w",
        "value": "v",
    }


def test_attributes_keep_their_names():
    present = ["user_id", "item_id", "timestamp", "country"]
    assert Columns(attributes=("country",)).resolve(present)["country"] == "country"
    with pytest.raises(DataError, match="'hospital'"):
        Columns(attributes=("hospital",)).resolve(present)


@pytest.mark.parametrize("role", ["user_id", "item_id", "timestamp"])
def test_a_missing_column_is_named_with_those_there_and_the_cure(role):
    present = [r for r in ("user_id", "item_id", "timestamp") if r != role] + ["colour"]
    with pytest.raises(DataError) as caught:
        Columns().resolve(present)
    text = str(caught.value)
    assert f"'{role}'" in text
    assert "'colour'" in text
    assert f"--columns {role}=NAME" in text


@pytest.mark.parametrize("role", ["user_id", "item_id", "timestamp", "weight", "value"])
def test_a_named_column_that_is_not_there_is_an_error(role):
    with pytest.raises(DataError, match=f"no column 'nope' for the {role}"):
        Columns(**{role: "nope"}).resolve(["user_id", "item_id", "timestamp"])


def test_a_wide_table_is_not_listed_in_full():
    with pytest.raises(DataError) as caught:
        Columns().resolve([f"c{i}" for i in range(500)])
    assert len(str(caught.value)) < 300
    assert "..." in str(caught.value)
