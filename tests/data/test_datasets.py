"""Loading public data sets: the publishers' formats, the order of places, and safe downloads."""

import hashlib
import http.server
import io
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.data.datasets import DATASETS, NAMES, Dataset, load
from hedgerow.data.datasets.download import Archive, fetch, unpack
from hedgerow.data.datasets.movielens import GENRES, read_csv
from hedgerow.data.shop import Shop
from hedgerow.errors import DataError

ROOT = os.environ.get("HEDGEROW_DATA", "")

RATINGS = "userId,movieId,rating,timestamp\n7,30,4.0,200\n7,10,3.5,200\n7,20,1.0,100\n9,10,5.0,50\n"
MOVIES = (
    "movieId,title,genres\n"
    '10,"Café, Bar (2001)",Comedy|Drama\n20,Alone (1999),(no genres listed)\n'
    "30,Third (2003),War\n40,Never Met (2004),Drama\n"
)


def real(name):
    folder = Path(ROOT) / name
    missing = not ROOT or not folder.is_dir()
    reason = f"$HEDGEROW_DATA has no folder {name}" if ROOT else "$HEDGEROW_DATA is not set"
    return [pytest.mark.data, pytest.mark.skipif(missing, reason=reason)]


def zipped(files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return memory.getvalue()


PACKED = zipped({"small/ratings.csv": RATINGS, "small/movies.csv": MOVIES, "small/extra.txt": "x"})
MEMBERS = {"small/ratings.csv": "ratings.csv", "small/movies.csv": "movies.csv"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def publisher():
    """Serve ``pages``: path -> (body, announced length, or the address to redirect to)."""
    pages = {}
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in pages:
                self.send_error(404)
                return
            body, extra = pages[self.path]
            if isinstance(extra, str):
                self.send_response(302)
                self.send_header("Location", extra)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(extra))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def publish(content, extra=None):
            pages["/small.zip"] = (content, len(content) if extra is None else extra)
            return f"http://127.0.0.1:{server.server_port}/small.zip"

        publish.asked = asked
        yield publish
        server.shutdown()
        thread.join()


def dataset(url, **options):
    return Dataset(Archive(url, MEMBERS, **options), (("ratings.csv", "movies.csv"),), read_csv)


def nothing_left(folder):
    return not any(path.is_file() for path in folder.rglob("*"))


def test_right_hash_is_unpacked_read_and_kept(publisher, tmp_path):
    small = dataset(publisher(PACKED), sha256=sha256(PACKED), size=len(PACKED))
    log = small.open((tmp_path / "absent",), cache=tmp_path / "cache" / "small")
    assert log.users.to_list() == ["7", "9"]
    assert log.notes == ()
    assert sorted(p.name for p in (tmp_path / "cache").rglob("*")) == [
        "movies.csv",
        "ratings.csv",
        "small",
    ]
    again = small.open((), cache=tmp_path / "cache" / "small")
    assert again.histories() == log.histories()
    assert publisher.asked == ["/small.zip"]


def test_wrong_hash_leaves_nothing(publisher, tmp_path):
    small = dataset(publisher(PACKED), sha256="0" * 64)
    with pytest.raises(DataError, match=f"SHA-256 {sha256(PACKED)} instead of 000.*ratings.csv"):
        small.open((), cache=tmp_path / "small")
    assert nothing_left(tmp_path)


def test_given_hash_replaces_the_known_one(publisher, tmp_path):
    small = dataset(publisher(PACKED), sha256="0" * 64, size=5)
    log = small.open((), cache=tmp_path / "small", sha256=sha256(PACKED).upper())
    assert len(log) == 4
    other = dataset(publisher(PACKED), sha256=sha256(PACKED))
    with pytest.raises(DataError, match="instead of 111"):
        other.open((), cache=tmp_path / "other", sha256="1" * 64)


@pytest.mark.parametrize("known", [{}, {"size": len(PACKED)}])
def test_truncated_body_is_refused(publisher, tmp_path, known):
    url = publisher(PACKED[:-40], len(PACKED))
    with pytest.raises(DataError, match=r"bytes|cannot be downloaded"):
        fetch(Archive(url, MEMBERS, **known), tmp_path / "small")
    assert nothing_left(tmp_path)


def test_longer_body_than_published_is_refused(publisher, tmp_path):
    url = publisher(PACKED + b"more")
    with pytest.raises(DataError, match="over"):
        fetch(Archive(url, MEMBERS, size=len(PACKED)), tmp_path / "small")
    assert nothing_left(tmp_path)


def test_missing_page_and_closed_port_say_what_to_put_where(publisher, tmp_path):
    url = publisher(PACKED).replace("small.zip", "gone.zip")
    with pytest.raises(DataError, match=r"404.*gone\.zip.*ratings\.csv, movies\.csv into .*small"):
        fetch(Archive(url, MEMBERS), tmp_path / "small")
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch(Archive("http://127.0.0.1:9/small.zip", MEMBERS), tmp_path / "small")


def test_only_https_or_this_machine(publisher, tmp_path):
    for url in ("http://example.org/small.zip", "ftp://example.org/small.zip", "file:///etc/hosts"):
        with pytest.raises(DataError, match="HTTPS"):
            fetch(Archive(url, MEMBERS), tmp_path / "small")
    assert all(d.archive.url.startswith("https://") for d in DATASETS.values())


def test_renewed_archive_is_trusted_on_first_use_only(publisher, tmp_path):
    cache = tmp_path / "small"
    log = dataset(publisher(PACKED)).open((), cache=cache)
    assert sha256(PACKED) in log.notes[0]
    assert (tmp_path / "small.sha256").read_text().strip() == sha256(PACKED)
    (cache / "ratings.csv").unlink()
    assert dataset(publisher(PACKED)).open((), cache=cache).notes == ()
    (cache / "ratings.csv").unlink()
    renewed = zipped({"small/ratings.csv": RATINGS, "small/movies.csv": MOVIES})
    with pytest.raises(DataError, match="instead of"):
        dataset(publisher(renewed)).open((), cache=cache)
    assert len(dataset(publisher(renewed)).open((), cache=cache, sha256=sha256(renewed))) == 4


@pytest.mark.parametrize(
    "name", ["../evil.csv", "small/../../evil.csv", "/evil.csv", "..\\evil.csv", "C:\\evil.csv"]
)
def test_paths_outside_the_archive_are_refused(publisher, tmp_path, name):
    evil = zipped({"small/ratings.csv": RATINGS, "small/movies.csv": MOVIES, name: "x"})
    with pytest.raises(DataError, match="outside itself"):
        fetch(Archive(publisher(evil), MEMBERS), tmp_path / "cache" / "small")
    assert nothing_left(tmp_path)


def test_archive_without_a_member_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"small/ratings.csv": RATINGS}))
    with pytest.raises(DataError, match="lacks a file"):
        unpack(tmp_path / "a.zip", MEMBERS, tmp_path / "out")


@given(cut=st.integers(0, len(PACKED) - 1), flip=st.integers(1, 255))
def test_damaged_archive_is_refused_or_whole(tmp_path_factory, cut, flip):
    folder = tmp_path_factory.mktemp("damaged")
    damaged = bytearray(PACKED)
    damaged[cut] ^= flip
    (folder / "a.zip").write_bytes(damaged)
    try:
        unpack(folder / "a.zip", MEMBERS, folder / "out")
    except DataError:
        return
    assert (folder / "out" / "ratings.csv").read_text() == RATINGS


def test_equal_times_keep_the_order_of_the_file(tmp_path):
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "movies.csv").write_text(MOVIES)
    log = load("ml-20m", tmp_path)
    assert log.histories() == [["20", "30", "10"], ["10"]]
    features = dict(zip(log.catalog.ids, log.catalog.features.rows(), strict=True))
    assert features["10"] == ("Café, Bar (2001)", "Comedy", "Comedy|Drama", 2001)
    assert features["20"] == ("Alone (1999)", None, "", 1999)
    assert "40" in features


def test_ml_100k_as_published(tmp_path):
    (tmp_path / "u.data").write_text("2\t1\t5\t300\n1\t2\t3\t100\n1\t1\t4\t100\n")
    flags = ["0"] * len(GENRES)
    flags[5] = flags[8] = "1"
    row = "|".join(["1", "Ärger (1996)", "01-Jan-1996", "", "http://x", *flags])
    other = "|".join(["2", "Plain", "", "", "", "1", *["0"] * 18])
    (tmp_path / "u.item").write_bytes(f"{row}\n{other}\n".encode("latin-1"))
    (tmp_path / "u.user").write_text("1|24|M|writer|85711\n2|53|F|other|94043\n")
    log = load("ml-100k", tmp_path)
    assert log.histories() == [["2", "1"], ["1"]]
    assert log.catalog.features.rows() == [
        ("Ärger (1996)", "Comedy", "Comedy|Drama", 1996),
        ("Plain", "unknown", "unknown", None),
    ]
    assert log.attributes.rows() == [("24", "M", "writer"), ("53", "F", "other")]


@pytest.mark.parametrize("form", ["ratings.dat", "interactions.parquet"])
def test_ml_1m_as_published(tmp_path, form):
    if form == "ratings.dat":
        (tmp_path / form).write_text("1::30::5::200\n1::10::4::200\n2::30::1::100\n")
    else:
        columns = {"user_id": [1, 1, 2], "item_id": [30, 10, 30], "timestamp": [1, 2, 1]}
        pl.DataFrame(columns).write_parquet(tmp_path / form)
    movies = "10::Star: The Café (1977)::Action|Sci-Fi\n30::Other (1980)::War\n"
    (tmp_path / "movies.dat").write_bytes(movies.encode("latin-1"))
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    log = load("ml-1m", tmp_path)
    assert log.histories() == [["30", "10"], ["30"]]
    assert log.catalog.title(0) == "Star: The Café (1977)"
    assert log.attributes.rows() == [("1", "F", "K-12 student"), ("56", "M", "self-employed")]


HEADER = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)
LINES = [
    (489434, 22041, "RECORD FRAME", 48, 40148.5, 2.1, 13085, "France"),
    (489434, "79323P", "PINK LIGHTS", 12, 40148.5, 6.75, 13085, "France"),
    (489435, "79323P", "PINK CHERRY LIGHTS", 2, 40149.25, 6.75, 13078, "Norway"),
    ("C489449", "79323P", "PINK LIGHTS", -12, 40150.0, 6.75, 13085, "France"),
    (489436, 22041, "RECORD FRAME", 5, 40150.0, 0.0, 13085, "France"),
    (489437, 22041, "RECORD FRAME", 5, 40150.0, 2.1, None, "France"),
    (489438, 22041, "damaged", -3, 40150.0, 2.1, 13085, "France"),
]
LATER = [(536365, "79323P", " PINK CHERRY LIGHTS ", 1, 40513.0, 7.0, 13085, "France")]


def sheet(rows):
    def cell(value, column):
        if value is None:
            return "<c/>"
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
        style = ' s="1"' if column == 4 else ""
        return f"<c{style}><v>{value}</v></c>"

    body = "".join(
        f"<row>{''.join(cell(v, c) for c, v in enumerate(row))}</row>" for row in [HEADER, *rows]
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(first, second):
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="{kind}.sheet.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="Year 2009-2010" sheetId="1" r:id="r1"/>'
            '<sheet name="Year 2010-2011" sheetId="2" r:id="r2"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="r{n}" Type="{OFFICE}/{what}" Target="{target}"/>'
                for n, what, target in (
                    (1, "worksheet", "worksheets/sheet1.xml"),
                    (2, "worksheet", "worksheets/sheet2.xml"),
                    (3, "styles", "styles.xml"),
                )
            )
            + "</Relationships>",
            "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/>'
            '<xf numFmtId="22"/></cellXfs></styleSheet>',
            "xl/worksheets/sheet1.xml": sheet(first),
            "xl/worksheets/sheet2.xml": sheet(second),
        }
    )


@pytest.mark.parametrize("form", ["workbook", "parquet"])
def test_online_retail_as_published(tmp_path, form):
    if form == "workbook":
        pytest.importorskip("fastexcel")
        (tmp_path / "online_retail_II.xlsx").write_bytes(workbook(LINES, LATER))
    else:
        for year, lines in (("2009_2010", LINES), ("2010_2011", LATER)):
            texts = {"Invoice": pl.String, "StockCode": pl.String}
            table = pl.DataFrame(lines, HEADER, orient="row", strict=False, schema_overrides=texts)
            day = pl.datetime(1899, 12, 30) + pl.duration(seconds=pl.col("InvoiceDate") * 86_400)
            table = table.with_columns(day.alias("InvoiceDate"))
            table.write_parquet(tmp_path / f"year_{year}.parquet")
    log = load("online-retail-ii", tmp_path)
    assert log.users.to_list() == ["13078", "13085"]
    assert log.histories() == [["79323P"], ["22041", "79323P", "79323P"]]
    np.testing.assert_allclose(log.values, [13.5, 100.8, 81.0, 7.0])
    assert log.attributes.rows() == [("Norway",), ("France",)]
    assert log.catalog.title(1) == "PINK CHERRY LIGHTS"
    assert log.block.timestamps[1] == 1_259_668_800


def test_places_are_tried_in_order(tmp_path, monkeypatch):
    home, root, given_folder = (tmp_path / n for n in ("home", "root", "given"))
    cache = home / ".cache" / "hedgerow"
    for user, folder in ((1, cache / "ml-latest"), (2, root / "ml-latest"), (3, given_folder)):
        folder.mkdir(parents=True)
        (folder / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{user},5,1.0,1\n")
        (folder / "movies.csv").write_text("movieId,title,genres\n5,Five,War\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("HEDGEROW_DATA", raising=False)
    assert load("ml-latest").users.to_list() == ["1"]
    monkeypatch.setenv("HEDGEROW_DATA", str(root))
    assert load("ml-latest").users.to_list() == ["2"]
    assert load("ml-latest", str(given_folder)).users.to_list() == ["3"]


def test_shop_is_a_data_set_too(tmp_path):
    assert load("shop").histories()[:3] == Shop().interactions().histories()[:3]
    with pytest.raises(DataError, match="leave its folder out"):
        load("shop", tmp_path)


def test_what_cannot_be_loaded_says_why(tmp_path):
    with pytest.raises(DataError, match="choose from ml-100k"):
        load("ml-3m")
    with pytest.raises(DataError, match=r"put ratings\.dat .* or interactions\.parquet"):
        load("ml-1m", tmp_path)
    (tmp_path / "ratings.csv").write_text("nothing,of,the,kind\na,b,c,d\n")
    (tmp_path / "movies.csv").write_text(MOVIES)
    with pytest.raises(DataError, match="not as published"):
        load("ml-20m", tmp_path)
    (tmp_path / "u.data").write_text("1\t1\t5\t300\n")
    (tmp_path / "u.item").write_text("1|Title\n")
    (tmp_path / "u.user").write_text("1|24|M|writer|85711\n")
    with pytest.raises(DataError, match="24 fields"):
        load("ml-100k", tmp_path)


def test_names_are_those_promised():
    assert set(NAMES) >= {"ml-100k", "ml-1m", "ml-20m", "ml-latest-small", "ml-latest", "shop"}
    assert "online-retail-ii" in NAMES


@pytest.mark.parametrize(
    ("name", "users", "items", "interactions", "attributes"),
    [
        pytest.param("ml-100k", 943, 1_682, 100_000, 3, marks=real("ml-100k")),
        pytest.param("ml-1m", 6_040, 3_883, 1_000_209, 3, marks=real("ml-1m")),
        pytest.param("online-retail-ii", 4_312, 4_017, 394_938, 1, marks=real("online-retail-ii")),
    ],
)
def test_real_data(name, users, items, interactions, attributes):
    log = load(name, Path(ROOT) / name)
    assert (len(log.users), len(log.catalog), len(log)) == (users, items, interactions)
    assert log.attributes.width == attributes
    assert log.catalog.features["title"].null_count() == 0
    assert log.attributes.null_count().sum_horizontal().item() == 0
