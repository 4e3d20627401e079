"""What a shopper finds on their page, and does there, with forms alone: no script runs in these tests."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from shopper_desk import SENDING, opened

BYTES_MAX = 100_000


class Forms(HTMLParser):
    """Reads the forms of a page as a browser would send them when nothing was touched."""

    def __init__(self, page):
        super().__init__()
        self.forms, self._select, self._area = {}, None, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.fields = self.forms.setdefault(given["action"], [])
        elif tag == "input" and (given.get("type") not in {"radio", "checkbox"} or "checked" in given):
            self.fields.append((given["name"], given.get("value") or ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self.fields.append((self._select, given["value"]))
        elif tag == "textarea":
            self._area = given["name"]

    def handle_data(self, data):
        if self._area:
            self.fields.append((self._area, data))

    def handle_endtag(self, tag):
        self._area = None if tag == "textarea" else self._area


def untouched(page, link, action):
    return Forms(page).forms[f"{link}/{action}"]


def sends(shop, link, action, fields):
    body = "&".join(f"{name}={value}" for name, value in fields)
    answer = shop.client.post(
        f"{link}/{action}", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 303, answer.text
    return shop.page(answer.headers["location"])


def test_forms_that_nobody_touched_change_nothing(shop):
    shop.consents(
        consent={"push": True, "email": False},
        categories={"news": False},
        max_per_day=2,
        max_per_week=5,
        quiet_hours={"start": "21:00", "end": "07:30"},
        time_zone="Asia/Shanghai",
        profiling=False,
    )
    link, before = shop.link(), shop.engine.user("ann")
    for action in ("frequency", "hours", "choices"):
        sends(shop, link, action, untouched(shop.page(link), link, action))
    after = shop.engine.user("ann")
    for field in ("consent", "categories", "max_per_day", "max_per_week", "quiet_hours", "time_zone", "profiling"):
        assert getattr(after, field) == getattr(before, field)


def test_every_choice_of_the_page_is_the_engines_when_the_page_answers(shop):
    link = shop.link()
    page = shop.done(link, "frequency", {"dial": "limit", "max_per_week": "1"})
    assert 'role="status"' in page
    assert shop.engine.user("ann").max_per_week == 1
    shop.done(link, "hours", {"quiet": "own", "start": "20:00", "end": "09:00", "time_zone": "Europe/Berlin"})
    assert shop.engine.user("ann").quiet_hours == ("20:00", "09:00")
    assert shop.engine.user("ann").time_zone == "Europe/Berlin"
    shop.done(link, "choices", {"consent_shown": "push", "categories_shown": "promotion", "profiling_shown": "yes"})
    seen = shop.engine.user("ann")
    assert (seen.consent, seen.categories, seen.profiling) == ({"push": False}, {"promotion": False}, False)
    shop.done(link, "frequency", {"dial": "none"})
    assert shop.engine.user("ann").max_per_week == 0
    shop.done(link, "frequency", {"dial": "learn"})
    assert shop.engine.user("ann").max_per_week is None


def test_a_pause_lasts_a_week_and_can_be_ended(shop):
    link = shop.link()
    page = shop.done(link, "pause")
    left = shop.engine.user("ann").paused_until - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7, seconds=2)
    assert f"{link}/resume" in page
    assert f"{link}/pause" in shop.done(link, "resume")
    assert shop.engine.user("ann").paused_until is None


def test_a_fault_is_summed_up_beside_its_field_and_what_was_filled_in_stays(shop):
    link = shop.link()
    answer = shop.act(link, "frequency", {"dial": "limit", "max_per_week": "99"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'href="#max_per_week"' in answer.text
    assert re.search(r'id="max_per_week"[^>]*value="99"[^>]*aria-invalid="true"', answer.text)
    assert shop.engine.user("ann").max_per_week is None
    kept = shop.act(link, "complaint", {"text": "", "contact": "me@mail.example"})
    assert kept.status_code == 422
    assert 'value="me@mail.example"' in kept.text


def test_each_push_says_why_it_came_and_takes_a_no(shop):
    decision = shop.asks(number=1)
    shop.engine.decide(
        [
            {
                "user_id": "ann",
                "candidates": [
                    {"candidate_id": f"d{n}", "category": "news", "channel": "push", "value": n} for n in (1, 2)
                ],
            }
        ]
    )
    shop.asks(number=3, category="receipt")
    link = shop.link()
    page = shop.page(link)
    assert page.index("Receipts, by Push") < page.index("News, by Push") < page.index("Offers, by Push")
    assert "Of 2 messages that could have gone out" in page
    assert "You wait for messages of this kind" in page
    assert "Part of: sale 1" in page
    answered = shop.done(link, "push", decision=decision.decision_id)
    assert "You told us: not interested." in answered
    told = shop.engine.export("ann")["outcomes"]
    assert [(one["decision_id"], one["type"]) for one in told] == [(decision.decision_id, "not_interested")]
    assert "You told us: not interested." in shop.done(link, "push", decision=decision.decision_id)
    assert len(shop.engine.export("ann")["outcomes"]) == 1


def test_a_complaint_is_kept_answered_and_counted(shop):
    link = shop.link()
    page = shop.done(link, "complaint", {"text": "Too <b>many</b>", "contact": "me@mail.example"})
    assert "Too &lt;b&gt;many&lt;/b&gt;" in page
    assert "we will answer" in page
    (one,) = shop.books.complaints.of_user("ann")
    assert (one.text, one.contact, one.status) == ("Too <b>many</b>", "me@mail.example", "open")
    shop.books.complaints.answer("mei", one.id, "We send less now.")
    page = shop.page(link)
    assert "We send less now." in page
    assert "mei" not in page, "who answered is the shop's own matter"
    while shop.act(link, "complaint", {"text": "again"}).status_code == 303:
        pass
    full = shop.act(link, "complaint", {"text": "again"})
    assert full.status_code == 422
    assert "please wait" in full.text


def test_the_export_is_a_file_with_all_that_is_held(shop):
    shop.asks()
    shop.outbox.addresses.add("ann", "push", "fcm", {"token": "t1"}, 1)
    link = shop.link()
    shop.done(link, "complaint", {"text": "hm"})
    answer = shop.client.get(f"{link}/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    told = json.loads(answer.text)
    assert told["user_id"] == "ann"
    assert len(told["decisions"]) == 1
    assert told["delivery"]["addresses"][0]["value"] == {"token": "t1"}
    assert told["complaints"][0]["text"] == "hm"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_with_all_that_it_loads_is_light_and_loads_from_us_alone(shop, language):
    for number in range(12):
        shop.asks(number=number)
    link = shop.link()
    for _ in range(3):
        shop.done(link, "complaint", {"text": "many words " * 20})
    page = shop.page(link, headers={"accept-language": language})
    assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in page
    loaded = re.findall(r'<(?:link[^>]*stylesheet[^>]*href|script[^>]*src|img[^>]*src)="([^"]+)"', page)
    assert all(one.startswith("/assets/") for one in loaded)
    assert "<script" not in page
    sizes = [len(page.encode()), *(len(shop.client.get(one).content) for one in loaded)]
    assert sum(sizes) < BYTES_MAX, sizes


def test_times_are_those_of_the_shoppers_wall(shop):
    shop.consents(time_zone="Asia/Shanghai")
    shop.asks()
    at = shop.engine.user("ann").last_sends[0].at.astimezone(UTC) + timedelta(hours=8)
    assert f"{at:%H:%M}" in shop.page(shop.link())


def test_the_shops_own_names_stand_where_there_is_no_word_for_them(tmp_path):
    config = SENDING | {"categories": {"flash_sale": {}, "receipt": {"transactional": True}}}
    with opened(tmp_path / "own.db", config) as shop:
        shop.consents(consent={"kiosk_screen": True})
        page = shop.page(shop.link())
        assert "kiosk screen" in page
        assert "flash sale" in page
        assert "you wait for these" in page


def test_a_word_that_comes_late_says_that_a_newer_one_holds(shop):
    shop.engine.set_preferences("ann", {"max_per_week": 4, "at": datetime.now(UTC) + timedelta(hours=1)})
    page = shop.done(shop.link(), "frequency", {"dial": "limit", "max_per_week": "9"})
    assert "a newer choice of yours already holds" in page
    assert shop.engine.user("ann").max_per_week == 4


def test_the_language_is_chosen_on_the_page_and_comes_back_to_it(shop):
    link = shop.link()
    fields = dict(Forms(shop.page(f"{link}?said=push")).forms["/settle"])  # what was done is not said once more
    answer = shop.client.post("/settle", data=fields | {"language": "zh"})
    assert answer.headers["location"] == link
    assert "多久一次" in shop.page(link)
    shop.client.cookies.clear()


def test_a_form_that_was_reloaded_leads_back_to_the_page(shop):
    link = shop.link()
    for action in ("frequency", "hours", "choices", "pause", "resume", "push", "complaint"):
        assert shop.client.get(f"{link}/{action}").headers["location"] == link
