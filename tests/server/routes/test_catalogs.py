"""Catalogs are taken where they are some, and refused otherwise, whatever is wrong with them."""

import httpx
import polars as pl
import pytest
from interface import put_catalog, refused


def parquet(table, tmp_path):
    table.write_parquet(tmp_path / "t.parquet")
    return (tmp_path / "t.parquet").read_bytes()


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"title": ["a"]}),
        pl.DataFrame({"item_id": []}),
        pl.DataFrame({"item_id": ["a", "a"]}),
        pl.DataFrame({"item_id": [["a"], ["b"]]}),
        pl.DataFrame({"item_id": ["a"], **{f"c{n}": [n] for n in range(64)}}),
        pl.DataFrame({"item_id": pl.Series([0]).new_from_index(0, 5_000_001)}),
    ],
    ids=["no ids", "empty", "twice", "nested", "wide", "long"],
)
def test_a_catalog_that_is_none_is_refused(operator, tmp_path, table):
    headers = {"content-type": "application/vnd.apache.parquet"}
    body = parquet(table, tmp_path)
    refused(operator.put("/v1/catalogs", content=body, headers=headers), 422, "bad-request")


def test_a_damaged_catalog_is_refused_whatever_the_damage(operator, tmp_path):
    headers = {"content-type": "application/vnd.apache.parquet"}
    body = parquet(pl.DataFrame({"item_id": ["a", "b"], "price": [1, 2]}), tmp_path)
    statuses = set()
    for place in range(0, len(body), 7):
        for damage in (body[:place], body[:place] + b"\xff\xff" + body[place + 2 :]):
            answer = operator.put("/v1/catalogs", content=damage, headers=headers)
            statuses.add(answer.status_code)
    assert statuses <= {200, 422}
    assert 422 in statuses
    plain = operator.put("/v1/catalogs", content=body, headers={"content-type": "text/csv"})
    refused(plain, 415, "refused")


def test_the_same_catalog_again_is_the_same(operator, catalog):
    assert put_catalog(operator) == catalog


def test_a_catalog_that_is_too_large_is_broken_off(operator):
    def endless():
        for _ in range(65):
            yield bytes(1 << 20)

    headers = {"content-type": "application/vnd.apache.parquet"}
    try:
        answer = operator.put("/v1/catalogs", content=endless(), headers=headers)
    except httpx.WriteError:
        return  # The server had answered and hung up before all was sent.
    refused(answer, 413, "refused")
