"""A real browser, started once, that may reach nothing: what the page does in it is what readers see."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from andante.report.page import render
from andante.report.summary import RunSummary
from andante.report.words import Language

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for on the way."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="module")  # while it is open, an event loop runs here, and others need one of their own
def browser() -> Iterator[Browser]:
    """Start the browser that is on this machine, or skip."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to look at the report")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Render a summary into a file, open it, and wait until its charts are drawn."""
    contexts = []

    def _open(
        summary: RunSummary, *, width: int = 1280, scheme: str = "light", language: Language = "en", script: bool = True
    ) -> Opened:
        path = tmp_path / f"report-{len(contexts)}.html"
        path.write_text(render(summary, language=language), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        found = Opened(context.new_page(), path.as_uri())

        def _heard(message: ConsoleMessage) -> None:
            found.said.append(f"{message.type}: {message.text}")

        found.page.on("console", _heard)
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(found.url)
        if script:
            found.page.wait_for_selector("html[data-charts=drawn]", timeout=30_000)
        return found

    yield _open
    for context in contexts:
        context.close()
