"""The page of the rules, over real rules."""

import re

from dashboard_desk import act, asked, consents, sign_in

from andante.settings import describe

NEW = '[[caps]]\nscope = "global"\nlimit = 1\nwindow = "P1D"\n'


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page.text)[1]


def test_a_check_names_every_fault_and_offers_no_way_to_apply(console, client):
    sign_in(client)
    page = act(client, "/dashboard/rules", "/dashboard/rules", text="[gap]\nminimum = 7\n[nonsense]\n")
    assert page.status_code == 200
    assert "gap.minimum" in page.text
    assert "nonsense" in page.text
    assert "/dashboard/rules/apply" not in page.text


def test_a_checked_edit_shows_what_changes_and_holds_from_the_next_decision(console, client):
    consents(console.engine, "ann")
    sign_in(client)
    text = console.rules.text() + NEW
    page = act(client, "/dashboard/rules", "/dashboard/rules", text=text.replace("\n", "\r\n"))
    assert "caps[global per P1D].limit" in page.text
    assert '<span class="add">+limit = 1</span>' in page.text
    done = client.post(
        "/dashboard/rules/apply",
        data={"form_token": hidden(page, "form_token"), "token": hidden(page, "token"), "text": text},
    )
    assert done.status_code == 200
    assert "Applied." in done.text
    assert console.engine.settings.caps[0].limit == 1
    first, second = console.engine.decide([asked(candidate_id="a"), asked(candidate_id="b")])
    assert (first.action, second.reasons[0]) == ("send", "cap_global")
    assert console.books.audit.entries(action="rules.apply")[0].who == "Mia"


def test_a_text_that_check_refuses_cannot_be_applied(console, client):
    sign_in(client)
    before = console.engine.policy_version
    page = client.get("/dashboard/rules")
    fields = {"form_token": hidden(page, "form_token"), "token": console.rules.read().token}
    refused = client.post("/dashboard/rules/apply", data=fields | {"text": "[experiment]\nholdout = 0.9\n"})
    assert refused.status_code == 409
    assert "Nothing was changed." in refused.text
    assert console.engine.policy_version == before


def test_an_edit_of_an_older_text_is_refused(console, client):
    sign_in(client)
    page = client.get("/dashboard/rules")
    token = console.rules.read().token
    console.rules.apply("Noa", NEW, token)
    fields = {"form_token": hidden(page, "form_token"), "token": token, "text": NEW.replace("1\n", "2\n")}
    assert client.post("/dashboard/rules/apply", data=fields).status_code == 409
    assert console.engine.settings.caps[0].limit == 1


def test_every_setting_stands_on_the_page_with_its_clock(console, client):
    assert console.rules.text()
    page = client.get("/dashboard/rules").text
    assert all(f"<code>{setting.key}</code>" in page for setting in describe())
