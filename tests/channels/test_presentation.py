"""How pushes look at each provider, and that nothing is silently reduced or let through unescaped."""

from html.parser import HTMLParser

import pytest
from channel_peers import a_push
from hypothesis import given
from hypothesis import strategies as st

from andante.channels.contract import FORMS, Content, Status
from andante.channels.presentation import (
    NATIVE,
    email_html,
    email_text,
    fcm_part,
    for_app,
    forms,
    huawei_part,
    jpush_part,
    left_s,
    unsendable,
)

WHOLE = {
    "text": Content(title="Sale"),
    "card": Content(title="Sale", form="card", image_url="https://shop.example/s.jpg"),
    "list": Content(title="Sale", form="list", entries=({"title": "Hat"},)),
    "video": Content(title="Sale", form="video", video_url="https://shop.example/v.mp4"),
}


def test_every_provider_declares_forms_that_there_are_and_shows_text():
    assert all(set(native) <= set(FORMS) and native[0] == "text" for native in NATIVE.values())
    assert forms("apns", ("video", "text")) == ("text", "video")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("provider", NATIVE)
def test_a_form_is_shown_or_refused_and_never_reduced(provider, form):
    answer = unsendable(a_push(content=WHOLE[form]), forms(provider), 0)
    if form in NATIVE[provider]:
        assert answer is None
    else:
        assert (answer.status, answer.code) == (Status.UNABLE, "form")
    assert unsendable(a_push(content=WHOLE[form]), forms(provider, FORMS), 0) is None


@pytest.mark.parametrize("form", ["card", "list", "video"])
def test_a_form_without_what_it_shows_is_refused(form):
    answer = unsendable(a_push(content=Content(title="x", form=form)), FORMS, 0)
    assert (answer.status, answer.code) == (Status.UNABLE, "content")


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(1, 10**7))
def test_a_time_to_live_is_within_bounds_and_never_longer_than_what_is_left(expires_s, now_s, most_s):
    assert 1 <= left_s(expires_s, now_s, most_s) <= max(most_s, 1)
    assert left_s(expires_s, now_s, most_s) <= max(expires_s - now_s, 1)


def test_an_app_gets_its_data_and_ours_wins_and_no_layout_of_an_email():
    push = a_push(content=Content(title="x", data={"sku": "1", "decision_id": "mine"}, html="<b>"))
    assert for_app(push, native=True) == {"sku": "1", "decision_id": "d-1"}
    assert "title" not in fcm_part(push)["data"]


def test_an_empty_text_is_shown_on_android_by_its_title():
    assert jpush_part(a_push(content=Content(title="Sale")), "android", "active")["android"]["alert"] == "Sale"
    assert huawei_part(a_push(content=Content(title="Sale")))["click_action"] == {"type": 3}


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_is_said_becomes_markup_in_an_email(title, body, url, entry):
    evil = f'"><script>{body}'
    content = Content(
        title=title + evil,
        body=body + evil,
        form="list",
        url=url + evil,
        entries=({"title": entry + evil, "url": evil},),
    )
    html, found = email_html(a_push(content=content, unsubscribe_url=url + evil)), _Tags()
    found.feed(html)
    assert found.tags <= {"html", "head", "meta", "title", "body", "h1", "a", "p", "ul", "li", "small"}
    assert found.attributes <= {"charset", "href"}


def test_an_email_says_the_same_in_text_and_in_html():
    content = Content(
        title="Two", body="Only today", form="card", image_url="https://shop.example/s.jpg", url="https://shop.example/"
    )
    push = a_push(content=content, unsubscribe_url="https://shop.example/u")
    assert email_text(push) == "Only today\n\nhttps://shop.example/\n\nUnsubscribe: https://shop.example/u\n"
    html = email_html(push)
    assert all(
        part in html for part in ("Only today", '<img src="https://shop.example/s.jpg"', "https://shop.example/u")
    )
