"""Pictures: for everything that the shop can sell, well-formed, and of nothing but shapes."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from hedgerow.data.shop.words import DEPARTMENTS, STYLES
from hedgerow.storefront.colours import OF_WORDS, mixed, palette
from hedgerow.storefront.pictures import DRAWINGS, NOUNS, parts_of, picture, symbols

SHAPES = {"svg", "g", "path", "rect", "circle", "ellipse"}


def test_every_picture_is_shapes_in_plain_colours(goods):
    for product in goods.products:
        for element in ET.fromstring(picture(product)).iter():
            assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in SHAPES
            for name in ("fill", "stroke"):
                value = element.get(name, "none")
                assert value == "none" or re.fullmatch("#[0-9a-f]{6}", value), value
            assert not {"style", "href", "onload", "class", "id"} & set(element.attrib)


def test_all_that_departments_sell_has_a_drawing():
    kinds = {kind for department in DEPARTMENTS for kind, _nouns in department.kinds}
    assert kinds == set(DRAWINGS)
    nouns = {noun for department in DEPARTMENTS for _kind, ns in department.kinds for noun in ns}
    assert set(NOUNS) <= nouns
    used = {name for names in (*DRAWINGS.values(), *NOUNS.values()) for name in names}
    grounds = {"shadow", *(f"mood-{style}" for style in STYLES)}
    assert used | grounds == set(symbols())


def test_all_that_things_are_made_of_has_a_colour():
    words = {word for department in DEPARTMENTS for word in department.words}
    assert words == set(OF_WORDS)


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Rustic oak serving board", "oak"),
        ("Bright sea salt soap bar, no. 2", "sea salt"),
        ("The classic garden kitchen, volume 3", "garden"),
        ("Painted cloth-bound journal", "cloth-bound"),
    ],
)
def test_the_colour_is_that_of_the_material(title, word):
    assert palette("p1", title, "classic")["m"] == OF_WORDS[word]


def test_a_picture_depends_on_the_product_alone(goods):
    one = goods.products[0]
    assert picture(one) == picture(replace(one))
    assert picture(one) != picture(
        replace(one, style="modern" if one.style != "modern" else "rustic")
    )


def test_the_noun_decides_where_it_looks_unlike_its_kind(goods):
    jug = replace(goods.products[0], title="Striped oak jug, no. 3", kind="Tableware")
    assert parts_of(jug)[-1] == "jug"
    assert parts_of(replace(jug, title="Striped oak teapot"))[-1] == "teapot"


def test_an_unknown_kind_has_a_picture_too(goods):
    odd = replace(goods.products[0], kind="Antiques", style="odd", title="Thing")
    assert ET.fromstring(picture(odd)) is not None


def test_mixing_colours():
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"
    assert mixed("#123456", "#ffffff", 0) == "#123456"
