"""The kinds of files that people bring: read right, or refused with the cure named."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hedgerow.data import text
from hedgerow.data.columns import Columns
from hedgerow.data.interactions import Interactions
from hedgerow.data.moments import as_moments
from hedgerow.data.numbers import as_numbers
from hedgerow.errors import DataError

ROWS = [
    ("ann", "Käse", 1_700_000_000),
    ("ann", "Tee", 1_700_000_060),
    ("bob", "Tee", 1_700_000_120),
]
NAMES = ("user_id", "item_id", "timestamp")
PLAIN = "user_id,item_id,timestamp\n" + "".join(f"{u},{i},{t}\n" for u, i, t in ROWS)
GIVEN = Path(os.environ.get("HEDGEROW_DATA", "/nowhere")) / "first-hour"


def log_of(path, **options):
    return Interactions.read(path, **options)


def told(log):
    frame = log.frame()
    return list(zip(frame["user_id"], frame["item_id"], frame["timestamp"], strict=True))


def written(folder, name, body):
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def packed(folder, files):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return folder / "a.zip"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("semicolons.csv", PLAIN.replace(",", ";")),
        ("bars.csv", PLAIN.replace(",", "|")),
        ("tabs.csv", PLAIN.replace(",", "\t")),
        ("commas.tsv", PLAIN),
        ("blanks.csv", PLAIN.replace(",", " , ")),
        ("crlf.csv", PLAIN.replace("\n", "\r\n")),
        ("bom.csv", "\ufeff" + PLAIN),
        ("latin1.csv", PLAIN.encode("latin-1")),
        ("utf16.csv", PLAIN.encode("utf-16")),
        ("quoted.csv", PLAIN.replace("ann,Käse", '"ann","Käse"')),
        ("packed.csv.gz", gzip.compress(PLAIN.encode())),
        ("lines.jsonl", "".join(json.dumps(dict(zip(NAMES, r, strict=True))) + "\n" for r in ROWS)),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[:20] else "",
)  # fmt: skip
def test_texts_of_many_kinds(tmp_path, name, body):
    assert told(log_of(written(tmp_path, name, body))) == ROWS


def test_archives_and_tables_of_other_kinds(tmp_path):
    assert told(log_of(packed(tmp_path, {"one.csv": PLAIN, "__MACOSX/one.csv": "x"}))) == ROWS
    frame = pl.DataFrame(ROWS, schema=["user_id", "item_id", "timestamp"], orient="row")
    for number in range(3):
        (tmp_path / f"parts/day={number}").mkdir(parents=True)
        frame[number : number + 1].write_parquet(tmp_path / f"parts/day={number}/p.parquet")
    assert told(log_of(tmp_path / "parts")) == ROWS
    assert log_of(tmp_path / "parts", columns=Columns(attributes=["day"])).attributes.width == 1


def test_archives_that_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="holds 2 files; pack the table of interactions alone"):
        log_of(packed(tmp_path, {"a.csv": PLAIN, "b.csv": PLAIN}))
    with pytest.raises(DataError, match="cannot be read"):
        log_of(written(tmp_path, "b.csv.gz", gzip.compress(PLAIN.encode())[:-12]))
    monkeypatch.setattr(text, "LARGEST", 1 << 30)
    monkeypatch.setattr(text, "PIECE", 64 << 20)
    small = gzip.compress(b"0" * (64 << 20), 1)
    with pytest.raises(DataError, match="unpacks to over 1 GiB"):
        log_of(written(tmp_path, "bomb.csv.gz", small * 17))


def test_a_table_without_names_says_how_to_name_them(tmp_path):
    path = written(tmp_path, "a.csv", PLAIN.split("\n", 1)[1])
    with pytest.raises(DataError, match="--columns user_id=1 --columns item_id=2"):
        log_of(path)
    columns = Columns(user_id="1", item_id="2", timestamp="3")
    assert told(log_of(path, columns=columns)) == ROWS


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["1,5", "2", "1000,25"], [1.5, 2, 1000.25]),
        (["1.234,5", "7"], [1234.5, 7]),
        (["1,234.5", "7"], [1234.5, 7]),
        (["12,345,678", "0.5"], [12345678, 0.5]),
        (["1.5", "-2e3", None, "x"], [1.5, -2000, None, None]),
        (["1,2,3", "5"], [None, 5]),
    ],
)
def test_numbers_as_people_write_them(texts, wanted):
    assert as_numbers(pl.Series("weight", texts)).to_list() == wanted


def test_commas_that_may_be_either_are_refused():
    for texts in (["1,234"], ["1,234", "1,5", "1,234,567"]):
        with pytest.raises(DataError, match="write 1234"):
            as_numbers(pl.Series("weight", texts))


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["11/14/2023 22:14", "11/02/2023 00:00"], [1700000040, 1698883200]),
        (["31/01/2024"], [1706659200]),
        (["31.01.2024", "01.02.2024"], [1706659200, 1706745600]),
        (["01.02.2024"], [1706745600]),
        (["1/31/2024 1:05 PM"], [1706706300]),
    ],
)
def test_dates_of_several_countries(texts, wanted):
    assert as_moments(pl.Series("timestamp", texts)).to_list() == wanted


def test_dates_that_may_be_either_are_refused():
    with pytest.raises(DataError, match=r"cannot be known .* '01/02/2024'"):
        as_moments(pl.Series("timestamp", ["01/02/2024", "03/04/2024"]))
    with pytest.raises(DataError, match="write them as 2026-01-31"):
        as_moments(pl.Series("timestamp", ["31/01/2024", "01/31/2024"]))


@pytest.mark.parametrize("unit", ["seconds", "ms", "us", "ns", "iso", "datetime"])
def test_order_within_a_second_is_kept(unit):
    """Events .3 s apart, the newest row first."""
    ms = 1_700_000_000_000 + 300 * np.arange(9)
    stamps = {
        "seconds": pl.Series(ms / 1000),
        "ms": pl.Series(ms),
        "us": pl.Series(ms * 1000),
        "ns": pl.Series(ms * 1_000_000),
        "iso": pl.Series(ms).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        "datetime": pl.Series(ms).cast(pl.Datetime("ms")),
    }[unit]
    items = [f"i{n}" for n in range(9)]
    table = pl.DataFrame({"user_id": ["ann"] * 9, "item_id": items, "timestamp": stamps}).reverse()
    log = Interactions.read(table)
    assert log.histories() == [items]
    assert log.block.timestamps.tolist() == (ms // 1000).tolist()
    assert "moment" not in log.frame().columns


def test_what_is_met_twice_within_a_second_is_no_duplicate():
    table = pl.DataFrame(
        {"user_id": ["a"] * 3, "item_id": ["x"] * 3, "timestamp": [1.25, 1.5, 1.25]}
    )
    log = Interactions.read(table)
    assert len(log) == 2
    assert log.notes == ("1 duplicate rows left out",)


def test_ids_that_are_whole_floats_are_the_catalogs(tmp_path):
    body = "user_id,item_id,timestamp\n0.0,100.0,1\n0.0,117.0,2\n1.0,100.0,3\n"
    log = log_of(written(tmp_path, "a.csv", body))
    assert log.catalog.ids.to_list() == ["100", "117"]
    assert log.users.to_list() == ["0", "1"]
    for ids in ([100, 117], [100.0, 117.0], ["100", "117"], ["100.0", "117.0"]):
        features = pl.DataFrame({"item_id": ids, "title": ["A", "B"]})
        assert len(log.with_catalog(features).catalog) == 2
    versions = "user_id,item_id,timestamp\na,1.0,1\na,1.0.1,2\n"
    assert log_of(written(tmp_path, "b.csv", versions)).catalog.ids.to_list() == ["1.0", "1.0.1"]


@pytest.mark.data
@pytest.mark.skipif(not GIVEN.is_dir(), reason="$HEDGEROW_DATA has no first-hour")
@pytest.mark.parametrize(
    "name",
    [
        "03_semicolon.csv",
        "04_latin1.csv",
        "08_float_ids.csv",
        "11_us_dates.csv",
        "18_decimal_comma.csv",
        "23_noheader.csv",
        "30_gz.csv.gz",
        "31_zip.zip",
        "32_part",
    ],
)
def test_given_files_are_read_right(name):
    columns = Columns("1", "2", "3") if name.startswith("23") else None
    log = log_of(GIVEN / name, columns=columns)
    assert (len(log), len(log.users), len(log.catalog)) == (840, 60, 30)
    assert log.block.lengths.tolist() == [14] * 60
    assert 1_700_000_000 < log.block.timestamps[0] + 60 < 1_700_000_200
    if name.startswith("18"):
        assert set(log.block.weights.tolist()) == {1.5}
