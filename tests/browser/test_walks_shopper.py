"""Everything that shoppers decide on their page, done in a browser in both languages; each choice binds the engine."""

import json

import pytest
import walking
from page_reading import reads_well
from playwright.sync_api import expect
from walking import CHINESE, ENGLISH, USERS, visiting

ROOM = "andante.shopper"
LOOKS = pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
PLACES = {"en": 20, "zh": 60}
"""Each language has shoppers of its own, so that the order of tests does not matter."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


def shopper(look, number):
    return USERS[PLACES[look.language] + number]


def saves(visitor, page, part, key="page.save"):
    """Press the button of a part of the page; wait until the page says that it holds."""
    visitor.presses(page, key, page.locator(f"#{part}"), ROOM)
    expect(page.locator(f"#{part} [role=status]")).to_be_visible()


@LOOKS
def test_the_dial_is_turned_and_back(browser, town, look):
    user = shopper(look, 0)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        page.locator("input[name=dial][value=limit]").check()
        page.locator("#max_per_week").fill("1")
        page.locator("#max_per_day").fill("1")
        saves(visitor, page, "frequency")
        assert (town.engine.user(user).max_per_week, town.engine.user(user).max_per_day) == (1, 1)
        reads_well(page, look)
        decisions = [town.asks(user, "promotion", item_id=f"dial-{number}", value=99.0) for number in range(2)]
        assert "send" not in [one["action"] for one in decisions[1:]]
        page.locator("input[name=dial][value=none]").check()
        saves(visitor, page, "frequency")
        assert town.engine.user(user).max_per_week == 0
        page.locator("input[name=dial][value=learn]").check()
        saves(visitor, page, "frequency")
        assert town.engine.user(user).max_per_week is None


@LOOKS
def test_a_dial_that_is_none_is_refused_beside_it(browser, town, look):
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.refusals = {422}
        visitor.opens(page, town.link(shopper(look, 1)))
        page.locator("form").evaluate_all("forms => forms.forEach(form => form.noValidate = true)")
        page.locator("input[name=dial][value=limit]").check()
        page.locator("#max_per_week").fill("0")
        visitor.presses(page, "page.save", page.locator("#frequency"), ROOM)
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.locator("#max_per_week-fault")).to_have_text(visitor.says("fault.count", ROOM))
        reads_well(page, look)


@LOOKS
def test_quiet_hours_and_a_time_zone_are_set(browser, town, look):
    user = shopper(look, 2)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        page.locator("input[name=quiet][value=own]").check()
        page.locator("#start").fill("00:00")
        page.locator("#end").fill("23:59")
        page.locator("#time_zone").select_option("Asia/Shanghai")
        saves(visitor, page, "hours")
        view = town.engine.user(user)
        assert (view.time_zone, [str(one)[:5] for one in view.quiet_hours]) == ("Asia/Shanghai", ["00:00", "23:59"])
        assert "Asia/Shanghai" in page.locator("main .note").last.inner_text()
        reads_well(page, look)
        page.locator("input[name=quiet][value=none]").check()
        saves(visitor, page, "hours")


@LOOKS
def test_a_channel_and_a_category_are_turned_off_and_learning_too(browser, town, look):
    user = shopper(look, 3)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        for name, value in (("consent", "push"), ("categories", "news"), ("profiling", "yes")):
            page.locator(f"input[name={name}][value={value}]").uncheck()
        saves(visitor, page, "choices")
        view = town.engine.user(user)
        assert (view.consent["push"], view.categories["news"], view.profiling) == (False, False, False)
        assert town.asks(user)["reasons"][0] == "consent_channel"
        page.locator("input[name=consent][value=push]").check()
        saves(visitor, page, "choices")
        assert town.asks(user)["action"] == "send"


@LOOKS
def test_a_pause_begins_and_ends(browser, town, look):
    user = shopper(look, 4)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        saves(visitor, page, "pause", "pause.start")
        assert town.asks(user, "news", item_id="pause")["reasons"][0] == "paused"
        reads_well(page, look)
        saves(visitor, page, "pause", "pause.stop")
        assert town.engine.user(user).paused_until is None


@LOOKS
def test_a_push_says_why_it_came_and_is_not_wanted(browser, town, look):
    user = shopper(look, 5)
    decision = town.asks(user)
    assert decision["action"] == "send"
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.link(user))
        push = page.locator(".pushes > li").first
        push.locator("summary").click()
        expect(push.get_by_text(visitor.says("pushes.transactional", ROOM))).to_be_visible()
        reads_well(page, look)
        push.get_by_role("button").click()
        expect(page.locator("#pushes [role=status]")).to_have_text(visitor.says("pushes.saved", ROOM))
        expect(push.get_by_text(visitor.says("pushes.said", ROOM))).to_be_visible()


@LOOKS
def test_a_complaint_is_sent_and_its_answer_comes_back(browser, town, look):
    user = shopper(look, 6)
    with visiting(browser, town, look) as visitor:
        page, link = visitor.page(), town.link(user)
        visitor.opens(page, link)
        page.locator("#text").fill("太吵了 too loud")
        page.locator("#contact").fill("ann@shop.example")
        saves(visitor, page, "complaints", "complaints.send")
        expect(page.locator("#complaints li .soft")).to_contain_text(visitor.says("complaint.open", ROOM))
        (said,) = town.opened.books.complaints.of_user(user)
        desk = visitor.sits_down()
        visitor.opens(desk, "/dashboard/complaints")
        card = desk.locator(f"article[aria-labelledby=c{said.id}]")
        expect(card).to_contain_text("太吵了 too loud")
        card.locator("textarea").fill("会少发 We send fewer")
        visitor.presses(desk, "complaints.answer", card)
        visitor.opens(page, link)
        expect(page.locator("#complaints li .soft")).to_contain_text(visitor.says("complaint.answered", ROOM))
        expect(page.locator("#complaints li")).to_contain_text("会少发 We send fewer")
        reads_well(page, look)


@LOOKS
def test_data_are_taken_along_and_then_erased_with_a_receipt_and_the_link_is_dead(browser, town, look):
    user = shopper(look, 7)
    with visiting(browser, town, look) as visitor:
        page, link = visitor.page(), town.link(user)
        visitor.opens(page, link)
        with page.expect_download() as download:
            page.get_by_role("link", name=visitor.says("data.export", ROOM)).click()
        assert user in download.value.path().read_text("utf-8")
        page.get_by_role("link", name=visitor.says("data.erase", ROOM)).click()
        page.locator("#sure").check()
        visitor.presses(page, "erase.do", room=ROOM)
        expect(page.locator("h1")).to_have_text(visitor.says("receipt.title", ROOM))
        reads_well(page, look)
        with page.expect_download() as saved:
            page.get_by_role("link", name=visitor.says("receipt.save", ROOM)).click()
        receipt = json.loads(saved.value.path().read_text("utf-8"))
        assert receipt["key"] in page.locator("main").inner_text()
        assert user not in saved.value.path().read_text("utf-8")
        visitor.refusals = {404}
        for path in (link, f"{link}/export", f"{link}/erase"):
            assert page.goto(town.url + path).status == 404
            expect(page.locator("h1")).to_have_text(visitor.says("lost.title", ROOM))


@LOOKS
def test_the_link_of_a_push_leaves_its_channel(browser, town, look):
    user = shopper(look, 8)
    decision = town.asks(user)
    with visiting(browser, town, look) as visitor:
        page = visitor.page()
        visitor.opens(page, town.leaving(user, "push", decision["decision_id"]))
        assert town.engine.user(user).consent["push"], "who merely looks changes nothing"
        page.get_by_role("button").click()
        expect(page.get_by_role("button")).to_have_count(0)
        reads_well(page, look)
        assert not town.engine.user(user).consent["push"]
        assert town.asks(user)["reasons"][0] == "consent_channel"
