"""Consoles to look at in a browser, and ways around in them."""

import re

from axe_playwright_python.sync_playwright import Axe

from hedgerow.server.security.access import Role


def log_in(page, running, role=Role.OPERATOR):
    """Paste a role's access key."""
    page.goto(f"{running.address}/console/")
    page.get_by_label("Access key").fill(running.shown[role])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def violations(page):
    """What axe finds wrong on a page, and whether it is wider than its window."""
    found = Axe().run(page).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] + ["wide"] * wide


def first_link(page, start):
    """The first link on a page to somewhere that begins so."""
    links = page.locator("main a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return next(link for link in links if re.match(start, link))
