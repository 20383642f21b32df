"""The shop's pages as a browser without JavaScript has them."""

import re
from html.parser import HTMLParser

import pytest

PAGES = ["/", "/categories/books", "/search?q=bright", "/search", "/basket", "/thanks", "/privacy"]


class Read(HTMLParser):
    """What a page holds."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag, name):
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]


@pytest.mark.parametrize("path", [*PAGES, "/products/{id}", "/nowhere"])
def test_nothing_of_another_host_and_no_script_in_the_page(visitor, goods, path):
    page = Read(visitor.get(path.format(id=goods.products[0].id)).text)
    places = [*page.all("a", "href"), *page.all("img", "src"), *page.all("form", "action")]
    places += [*page.all("link", "href"), *page.all("script", "src")]
    assert places
    assert all(place.startswith(("/", "#")) and not place.startswith("//") for place in places)
    assert all(attrs.get("src") for tag, attrs in page.tags if tag == "script")
    for tag, attrs in page.tags:
        assert tag != "style"
        assert not {name for name in attrs if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(visitor, path):
    page = Read(visitor.get(path).text)
    places = {*page.all("a", "href"), *page.all("img", "src")}
    places |= {*page.all("link", "href"), *page.all("script", "src")}
    for place in sorted(one for one in places if one.startswith("/")):
        assert visitor.get(place).status_code == 200, place


def test_the_home_page_has_shelves(visitor, goods, first):
    text = visitor.get("/").text
    for name in ("For you", "Popular", "New", *(c.name for c in goods.categories.values())):
        assert re.search(f"<h2[^>]*>{name}</h2>", text)
    popular = text.split(">Popular</h2>")[1].split("</section>")[0]
    shown = list(dict.fromkeys(re.findall(r"/products/(p\d+)", popular)))
    assert shown == list(first.popular[: len(shown)])


def test_a_category_and_one_kind_of_it(visitor, goods):
    category = goods.categories["books"]
    kind = category.kinds[0]
    text = visitor.get(f"/categories/{category.slug}").text
    assert set(re.findall(r'/products/(p\d+)"', text)) == {one.id for one in category.products}
    text = visitor.get(f"/categories/{category.slug}", params={"kind": kind}).text
    of_kind = {one.id for one in category.products if one.kind == kind}
    assert set(re.findall(r'/products/(p\d+)"', text)) == of_kind


@pytest.mark.parametrize(
    "path",
    ["/categories/none", "/categories/books?kind=Nonsense", "/products/p999999", "/pictures/x.svg"],
)
def test_what_there_is_not_is_said_in_a_page(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "There " in answer.text
    assert "Back to the shop" in answer.text


def test_what_is_searched_for_is_text(visitor):
    text = visitor.get("/search", params={"q": '<script>alert("x")</script>'}).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_a_basket_without_scripts(visitor, goods):
    one, other = goods.products[:2]
    for item in (one.id, one.id, other.id):
        answer = visitor.post("/basket", data={"item": item})
        assert (answer.status_code, answer.headers["location"]) == (303, "/basket")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age" not in cookie
    text = visitor.get("/basket").text
    assert f"£{2 * one.price + other.price:,.2f}" in text
    visitor.post("/basket", data={"item": one.id, "change": "-1"})
    visitor.post("/basket", data={"item": other.id, "change": "all"})
    assert visitor.cookies["basket"] == f"{one.id}.1"
    answer = visitor.post("/checkout")
    assert answer.headers["location"] == "/thanks"
    assert "basket" not in visitor.cookies


def test_a_basket_holds_no_more_than_it_may(visitor, goods):
    for _ in range(12):
        visitor.post("/basket", data={"item": goods.products[0].id})
    for product in goods.products[:40]:
        visitor.post("/basket", data={"item": product.id})
    lines = visitor.cookies["basket"].split("~")
    assert lines[0] == f"{goods.products[0].id}.9"
    assert len(lines) == 30


def test_scripts_are_told_how_many_pieces_there_are(visitor, goods):
    headers = {"accept": "application/json"}
    answer = visitor.post("/basket", data={"item": goods.products[0].id}, headers=headers)
    assert answer.json() == {"count": 1}


@pytest.mark.parametrize("cookie", ["~~~", "p999999.3", "p000001.99", "x" * 9000, "p000001.0", "é"])
def test_a_cookie_that_makes_no_sense_is_an_empty_basket(visitor, cookie):
    answer = visitor.get("/basket", headers={"cookie": f"basket={cookie}".encode()})
    assert answer.status_code == 200
    assert "There is nothing in it yet" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"item=p999999", 404),
        (b"", 404),
        (b"item=p000001&change=7", 400),
        (b"\xff\xfe", 400),
        (b"&".join([b"a=1"] * 50), 400),
        (b"item=" + b"x" * 5000, 413),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(visitor, body, status):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = visitor.post("/basket", content=body, headers=headers)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
