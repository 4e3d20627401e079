"""The page "Now": its sentence, its figures, its list of decisions, and that it stays small."""

import asyncio
import json
from datetime import timedelta

import pytest
from dashboard_desk import AT, CONFIG, answering, asked, consents, look, opened, until

from andante.dashboard.console import ROOM
from andante.dashboard.feeding import Feeding, Kept
from andante.dashboard.latest import SHOWN, Latest
from andante.site.words import LANGUAGES, words_of
from andante.vocabulary.reason import Action, Reason

HOUR = timedelta(hours=1)


def busy(console, users=12, at=AT):
    """Let a shop have a busy hour: some pushes go out, some are opened, somebody leaves."""
    names = [f"user-{number}" for number in range(users)]
    consents(console.engine, *names, at=at)
    requests = [asked(name, campaign_id="sale", category="receipt", at=at - HOUR / 2) for name in names]
    requests += [asked("stranger", at=at - HOUR / 3)]
    sent = [one for one in console.engine.decide(requests) if one.action == "send"]
    told = [{"decision_id": one.decision_id, "type": "opened", "at": at - HOUR / 4} for one in sent[:3]]
    told.append({"decision_id": sent[0].decision_id, "type": "unsubscribed", "at": at - HOUR / 4})
    console.engine.observe(told)
    look(console)
    return sent


def test_the_headline_says_in_words_what_happened(console, client):
    sent = busy(console)
    page = client.get("/dashboard/").text
    assert (
        "In the last hour 13 decisions: 12 sent, 0 later, 1 not sent; 3 opened (25.0%); one shopper opted out." in page
    )
    assert sent[-1].decision_id in page


def test_the_page_speaks_chinese(console, client):
    busy(console)
    page = client.get("/dashboard/?language=zh").text
    assert "最近一小时共 13 次决策：发送 12，稍后 0，不发送 1；打开 3（25.0%）；一位顾客退订。" in page
    assert "未同意此渠道" in page


def test_an_empty_shop_has_a_page_too(client):
    page = client.get("/dashboard/").text
    assert "Nothing was decided in the last hour." in page
    assert "No decision yet." in page


def test_each_span_looks_back_as_far_as_it_says(console, client):
    busy(console, at=AT - 2 * HOUR)
    assert "Nothing was decided in the last hour." in client.get("/dashboard/?span=hour").text
    assert "In the last day 13 decisions" in client.get("/dashboard/?span=day").text
    assert "In the last week 13 decisions" in client.get("/dashboard/?span=week").text


def test_a_span_that_is_none_is_refused(client):
    assert client.get("/dashboard/?span=year").status_code == 422


def test_why_pushes_were_not_sent_is_said_in_words(console, client):
    busy(console)
    assert "Most often: no consent to this channel (100% of what was not sent)." in client.get("/dashboard/").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_action_has_a_word(language):
    words = words_of(language, ROOM)
    assert not [reason.name for reason in Reason if f"reason.{reason.name.lower()}" not in words.sentences]
    assert not [action.name for action in Action if f"action.{action.name.lower()}" not in words.sentences]


@pytest.mark.parametrize("span", ["hour", "day", "week"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_page_polls_replaces_what_the_page_shows_and_is_small(console, client, span, language):
    busy(console, users=40)
    answer = client.get(f"/dashboard/now.json?span={span}&language={language}")
    told = json.loads(answer.content)
    page = client.get(f"/dashboard/?span={span}&language={language}").text
    assert len(answer.content) < 30_000
    for name in told["texts"]:
        assert f'data-text="{name}"' in page
    for name in told["html"]:
        assert f'data-html="{name}"' in page
    for name, chart in told["charts"].items():
        assert f'data-chart="{name}"' in page
        assert chart["says"] in page
        assert chart["values"] or name == "now_why"


def test_the_list_holds_the_latest_decisions_and_no_more(console, client):
    sent = busy(console, users=40)
    latest = client.get("/dashboard/now.json").json()["html"]["latest"]
    assert latest.count("<li>") == SHOWN
    assert "/dashboard/users/stranger" in latest
    assert f"/dashboard/decisions/{sent[-1].decision_id}" in latest
    assert sent[0].decision_id not in latest


def test_names_of_users_are_no_html_and_no_path(console, client):
    wild = "<b>a/../b?c"
    consents(console.engine, wild)
    console.engine.decide([asked(wild, at=AT)])
    look(console)
    latest = client.get("/dashboard/now.json").json()["html"]["latest"]
    assert "<b>a" not in latest
    assert "/dashboard/users/%3Cb%3Ea%2F..%2Fb%3Fc" in latest


def test_the_rate_counts_decisions_of_this_servers_own_time(tmp_path):
    with opened(tmp_path) as console:
        consents(console.engine, "ann")
        times = iter([0.0, 0.5, 2.0])
        latest = Latest(console.serving.database, lambda: next(times))
        assert latest.look().per_second is None
        console.engine.decide([asked("ann", at=AT)] * 6)
        assert latest.look().per_second is None  # too soon to tell
        assert latest.look().per_second == 3.0


def test_all_who_look_at_once_are_served_by_one_look():
    made = []

    async def make(key):
        made.append(key)
        await asyncio.sleep(0)
        return key

    async def ask():
        kept = Kept(make)
        return await asyncio.gather(*(kept.get(key) for key in "aabab"))

    assert asyncio.run(ask()) == list("aabab")
    assert sorted(made) == ["a", "b"]


def test_a_look_that_failed_is_tried_again():
    tries = []

    async def make(key):
        tries.append(key)
        if len(tries) == 1:
            raise OSError("the disk")
        return key

    async def ask():
        kept = Kept(make)
        with pytest.raises(OSError, match="disk"):
            await kept.get("a")
        return await kept.get("a")

    assert asyncio.run(ask()) == "a"


def test_feeding_lets_the_page_follow_the_log(tmp_path):
    with opened(tmp_path) as console, answering(console, Feeding(console).run) as client:
        consents(console.engine, "ann")
        console.engine.decide([asked("ann", category="receipt", at=AT)])
        until(lambda: "1 sent" in client.get("/dashboard/now.json").json()["texts"]["headline"], "told of the decision")


def test_an_alarm_stands_on_the_page_with_evidence_and_what_to_do(tmp_path):
    with opened(tmp_path, CONFIG) as console, answering(console) as client:
        names = [f"user-{number}" for number in range(400)]
        consents(console.engine, *names, at=AT - timedelta(days=2))
        for day, leaves in ((5, 1), (4, 1), (0.1, 40)):
            at = AT - timedelta(days=day)
            requests = [asked(name, campaign_id=f"sale-{day}", category="receipt", at=at) for name in names]
            sent = [one for one in console.engine.decide(requests) if one.action == "send"]
            told = [
                {"decision_id": one.decision_id, "type": "complained", "at": at + HOUR / 2} for one in sent[:leaves]
            ]
            console.engine.observe(told)
        look(console)
        page = client.get("/dashboard/").text
        assert "More shoppers opt out of the campaign sale-0.1 than is usual for its category." in page
        assert "Chance alone would do this once in" in page
        assert "/dashboard/switch?scope=campaign%3Asale-0.1&amp;state=on" in page
        assert 'aria-live="polite" data-html="alarms"' in page


def test_a_figure_with_nothing_known_beside_it_is_still_marked(console, client):
    busy(console)
    rows = client.get("/dashboard/now.json").json()["charts"]["now_optouts"]["values"]
    (marked,) = (row for row in rows if row["a"] is not None)
    assert marked["end"]
