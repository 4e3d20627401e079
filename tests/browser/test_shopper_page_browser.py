"""The shopper's page in a real browser: without script, by keyboard alone, on a phone, with nothing from elsewhere."""

import sys
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.append(str(Path(__file__).parents[1] / "shopper"))

from shopper_desk import opened

from andante.service.tokens import Leaving

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
SERIOUS = {"serious", "critical"}


@pytest.fixture
def shop(tmp_path):
    with opened(tmp_path / "shop.db", page_calls_per_minute=1_000_000) as shop:
        shop.consents(consent={"push": True, "email": False})
        shop.asks(number=1)
        shop.asks(number=2, category="receipt")
        yield shop


@pytest.fixture
def visits(browser, shop):
    """Open pages in contexts of their own, which note every request that would leave the host."""
    contexts, strangers = [], []

    def visit(path, **more):
        context = browser.new_context(base_url=shop.url, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda one: one.url.startswith((shop.url, "data:")) or strangers.append(one.url))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert strangers == []


def test_everything_works_without_script(shop, visits):
    page = visits(shop.link(), java_script_enabled=False, viewport=PHONE)
    page.get_by_label("Never more than").check()
    page.get_by_label("Number a week").fill("1")
    page.locator("#frequency button").click()
    expect(page.locator("#frequency [role=status]")).to_be_visible()
    assert shop.engine.user("ann").max_per_week == 1
    page.get_by_role("button", name="Pause for a week").click()
    expect(page.get_by_role("button", name="Go on now")).to_be_visible()
    page.get_by_role("checkbox", name="Offers").uncheck()
    page.locator("#choices button").click()
    assert shop.engine.user("ann").categories == {"promotion": False}
    page.locator("#pushes summary").first.click()
    expect(page.get_by_text("You wait for messages of this kind")).to_be_visible()
    page.get_by_role("button", name="Not interested").first.click()
    expect(page.get_by_text("You told us: not interested.")).to_be_visible()
    page.get_by_label("What is wrong?").fill("too loud")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#complaints")).to_contain_text("too loud")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save my data as a file").click()
    assert download.value.suggested_filename == "my-data.json"
    page.get_by_role("link", name="Erase all my data").click()
    page.get_by_label("I want all of it erased").check()
    page.get_by_role("button", name="Erase it now").click()
    expect(page.get_by_role("heading", name="Your data is erased")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the receipt as a file").click()
    assert "subject" in Path(saved.value.path()).read_text("utf-8")


def test_the_keyboard_alone_sets_the_dial_and_finds_what_is_wrong(shop, visits):
    page = visits(shop.link(), viewport=DESKTOP)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("As often as suits me")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("0")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#frequency button")).to_be_focused()
    page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Number a week")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator("#frequency [role=status]")).to_be_visible()
    assert shop.engine.user("ann").max_per_week == 2


@pytest.mark.parametrize(
    ("locale", "scheme", "viewport"),
    [
        ("en-US", "light", PHONE),
        ("en-US", "dark", DESKTOP),
        ("zh-CN", "dark", PHONE),
        ("zh-CN", "light", DESKTOP),
    ],
)
def test_axe_finds_nothing_serious_and_no_page_scrolls_sideways(shop, visits, locale, scheme, viewport):
    pytest.importorskip("axe_playwright_python")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    link = shop.link()
    shop.done(link, "complaint", {"text": "hm"})
    page = visits(link, locale=locale, color_scheme=scheme, viewport=viewport)
    page.locator("input[value=limit]").check()
    page.locator("#frequency button").click()
    for path in (None, link, f"{link}/erase", "/p/forged"):
        if path is not None:
            page.goto(path)
        page.evaluate(f"{axe};0")
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], one["nodes"][0]["target"]) for one in found if one["impact"] in SERIOUS] == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_unsubscribe_page_has_a_button_that_works_without_script(shop, visits, locale):
    leaving = shop.tokens.unsubscribe(Leaving("ann", "push", "d-1-0"))
    page = visits(f"/u/{leaving}", locale=locale, java_script_enabled=False, viewport=PHONE)
    assert page.evaluate("getComputedStyle(document.querySelector('main')).borderStyle") == "solid"
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_have_count(0)
    assert shop.engine.user("ann").consent["push"] is False
