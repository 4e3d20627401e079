"""Everything that operators do, done in a browser in both languages; and each deed stands in the audit."""

import csv
import io
import re

import pytest
import walking
from page_reading import reads_well
from playwright.sync_api import expect
from walking import CHINESE, ENGLISH, PATIENCE_MS, USERS, visiting

from andante.operators.rules import Rules

LOOKS = pytest.mark.parametrize("look", [ENGLISH, CHINESE], ids=str)
CAP = '\n[[caps]]\nscope = "channel:{channel}"\nlimit = 1\nwindow = "P1D"\n'


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


@pytest.fixture
def walks(browser, town):
    """Open visits that hold what they must hold when the test ends."""
    held = []

    def visit(look, name="Mia"):
        opened = visiting(browser, town, look)
        visitor = opened.__enter__()
        held.append(opened)
        return visitor, visitor.sits_down(name)

    yield visit
    faults = []
    for opened in held:
        try:
            opened.__exit__(None, None, None)
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


def in_audit(visitor, page, action, who="Mia"):
    """Look the latest deed of a kind up on the page of the audit; return its row's cells."""
    visitor.opens(page, f"/dashboard/audit?action={action}")
    cells = page.locator("main tbody tr").first.locator("th, td").all_inner_texts()
    assert cells[2] == who
    assert re.search(r"\d\d:\d\d\W*UTC", cells[1]), cells[1]
    assert visitor.says(f"audit_action.{action.replace('.', '_')}") in cells[3]
    return cells


def written(visitor, page, **fields):
    """Write a campaign by its form; return its path. What follows is its dry run."""
    visitor.opens(page, "/dashboard/campaigns")
    page.get_by_role("link", name=visitor.says("campaigns.new")).click()
    given = {
        "name": "Spring",
        "channel": "push",
        "category": "news",
        "value": "300",
        "message_title": "Spring",
    } | fields
    for name, value in given.items():
        page.locator(f"[name={name}]").fill(value)
    visitor.presses(page, "campaign.save")
    expect(page.locator("#dry")).to_be_visible()
    return page.url.removeprefix(visitor.town.url).partition("?")[0]


def state(visitor, page, name):
    expect(page.locator("[data-text=state]")).to_have_text(visitor.says(f"campaign_state.{name}"), timeout=PATIENCE_MS)


@LOOKS
def test_signing_in_and_out_is_written_down(walks, look):
    visitor, page = walks(look)
    in_audit(visitor, page, "sign_in")
    visitor.presses(page, "shared.sign_out")
    expect(page.locator("footer a")).to_have_text(visitor.says("shared.sign_in"))
    in_audit(visitor, page, "sign_out")


@LOOKS
def test_a_name_that_is_none_is_refused(walks, look):
    visitor, page = walks(look)
    visitor.refusals = {400}
    visitor.opens(page, "/dashboard/sign-in")
    page.locator("input[name=given]").fill("<b>")
    page.locator("main form button").click()
    expect(page.locator("h1")).to_have_text(visitor.says("problem.title"))


@LOOKS
def test_spans_are_chosen_and_the_page_stays_live(walks, look):
    visitor, page = walks(look)
    for span in ("week", "day", "hour"):
        page.get_by_role("link", name=visitor.says(f"now.choose_{span}"), exact=True).click()
        page.wait_for_url(f"**/dashboard/?span={span}")
        visitor.drawn(page)
        expect(page.locator(".now-spans [aria-current]")).to_have_text(visitor.says(f"now.choose_{span}"))
        page.locator("html[data-polls]").wait_for(state="attached")


@LOOKS
def test_the_list_of_decisions_is_paused_and_goes_on(walks, town, look):
    visitor, page = walks(look)
    page.locator("html[data-polls]").wait_for(state="attached")
    page.get_by_role("button", name=visitor.says("now.pause"), exact=True).click()
    held = page.locator(".now-latest").inner_html()
    decision = town.asks(USERS[11])["decision_id"]
    polls = page.locator("html").get_attribute("data-polls")
    for _ in range(2):
        expect(page.locator("html")).not_to_have_attribute("data-polls", polls, timeout=PATIENCE_MS)
        polls = page.locator("html").get_attribute("data-polls")
    assert page.locator(".now-latest").inner_html() == held
    page.get_by_role("button", name=visitor.says("now.resume"), exact=True).click()
    page.locator(f".now-latest a[href$='{decision}']").wait_for()


@LOOKS
@pytest.mark.parametrize("scope", ["global", "channel:push", "category:receipt", "campaign:spring-sale"])
def test_the_kill_switch_is_thrown_seen_and_lifted(walks, town, look, scope):
    visitor, page = walks(look)
    more = {"campaign_id": "spring-sale"} if scope.startswith("campaign") else {}
    assert town.asks(USERS[12], **more)["action"] == "send"
    page.locator("select[name=scope]").select_option(scope)
    visitor.presses(page, "switch.go")
    reads_well(page, look)
    assert town.asks(USERS[12], **more)["action"] == "send", "a first click stops nothing"
    visitor.presses(page, "switch.do_on")
    assert town.asks(USERS[12], **more)["reasons"][0] == "kill_switch"
    expect(page.locator(".now-thrown li")).to_contain_text("Mia")
    reads_well(page, look)
    page.locator(".now-thrown").get_by_role("link", name=visitor.says("switch.lift")).click()
    visitor.presses(page, "switch.do_off")
    expect(page.locator(".now-thrown")).to_have_count(0)
    assert town.asks(USERS[12], **more)["action"] == "send"
    assert in_audit(visitor, page, "switch")[4] == scope
    assert town.entries("switch")[:2] == [("Mia", scope)] * 2


@LOOKS
def test_a_large_campaign_goes_from_its_form_to_everybody_through_two_people(walks, town, look):
    visitor, page = walks(look)
    here = written(visitor, page, item_id=f"large-{look.language}")
    reads_well(page, look)
    visitor.presses(page, "campaign.do_submit")
    state(visitor, page, "awaiting_approval")
    expect(page.get_by_text(visitor.says("campaign.not_you_submitted", who="Mia"))).to_be_visible()
    expect(page.get_by_role("button", name=visitor.says("campaign.do_approve"), exact=True)).to_have_count(0)
    token = page.locator("input[name=form_token]").first.get_attribute("value")
    refused = page.request.post(f"{town.url}{here}/approve", form={"form_token": token})
    assert refused.status == 422
    other, table = walks(look, "Noa")
    other.opens(table, here)
    other.presses(table, "campaign.do_approve")
    state(other, table, "approved")
    other.presses(table, "campaign.do_start")
    state(other, table, "done")
    expect(table.locator("[data-text=share]")).to_have_text("100%")
    progress = town.opened.books.campaigns.progress(here.rpartition("/")[2])
    assert progress.asked == progress.sent + progress.deferred + progress.suppressed
    assert progress.asked > 150
    reads_well(table, look)
    for action, who in (
        ("create", "Mia"),
        ("submit", "Mia"),
        ("approve", "Noa"),
        ("start", "Noa"),
        ("done", "andante"),
    ):
        assert in_audit(visitor, page, f"campaign.{action}", who)[4] == here.rpartition("/")[2]


@LOOKS
def test_a_campaign_is_sent_back_edited_and_stopped(walks, town, look):
    visitor, page = walks(look)
    here = written(visitor, page, item_id=f"small-{look.language}")
    campaign_id = here.rpartition("/")[2]
    visitor.presses(page, "campaign.do_submit")
    other, table = walks(look, "Noa")
    other.opens(table, here)
    table.locator("input[name=why]").fill("太多 too many")
    other.presses(table, "campaign.do_reject")
    state(other, table, "draft")
    expect(table.get_by_text("太多 too many")).to_be_visible()
    in_audit(other, table, "campaign.reject", "Noa")
    visitor.opens(page, f"{here}/edit")
    page.locator("[name=user_ids]").fill("\n".join(USERS[:30]))
    visitor.presses(page, "campaign.save")
    in_audit(visitor, page, "campaign.edit")
    visitor.opens(page, here)
    visitor.presses(page, "campaign.do_submit")
    state(visitor, page, "approved")
    with town.opened.books.launching(campaign_id):  # nobody launches it meanwhile, so that there is time to stop it
        visitor.presses(page, "campaign.do_start")
        state(visitor, page, "running")
        page.locator("html[data-polls]").wait_for(state="attached")
        reads_well(page, look)
        page.locator("input[name=why]").fill("enough 够了")
        visitor.presses(page, "campaign.do_stop")
    state(visitor, page, "stopped")
    expect(page.get_by_text("enough 够了")).to_be_visible()
    assert in_audit(visitor, page, "campaign.stop")[4] == campaign_id


@LOOKS
def test_what_a_campaigns_form_cannot_say_is_refused_beside_it(walks, look):
    visitor, page = walks(look)
    visitor.refusals = {422}
    visitor.opens(page, "/dashboard/campaigns/new")
    page.locator("[name=name]").fill("Spring")
    page.locator("main form").evaluate("form => (form.noValidate = true)")
    page.locator("[name=value]").fill("-1")
    visitor.presses(page, "campaign.save")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("[name=name]")).to_have_value("Spring")
    reads_well(page, look)


@LOOKS
def test_an_edit_of_the_rules_that_check_refuses_cannot_be_applied(walks, town, look):
    visitor, page = walks(look)
    visitor.refusals = {409}
    before = town.engine.policy_version
    visitor.opens(page, "/dashboard/rules")
    bad = page.locator("textarea[name=text]").input_value() + "\n[nonsense]\nholdout = 0.9\n"
    page.locator("textarea[name=text]").fill(bad)
    visitor.presses(page, "rules.check")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")
    expect(page.get_by_role("button", name=visitor.says("rules.apply"), exact=True)).to_have_count(0)
    assert page.locator("form[action$='/apply']").count() == 0
    reads_well(page, look)
    fields = {
        "form_token": page.locator("input[name=form_token]").first.get_attribute("value"),
        "token": Rules(town.engine, town.opened.books, town.opened.config, {}).read().token,
        "text": bad,
    }
    assert page.request.post(f"{town.url}/dashboard/rules/apply", form=fields).status == 409
    assert town.engine.policy_version == before


@LOOKS
def test_a_good_edit_of_the_rules_is_checked_compared_and_applied_to_the_next_decision(walks, town, look):
    visitor, page = walks(look)
    channel, user = f"chat-{look.language}", f"rested-{look.language}"  # nobody else has spent what they have
    town.engine.set_preferences(user, {"consent": {channel: True}})
    visitor.opens(page, "/dashboard/rules")
    area = page.locator("textarea[name=text]").first
    area.fill(area.input_value() + CAP.format(channel=channel))
    visitor.presses(page, "rules.check")
    expect(page.locator("pre.diff .add").first).to_be_visible()
    expect(page.locator("tbody td.add").first).to_be_visible()
    reads_well(page, look)
    visitor.presses(page, "rules.apply")
    expect(page.get_by_text(visitor.says("rules.applied"), exact=True)).to_be_visible()
    first, second = (town.asks(user, "news", channel) for _ in range(2))
    assert (first["action"], second["reasons"][0]) == ("send", "cap_channel")
    assert CAP.format(channel=channel).strip() in town.opened.config.read_text("utf-8")
    in_audit(visitor, page, "rules.apply")


@LOOKS
def test_a_user_is_found_and_a_decision_is_followed_along_its_path(walks, look):
    visitor, page = walks(look)
    visitor.opens(page, "/dashboard/users")
    page.locator("input[name=prefix]").fill("shopper-00")
    visitor.presses(page, "users.find")
    expect(page.locator("main tbody tr")).to_have_count(10)
    page.get_by_role("link", name=USERS[5]).click()
    expect(page.locator("h1")).to_have_text(visitor.says("user.title", user=USERS[5]))
    page.locator(".line a").first.click()
    expect(page.locator("h1")).to_have_text(visitor.says("decision.title"))
    page.locator(".path a").last.click()
    expect(page.locator("#action")).to_be_in_viewport()
    page.locator("main p a").first.click()
    expect(page.locator("h1")).to_have_text(visitor.says("user.title", user=USERS[5]))


@LOOKS
def test_playing_with_a_parameter_moves_the_charts_and_the_address(walks, look):
    visitor, page = walks(look)
    visitor.opens(page, "/dashboard/play")
    budget, says = page.locator("#knob-budget"), page.locator("[data-says=play_plan]")
    before, drawn = says.inner_text(), page.locator("[data-chart=play_plan] svg").inner_html()
    budget.press("Home")
    expect(says).not_to_have_text(before, timeout=PATIENCE_MS)
    page.wait_for_url("**/dashboard/play?*budget=0.25*")
    assert page.locator("[data-chart=play_plan] svg").inner_html() != drawn
    said, shown = says.inner_text(), page.locator("output[for=knob-budget]").inner_text()
    assert "0.25" in shown
    page.reload()
    visitor.drawn(page)
    assert (says.inner_text(), budget.input_value()) == (said, "0.25"), "the address carries it"
    page.get_by_role("link", name=visitor.says("play.reset")).click()
    expect(says).to_have_text(before)


@LOOKS
def test_a_complaint_is_answered_and_closed(walks, town, look):
    visitor, page = walks(look)
    said = town.opened.books.complaints.open(USERS[14], "太吵了 too loud", None)
    visitor.opens(page, "/dashboard/complaints")
    card = page.locator(f"article[aria-labelledby=c{said.id}]")
    card.locator("textarea").fill("We send fewer. 会少发。")
    visitor.presses(page, "complaints.answer", card)
    visitor.opens(page, "/dashboard/complaints?status=answered")
    expect(card).to_contain_text("We send fewer. 会少发。")
    expect(card).to_contain_text("Mia")
    in_audit(visitor, page, "complaint.answer")
    visitor.opens(page, "/dashboard/complaints?status=answered")
    card.locator("form[action$=close] button").click()
    visitor.opens(page, "/dashboard/complaints?status=closed")
    expect(card.locator(".tag")).to_have_text(visitor.says("complaints.status_closed"))
    in_audit(visitor, page, "complaint.close")


@LOOKS
def test_the_audit_is_filtered_verified_and_taken_along(walks, town, look):
    visitor, page = walks(look)
    visitor.opens(page, "/dashboard/audit")
    page.locator("select[name=action]").select_option("sign_in")
    visitor.presses(page, "audit.show")
    assert set(page.locator("main tbody td:nth-child(4)").all_inner_texts()) == {visitor.says("audit_action.sign_in")}
    visitor.presses(page, "audit.verify")
    expect(page.get_by_text(visitor.says("audit.holds"))).to_be_visible()
    reads_well(page, look)
    head = page.locator(".notice code").inner_text()
    visitor.presses(page, "shared.sign_out")
    page = visitor.sits_down()
    visitor.opens(page, "/dashboard/audit")
    page.locator("input[name=head]").fill(head)
    visitor.presses(page, "audit.verify")
    expect(page.get_by_text(visitor.says("audit.holds_kept"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=visitor.says("audit.download")).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))
    assert len(rows) == len(town.opened.books.audit.entries(limit=1000))
    assert (rows[0]["action"], rows[0]["who"]) == ("sign_in", "Mia")
