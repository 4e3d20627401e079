"""Without JavaScript: what shoppers need works, and so do the forms of operators."""

import pytest
import walking
from playwright.sync_api import expect
from walking import CHINESE, ENGLISH, USERS, visiting

from andante.operators.launch import Launch
from andante.vocabulary.fault import Conflict

LOOKS = pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
ROOM = "andante.shopper"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


def bare(browser, town, look):
    return visiting(browser, town, look, java_script_enabled=False)


@LOOKS
def test_operators_pages_show_their_figures_without_script(browser, town, look):
    with bare(browser, town, look) as visitor:
        page = visitor.sits_down()
        for path in ("", "plan", "play"):
            visitor.opens(page, f"/dashboard/{path}")
            assert page.locator("figure .says").count() == page.locator("figure").count() > 0
            assert all(page.locator("figure .says").all_inner_texts())
            page.locator("figure summary").first.click()
            expect(page.locator("figure table").first).to_be_visible()
            expect(page.locator("noscript p")).to_be_visible()


@LOOKS
def test_the_kill_switch_works_without_script(browser, town, look):
    with bare(browser, town, look) as visitor:
        page = visitor.sits_down()
        page.locator("select[name=scope]").select_option("category:receipt")
        visitor.presses(page, "switch.go")
        visitor.presses(page, "switch.do_on")
        expect(page.locator(".now-thrown li")).to_contain_text("Mia")
        assert town.asks(USERS[30])["reasons"][0] == "kill_switch"
        page.locator(".now-thrown a").click()
        visitor.presses(page, "switch.do_off")
        expect(page.locator(".now-thrown")).to_have_count(0)
        assert town.asks(USERS[30])["action"] == "send"


@LOOKS
def test_a_campaign_works_without_script(browser, town, look):
    with bare(browser, town, look) as visitor:
        page = visitor.sits_down()
        visitor.opens(page, "/dashboard/campaigns/new")
        for name, value in (("name", "Spring"), ("channel", "push"), ("category", "news"), ("user_ids", USERS[31])):
            page.locator(f"[name={name}]").fill(value)
        visitor.presses(page, "campaign.save")
        expect(page.locator("#dry")).to_be_visible()
        visitor.presses(page, "campaign.do_submit")
        visitor.presses(page, "campaign.do_start")
        campaign_id = page.url.rpartition("/")[2]
        until_done(town, campaign_id)
        page.reload()
        expect(page.locator("[data-text=state]")).to_have_text(visitor.says("campaign_state.done"))
        expect(page.locator("[data-text=asked]")).to_have_text("1")


def until_done(town, campaign_id):
    launch = Launch(town.engine, town.opened.books)
    while town.opened.books.campaigns.of(campaign_id).state == "running":
        try:
            launch.run(campaign_id)
        except Conflict:  # the server launches it at this moment
            continue


@LOOKS
def test_rules_search_play_complaints_and_audit_work_without_script(browser, town, look):
    said = town.opened.books.complaints.open(USERS[33], "太吵了", None)
    with bare(browser, town, look) as visitor:
        page = visitor.sits_down()
        visitor.opens(page, "/dashboard/rules")
        area = page.locator("textarea[name=text]").first
        limit = f'\n[[caps]]\nscope = "channel:bare-{look.language}"\nlimit = 3\nwindow = "P1D"\n'
        area.fill(area.input_value() + limit)
        visitor.presses(page, "rules.check")
        visitor.presses(page, "rules.apply")
        expect(page.get_by_text(visitor.says("rules.applied"), exact=True)).to_be_visible()
        visitor.opens(page, "/dashboard/users")
        page.locator("input[name=prefix]").fill(USERS[33])
        visitor.presses(page, "users.find")
        expect(page.locator("main tbody tr")).to_have_count(1)
        visitor.opens(page, "/dashboard/play?budget=1")
        before = page.locator("[data-says=play_plan]").inner_text()
        page.locator("#knob-budget").press("End")
        visitor.presses(page, "play.try")
        assert "budget=10" in page.url
        assert page.locator("[data-says=play_plan]").inner_text() != before
        visitor.opens(page, "/dashboard/complaints")
        card = page.locator(f"article[aria-labelledby=c{said.id}]")
        card.locator("textarea").fill("会少发")
        visitor.presses(page, "complaints.answer", card)
        assert town.opened.books.complaints.of_user(USERS[33])[-1].status == "answered"
        visitor.opens(page, "/dashboard/audit")
        visitor.presses(page, "audit.verify")
        expect(page.get_by_text(visitor.says("audit.holds"))).to_be_visible()


@LOOKS
def test_what_shoppers_need_works_without_script(browser, town, look):
    user = USERS[{"en": 35, "zh": 36}[look.language]]
    with bare(browser, town, look) as visitor:
        page, link = visitor.page(), town.link(user)
        visitor.opens(page, link)
        for value in ("limit", "none"):
            page.locator(f"input[name=dial][value={value}]").check()
            page.locator("#max_per_week").fill("3")
            visitor.presses(page, "page.save", page.locator("#frequency"), ROOM)
            expect(page.locator("#frequency [role=status]")).to_be_visible()
        assert town.engine.user(user).max_per_week == 0
        page.locator("footer select[name=theme]").select_option("dark")
        visitor.presses(page, "shared.set", room=ROOM)
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.locator("input[name=consent][value=push]").uncheck()
        visitor.presses(page, "page.save", page.locator("#choices"), ROOM)
        assert not town.engine.user(user).consent["push"]
        page.locator("#text").fill("太吵了")
        visitor.presses(page, "complaints.send", room=ROOM)
        expect(page.locator("#complaints li")).to_contain_text("太吵了")
        page.get_by_role("link", name=visitor.says("data.erase", ROOM)).click()
        page.locator("#sure").check()
        visitor.presses(page, "erase.do", room=ROOM)
        expect(page.locator("h1")).to_have_text(visitor.says("receipt.title", ROOM))
