"""Every page, in both languages, light and dark, on a desk and on a phone: it reads, it fits, and asks nobody else."""

import pytest
import walking
from page_reading import wrong_with
from playwright.sync_api import expect
from walking import CHINESE, ENGLISH, LOOKS, LOUD, PATIENCE_MS, USERS, visiting

from andante.operators.launch import Launch

WATCHED = ("/dashboard/", "/dashboard/plan")
"""Pages whose figures are live."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


@pytest.fixture(scope="module")
def campaigns(town):
    """Have a campaign in each state that stays, and complaints in each."""
    books, launch = town.opened.books, Launch(town.engine, town.opened.books)
    given = {"category": "news", "channel": "push", "value": 300.0, "message": {"title": "Spring", "body": "春天"}}
    made = {
        name: books.campaigns.create("Mia", given | {"name": f"campaign-{place} {LOUD}", **more}).campaign_id
        for place, (name, more) in enumerate(
            {"draft": {}, "awaiting": {}, "sent": {"audience": {"user_ids": list(USERS[:9])}}, "stopped": {}}.items()
        )
    }
    for name in ("awaiting", "sent", "stopped"):
        launch.submit("Mia", made[name])
    books.campaigns.approve("Noa", made["stopped"])
    books.campaigns.start("Mia", made["sent"])
    with books.launching(made["stopped"]):
        books.campaigns.start("Mia", made["stopped"])
        books.campaigns.stop("Mia", made["stopped"], "push")
    launch.run(made["sent"])
    for user in USERS[1:4]:
        said = books.complaints.open(user, "太多了。Too many.", "138 0013 8000")
        if user != USERS[1]:
            books.complaints.answer("Mia", said.id, "会少发。")
    return made


def pages_of(town, campaigns):
    """Return the path of a page of each kind that can be looked at without doing anything."""
    return (
        *("/dashboard/", "/dashboard/plan", "/dashboard/play", "/dashboard/switch?scope=global&state=on"),
        *("/dashboard/campaigns", "/dashboard/campaigns/new", f"/dashboard/campaigns/{campaigns['draft']}?dry=1"),
        *("/dashboard/users", f"/dashboard/users/{USERS[5]}", f"/dashboard/decisions/{town.decided['send']}"),
        *("/dashboard/rules", "/dashboard/complaints?status=all", "/dashboard/audit", "/dashboard/sign-in"),
    )


def other_pages_of(town, campaigns):
    """Return the paths of those pages in their other states."""
    return (
        *("/dashboard/?span=day", "/dashboard/?span=week", "/dashboard/switch?scope=channel:push&state=off"),
        f"/dashboard/campaigns/{campaigns['draft']}/edit",
        *(f"/dashboard/campaigns/{campaigns[state]}" for state in ("awaiting", "sent", "stopped")),
        *(f"/dashboard/decisions/{town.decided[action]}" for action in ("defer", "suppress")),
        *("/dashboard/users?prefix=nobody", "/dashboard/complaints?status=closed", "/dashboard/audit?action=switch"),
        "/dashboard/play?budget=0.5&pace=7&open_rate=0.2",
    )


def shoppers_pages_of(town):
    link = town.link(USERS[5])
    return link, f"{link}/erase", "/p/forged", town.leaving(USERS[6])


def test_the_past_has_a_decision_of_each_kind(town):
    assert set(town.decided) == {"send", "defer", "suppress"}


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_operators_pages_read_well_and_ask_nobody_else(browser, town, campaigns, look):
    with visiting(browser, town, look) as visitor:
        page, wrong = visitor.sits_down(), []
        for path in pages_of(town, campaigns):
            visitor.opens(page, path)
            wrong += wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
def test_operators_pages_read_well_in_their_other_states(browser, town, campaigns, look):
    with visiting(browser, town, look) as visitor:
        page, wrong = visitor.sits_down(), []
        for path in other_pages_of(town, campaigns):
            visitor.opens(page, path)
            wrong += wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_shoppers_pages_read_well_and_ask_nobody_else(browser, town, campaigns, look):
    with visiting(browser, town, look) as visitor:
        page, wrong = visitor.page(), []
        visitor.refusals = {404}
        for path in shoppers_pages_of(town):
            visitor.opens(page, path)
            wrong += wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
def test_pages_of_who_only_looks_read_well(browser, town, campaigns, look):
    with visiting(browser, town, look) as visitor:
        page, wrong = visitor.page(), []
        for path in (
            "",
            "campaigns",
            "campaigns/new",
            f"campaigns/{campaigns['draft']}",
            "rules",
            "complaints",
            "audit",
        ):
            visitor.opens(page, f"/dashboard/{path}")
            expect(page.locator("footer a")).to_have_text(visitor.says("shared.sign_in"))
            wrong += wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
def test_a_page_that_is_none_and_a_question_that_is_none_are_said_so(browser, town, look):
    with visiting(browser, town, look) as visitor:
        page, wrong = visitor.sits_down(), []
        visitor.refusals = {404, 422}
        for path in ("users/nobody-here", "decisions/none", "?span=year", "campaigns/none", "switch?scope=all"):
            answer = visitor.opens(page, f"/dashboard/{path}")
            assert answer.status in {404, 422}
            expect(page.locator("h1")).to_have_text(visitor.says("problem.title"))
            wrong += wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", WATCHED)
@pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
def test_live_pages_keep_asking_and_show_what_came(browser, town, look, path):
    with visiting(browser, town, look) as visitor:
        page = visitor.sits_down()
        visitor.opens(page, path)
        page.locator("html[data-polls]").wait_for(state="attached")
        before = page.locator("html").get_attribute("data-polls")
        if path == "/dashboard/":
            decision = town.asks(USERS[8])
            page.locator(f"[data-html=latest] a[href$='{decision['decision_id']}']").wait_for()
        expect(page.locator("html")).not_to_have_attribute("data-polls", before, timeout=PATIENCE_MS)
        assert page.locator("[data-chart] svg[aria-hidden=true]").count() == page.locator("[data-chart]").count()
        expect(page.locator("[data-stale]")).to_be_hidden()


@pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
def test_language_and_appearance_are_chosen_on_any_page_and_hold_on_all(browser, town, look):
    other = {"en": "zh", "zh": "en"}[look.language]
    with visiting(browser, town, look) as visitor:
        page = visitor.sits_down()
        for shade, lightness in (("dark", range(80)), ("light", range(200, 256))):
            visitor.opens(page, "/dashboard/switch?scope=channel%3Apush&state=off")
            page.locator("footer select[name=language]").select_option(other)
            page.locator("footer select[name=theme]").select_option(shade)
            page.locator("footer .settle button").click()
            page.wait_for_load_state()
            assert page.url.endswith("/dashboard/switch?scope=channel%3Apush&state=off"), "the same is still asked"
            for path in (None, "/dashboard/plan", town.link(USERS[9])):
                if path:
                    visitor.opens(page, path)
                assert page.locator("html").get_attribute("data-theme") == shade
                assert page.locator("html").get_attribute("lang")[:2] == other
                paper = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
                assert all(part in lightness for part in paper), paper
