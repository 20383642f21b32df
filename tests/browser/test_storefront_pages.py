"""The storefront in a real browser: how it looks, who can use it, and what consent changes."""

import re
from itertools import pairwise

import pytest
import storefronts
from consoles import violations

from hedgerow.cli.rehearsal import rehearse
from hedgerow.storefront.app import create
from hedgerow.storefront.serving import listening, served

PAGES = ["/", "/categories/books", "/products/{id}", "/search?q=bright", "/basket", "/privacy"]

PHONE = {"width": 360, "height": 740}

STORED = """async () => ({
  databases: (await indexedDB.databases()).map(({ name }) => name),
  local: { ...localStorage },
  session: { ...sessionStorage },
  cookies: document.cookie,
  caches: await caches.keys(),
})"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop whose pages may call its coordinator."""
    folder = tmp_path_factory.mktemp("storefront")
    first = storefronts.trained(folder / "first.safetensors")
    with listening(0) as listener:
        url = storefronts.url_of(listener)
        with rehearse(folder / "network", origins=[url]) as network:
            learning = storefronts.federation(network, first)
            with served(create(storefronts.goods(), learning), listener):
                yield url


@pytest.fixture(scope="module")
def some():
    """Ids of products."""
    return [product.id for product in storefronts.goods().products[:6]]


def visit(page, url):
    """Go to a page and wait until its scripts have done their work."""
    page.goto(url)
    if "/privacy" in url:
        page.locator("#part dt").first.wait_for()
    else:
        page.locator("#for-you-row .card").first.wait_for()


def row(page):
    """What is recommended, in order."""
    return page.locator("#for-you-row h3").all_text_contents()


@pytest.fixture
def asked(page):
    """Every request of a page: method, address."""
    found = []
    page.on("request", lambda request: found.append((request.method, request.url)))
    return found


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page, shop, some, path, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, shop + path.format(id=some[0]))
    page.locator("#consent").wait_for()
    page.get_by_role("button", name="Choose").click()
    assert violations(page) == []
    page.get_by_role("button", name="Save my choice").click()
    page.locator("#consent").wait_for(state="hidden")
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_it_fits_a_phone(page, shop, some, path):
    page.set_viewport_size(PHONE)
    visit(page, shop + path.format(id=some[0]))
    assert violations(page) == []
    page.get_by_role("button", name="Accept all").click()
    small = """() => [...document.querySelectorAll('button, .button, .own a, .chips a')]
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(([, { width, height }]) => width && (width < 24 || height < 24))
      .map(([one]) => one.outerHTML)"""
    assert page.evaluate(small) == []


def test_dark_is_dark_and_light_is_light(page, shop):
    ground = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    for scheme, fits in (("light", lambda n: n > 230), ("dark", lambda n: n < 40)):
        page.emulate_media(color_scheme=scheme)
        visit(page, shop)
        assert all(fits(part) for part in page.evaluate(ground)[:3])


def test_the_keyboard_goes_everywhere(page, shop):
    visit(page, shop)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    names = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if "refuse" in names:
            break
    assert {"refuse", "more"} <= names
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "agree"
    page.keyboard.press("Enter")
    page.locator("#consent").wait_for(state="hidden")
    page.locator("#for-you-row a").first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/products/" in page.url
    page.get_by_role("button", name="Put into the basket").focus()
    page.keyboard.press("Space")
    page.locator("#basket-count", has_text="1").wait_for()


def test_a_refusal_keeps_and_sends_nothing(page, shop, some, asked):
    visit(page, shop)
    before = row(page)
    page.get_by_role("button", name="Refuse all").click()
    page.locator("#consent").wait_for(state="hidden")
    for item in some[:3]:
        visit(page, f"{shop}/products/{item}")
        assert page.locator("#consent").is_hidden()
    visit(page, shop)
    assert row(page) == before
    assert page.locator(".why:visible").count() == 0
    stored = page.evaluate(STORED)
    assert stored == {
        "databases": [],
        "local": {},
        "session": {"consent-refused": "yes"},
        "cookies": "",
        "caches": [],
    }
    assert page.context.cookies() == []
    assert {method for method, _url in asked} == {"GET"}
    assert all(url.startswith(f"{shop}/") for _method, url in asked)


def test_what_is_for_you_changes_with_every_click(page, shop, some):
    visit(page, shop)
    page.get_by_role("button", name="Accept all").click()
    rows = [row(page)]
    for item in some[:3]:
        visit(page, f"{shop}/products/{item}")
        visit(page, shop)
        page.locator(".card.personal").first.wait_for()
        rows.append(row(page))
    page.locator("#for-you-row .add button").first.click()
    page.get_by_text("From 4 things you did here").wait_for()
    rows.append(row(page))
    assert all(one != other for one, other in pairwise(rows))


def test_what_is_recommended_is_told_to_nobody(page, shop, some, asked):
    visit(page, shop)
    page.get_by_role("button", name="Accept all").click()
    asked.clear()
    visit(page, f"{shop}/products/{some[0]}")
    shown = page.locator("#for-you-row h3 a").evaluate_all("all => all.map((a) => a.pathname)")
    near = page.locator(".shelf h3 a").evaluate_all("all => all.map((a) => a.pathname)")
    alone = {path.removeprefix("/products/") for path in set(shown) - set(near)}
    assert alone
    assert not [url for _method, url in asked if any(item in url for item in alone)]


def test_why_names_what_the_visitor_did(page, shop, some):
    visit(page, f"{shop}/products/{some[0]}")
    title = page.locator("h1").text_content()
    page.get_by_role("button", name="Accept all").click()
    why = page.locator("#for-you-row .why").first
    why.click()
    assert why.get_attribute("aria-expanded") == "true"
    assert title in page.locator(".reasons").text_content()
    assert violations(page) == []
    why.click()
    assert page.locator(".reasons").count() == 0


def test_the_panel_tells_and_forgets(page, shop, some):
    visit(page, f"{shop}/products/{some[0]}")
    page.get_by_role("button", name="Accept all").click()
    page.locator(".card.personal").first.wait_for()
    page.get_by_role("button", name="Put into the basket").click()
    page.get_by_text("From 2 things you did here").wait_for()
    visit(page, f"{shop}/basket")
    with page.expect_navigation():
        page.get_by_role("button", name="Pretend to buy").click()
    visit(page, f"{shop}/privacy")
    page.locator("#kept li").nth(2).wait_for()
    did = page.locator("#kept small").all_text_contents()
    kinds = [re.split(r" \d", text)[0] for text in did]
    assert kinds == ["Bought", "Put into the basket", "Looked at"]
    assert page.locator("#spent").text_content() == "Nothing"
    assert "made before the first run" in page.locator("#part").text_content()
    page.get_by_role("button", name="Forget everything here").click()
    page.get_by_text("Forgotten: nothing is kept").wait_for()
    assert page.evaluate(STORED)["databases"] == []
    assert page.locator("#choice input:checked").count() == 0
    visit(page, shop)
    page.get_by_text("nothing about you is kept").wait_for()


def test_a_purpose_that_is_withdrawn_ends_at_once(page, shop, some, asked):
    visit(page, f"{shop}/products/{some[0]}")
    page.get_by_role("button", name="Accept all").click()
    page.locator(".card.personal").first.wait_for()
    with page.expect_response(lambda answer: answer.url.endswith("/v1/enrol")):
        visit(page, f"{shop}/privacy")
    page.get_by_text("takes part when it is idle, in a worker of this tab").wait_for()
    choice = page.locator("#choice")
    choice.get_by_label("Help to train the model").uncheck()
    choice.get_by_label("Help to measure the model").uncheck()
    page.get_by_text("does not take part, as you have not agreed to it").wait_for()
    asked.clear()
    visit(page, shop)
    assert all(url.startswith(f"{shop}/") for _method, url in asked)
    page.locator(".card.personal").first.wait_for()


def test_a_shop_without_scripts(chromium, shop, some):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/products/{some[0]}")
    assert page.locator("#for-you").is_hidden()
    assert page.locator("#consent").is_hidden()
    page.get_by_role("button", name="Put into the basket").click()
    assert page.url == f"{shop}/basket"
    page.get_by_role("button", name="One more of").click()
    page.get_by_text("2 things", exact=True).wait_for()
    page.get_by_role("button", name="Pretend to buy").click()
    assert page.locator("h1").text_content() == "Thank you"
    page.goto(f"{shop}/privacy")
    assert "Without JavaScript nothing is kept of your visit" in page.locator("main").inner_text()
    context.close()
