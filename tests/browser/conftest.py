"""A real browser for tests, and pages on which nothing goes wrong unnoticed."""

import contextlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROGRAM = Path(os.environ.get("HEDGEROW_CHROMIUM", "/usr/bin/chromium"))

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

OWN_HOSTS = {"127.0.0.1", "localhost", ""}


@pytest.fixture(scope="session")
def chromium():
    """Chromium, without a window."""
    if not PROGRAM.exists():
        pytest.skip(f"needs Chromium at {PROGRAM}; HEDGEROW_CHROMIUM names another place")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page in a fresh profile, on which scripts may not fail and nothing leaves the host.

    That an answer was refused (4xx) is for the test to judge.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    shown = context.new_page()
    problems, hosts = [], set()
    shown.on("pageerror", lambda error: problems.append(str(error)))
    shown.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    shown.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname or ""))
    yield shown
    context.close()
    refused = "Failed to load resource: the server responded with a status of 4"
    assert [text for text in problems if not text.startswith(refused)] == []
    assert hosts <= OWN_HOSTS


@pytest.fixture
def federated(chromium, tmp_path):
    """Make shops whose visitors take part in rounds; in the end, look at all that browsers sent."""
    from shops import opened

    with contextlib.ExitStack() as stack:
        yield lambda **changed: stack.enter_context(opened(chromium, tmp_path, **changed))
