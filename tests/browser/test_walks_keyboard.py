"""By the keyboard alone: whoever has no mouse stops all pushes, lets them go on, and turns their own dial."""

import pytest
import walking
from page_reading import reads_well
from playwright.sync_api import expect
from walking import CHINESE, ENGLISH, USERS, visiting

LOOKS = pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
KEYS_MAX = 120
"""More presses than any way on these pages takes."""

FOCUSED = """() => {
  const one = document.activeElement, look = getComputedStyle(one), box = one.getBoundingClientRect();
  const before = window.walkedFrom;
  window.walkedFrom = one;
  return {
    what: `${one.tagName} ${one.id || one.name || one.textContent.trim().slice(0, 30)}`,
    outlined: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
    visible: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    after: before && before !== one ? Boolean(before.compareDocumentPosition(one) & 4) : null, // 4: it follows
  };
}"""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


def tabs_to(page, wanted, key="Tab"):
    """Press Tab until something has the focus; on the way there, each stop is visible, and follows the one before."""
    page.evaluate("window.walkedFrom = null")
    target = page.locator(wanted).first
    for _ in range(KEYS_MAX):
        page.keyboard.press(key)
        said = page.evaluate(FOCUSED)
        assert said["outlined"], f"no outline: {said}"
        assert said["visible"], f"out of sight: {said}"
        assert said["after"] in {None, key == "Tab"}, f"out of order: {said}"
        if target.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"{wanted} was never reached")


@LOOKS
def test_the_keyboard_alone_signs_in_throws_the_kill_switch_and_lifts_it(browser, town, look):
    user = USERS[30]
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, "/dashboard/sign-in")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        tabs_to(page, "input[name=given]")
        page.keyboard.type("Mia")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/")
        visitor.drawn(page)
        tabs_to(page, ".skip")
        page.keyboard.press("Enter")
        tabs_to(page, "main a[href='#switch']")
        page.keyboard.press("Enter")
        tabs_to(page, "select[name=scope]")
        page.keyboard.press("ArrowDown")
        assert page.locator("select[name=scope]").input_value() != "global"
        page.keyboard.press("ArrowUp")
        tabs_to(page, "#switch button")
        tabs_to(page, "select[name=scope]", "Shift+Tab")
        tabs_to(page, "#switch button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/switch?*state=on*")
        tabs_to(page, "main form .danger")
        page.keyboard.press("Space")
        page.wait_for_url("**/dashboard/#switch")
        assert town.asks(user)["reasons"][0] == "kill_switch"
        visitor.opens(page, "/dashboard/")
        tabs_to(page, ".now-thrown a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/switch?*state=off*")
        tabs_to(page, "main form .main")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/#switch")
        assert town.asks(user)["action"] == "send"


@LOOKS
def test_the_keyboard_alone_turns_the_shoppers_dial_and_opens_a_reason(browser, town, look):
    user = USERS[{"en": 32, "zh": 33}[look.language]]
    town.asks(user)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        tabs_to(page, "input[name=dial][value=learn]")
        page.keyboard.press("ArrowDown")
        expect(page.locator("input[name=dial][value=limit]")).to_be_checked()
        tabs_to(page, "#max_per_week")
        page.keyboard.type("2")
        tabs_to(page, "#frequency button")
        page.keyboard.press("Space")
        expect(page.locator("#frequency [role=status]")).to_be_visible()
        assert town.engine.user(user).max_per_week == 2
        tabs_to(page, "#pushes summary")
        page.keyboard.press("Enter")
        expect(page.locator("#pushes details ul").first).to_be_visible()
        reads_well(page, look)


@pytest.mark.parametrize(
    "path", ["", "plan", "play", "campaigns/new", "rules", "complaints", "audit", f"users/{USERS[5]}"]
)
def test_every_stop_of_the_keyboard_is_visible_and_in_order(browser, town, path):
    with visiting(browser, town) as visitor:
        page = visitor.sits_down()
        visitor.opens(page, f"/dashboard/{path}")
        tabs_to(page, ".settle button")
