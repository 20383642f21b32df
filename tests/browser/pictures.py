"""Draw every page of the console and of the storefront, in light, dark and at a phone's width.

    make pictures

The pages are those of the tests: a coordinator with 1,000 rounds and 10,000 participants behind it,
and a small shop whose visitor has looked at some products.
"""

import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import storefronts
from conftest import FLAGS, PROGRAM
from console.seeded import fill
from consoles import first_link, log_in
from playwright.sync_api import sync_playwright
from routes.interface import coordinator

from hedgerow.cli.rehearsal import rehearse
from hedgerow.storefront.app import create
from hedgerow.storefront.serving import listening, served

LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 800}},
}

CONSOLE = (
    *("", "alerts", "audit-log", "models", "models/movies", "new-task", "participants"),
    *("privacy?task=movies", "tasks", "tasks/movies"),
)

DRAWN_LATER = {
    "storefront-privacy": "#choice input:checked",
    "storefront-home": ".card.personal",
    "storefront-products": ".card.personal",
    "console-run": "figure.chart canvas",
    "console-tasks-movies": "figure.chart canvas",
    "console-models-movies": "figure.chart canvas",
    "console-privacy": "figure.chart canvas",
}
"""What scripts draw, by the names of the pictures; the picture waits for it."""

SHOP = ("", "categories/books", "products/{id}", "search?q=bright", "basket", "privacy")


@contextmanager
def shop(folder):
    """A shop whose pages may call its coordinator."""
    first = storefronts.trained(folder / "first.safetensors")
    with listening(0) as listener:
        url = storefronts.url_of(listener)
        with rehearse(folder / "network", origins=[url]) as network:
            learning = storefronts.federation(network, first)
            with served(create(storefronts.goods(), learning), listener):
                yield url


def shoot(page, url, path):
    """Draw the upper part of a page."""
    page.goto(url)
    if awaited := next((what for part, what in DRAWN_LATER.items() if part in path.name), None):
        page.locator(awaited).first.wait_for()
    page.screenshot(path=path)
    print(path)


def console_pages(browser, folder, look, options, found):
    """Draw the console's pages."""
    page = browser.new_page(**options)
    page.goto(f"{found.address}/console/login")
    page.screenshot(path=folder / f"console-login-{look}.png")
    log_in(page, found)
    page.goto(f"{found.address}/console/tasks/movies")
    run = first_link(page, "/console/runs/").removeprefix("/console/")
    page.goto(f"{found.address}/console/participants")
    person = first_link(page, "/console/participants/").removeprefix("/console/")
    for own in (*CONSOLE, run, person):
        name = "run" if own == run else "participant" if own == person else slug(own, "overview")
        shoot(page, f"{found.address}/console/{own}", folder / f"console-{name}-{look}.png")
    page.close()


def shop_pages(browser, folder, look, options, url):
    """Draw the shop's pages as a visitor sees them who has agreed to everything."""
    page = browser.new_page(**options)
    products = [product.id for product in storefronts.goods().products]
    page.goto(f"{url}/products/{products[0]}")
    page.get_by_role("button", name="Accept all").wait_for()
    page.screenshot(path=folder / f"storefront-consent-{look}.png")
    page.get_by_role("button", name="Accept all").click()
    page.locator(".card.personal").first.wait_for()
    page.get_by_role("button", name="Put into the basket").click()
    page.get_by_text("From 2 things you did here").wait_for()
    for own in SHOP:
        shown = slug(own.replace("/{id}", ""), "home")
        place = f"{url}/{own.format(id=products[7])}"
        shoot(page, place, folder / f"storefront-{shown}-{look}.png")
    page.close()


def slug(own, empty):
    """Return a page's name for a file."""
    return re.sub(r"[^a-z0-9]+", "-", own.partition("?")[0]).strip("-") or empty


def main():
    """Draw all pages into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp())
    (made / "past").mkdir()
    with coordinator(made / "past") as found, shop(made) as url, sync_playwright() as running:
        fill(found.deployment)
        browser = running.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        for look, options in LOOKS.items():
            console_pages(browser, folder, look, options, found)
            shop_pages(browser, folder, look, options, url)
        browser.close()


if __name__ == "__main__":
    main()
